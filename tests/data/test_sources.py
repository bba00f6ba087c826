"""Photos by name, path and pixels."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from segviz.data import samples, voc
from segviz.data.classes import ClassList
from segviz.data.images import LONG_SIDE
from segviz.data.masks import MaskFormat
from segviz.data.sources import TruthFormat, from_pixels, from_upload, load
from segviz.errors import InputError


def test_a_sample_has_its_truth():
    found = load("sample:cat")
    pixels, truth = samples.load("cat")
    assert (found.key, found.title) == ("sample:cat", samples.SAMPLES["cat"].title)
    assert found.note == ""
    assert (found.pixels == pixels).all() and (found.truth == truth).all()


def test_an_image_of_voc_has_its_truth(voc_root):
    found = load("voc:2007_000001", voc_root=voc_root)
    assert (found.key, found.title) == ("voc:2007_000001", "2007_000001")
    assert (found.pixels == voc.read_photo(voc_root, "2007_000001")).all()
    assert (found.truth == voc.read_truth(voc_root, "2007_000001")).all()


def test_a_file_has_the_truth_that_is_given(files, photo, truth):
    alone = load(str(files / "photo.png"))
    assert (alone.key, alone.title) == ("file:photo.png", "photo.png") and alone.truth is None
    assert (alone.pixels == photo).all()
    for given in (files / "mask.png", truth, truth.astype(np.uint8)):
        found = load(files / "photo.png", given)
        assert found.truth.dtype == np.int64 and (found.truth == truth).all()


def test_large_photos_are_reduced_with_their_truth():
    pixels, truth = np.zeros((600, 2000, 3), np.uint8), np.zeros((600, 2000), np.uint8)
    found = from_pixels(pixels, truth)
    assert found.pixels.shape == (150, LONG_SIDE, 3) and found.truth.shape == (150, LONG_SIDE)
    assert "2000 x 600" in found.note and "500 x 150" in found.note


@pytest.mark.parametrize(("long_side", "shape"), [(None, (600, 2000)), (1000, (300, 1000))])
def test_other_resolutions(tmp_path, long_side, shape):
    pixels, truth = np.zeros((600, 2000, 3), np.uint8), np.zeros((600, 2000), np.uint8)
    found = from_pixels(pixels, truth, long_side=long_side)
    assert found.pixels.shape[:2] == found.truth.shape == shape
    assert ("1000 x 300" in found.note) == (long_side == 1000) and "VOC" not in found.note
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    for size in (truth.shape, shape):
        Image.fromarray(np.zeros(size, np.uint8)).save(tmp_path / "mask.png")
        found = load(tmp_path / "photo.png", tmp_path / "mask.png", long_side=long_side)
        assert found.pixels.shape[:2] == found.truth.shape == shape


def test_an_image_without_truth_says_so(voc_root, tmp_path):
    root = tmp_path / "VOC2012"
    shutil.copytree(voc_root, root)
    (root / "SegmentationClass" / "2007_000001.png").unlink()
    found = load("voc:2007_000001", voc_root=root)
    assert found.truth is None and "2007_000001" in found.note


def test_uploads_differ_by_their_bytes(files, photo, truth):
    data, mask = (files / "photo.png").read_bytes(), (files / "mask.png").read_bytes()
    found = from_upload("mine.png", data, mask)
    assert found.title == "mine.png" and (found.pixels == photo).all()
    assert (found.truth == truth).all()
    assert found.key.startswith("upload:") and found.key != from_upload("mine.png", data).key


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.zeros((56, 72, 3), np.float32), ["float32", "uint8"]),
        (np.zeros((56, 72), np.uint8), [r"\(56, 72\)", r"\(H, W, 3\)"]),
        (np.zeros((56, 72, 4), np.uint8), [r"\(56, 72, 4\)", r"\(H, W, 3\)"]),
        (np.zeros((8, 72, 3), np.uint8), ["72 x 8", "16"]),
        (np.zeros((16, 999, 3), np.uint8), ["999 x 16", "20"]),
        ("absent.png", [r"absent\.png"]),
        ("sample:dragon", ["dragon", "cat"]),
        ("voc:2007_000001", ["VOC", "--voc-root"]),
    ],
)
def test_photos_that_cannot_be_used(source, words):
    with pytest.raises(InputError) as error:
        load(source) if isinstance(source, str) else from_pixels(source)
    for word in words:
        assert error.match(word)


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        (np.zeros((56, 72), np.float64), ["float64", "integers"]),
        (np.zeros((56, 72, 1), np.uint8), [r"\(56, 72, 1\)", r"\(H, W\)"]),
        (np.zeros((72, 56), np.uint8), ["56 x 72", "72 x 56"]),
    ],
)
def test_truth_that_cannot_be_used(photo, truth, words):
    with pytest.raises(InputError) as error:
        from_pixels(photo, truth)
    for word in words:
        assert error.match(word)


# Networks of other classes

GREY = Image.fromarray(np.where(np.eye(60) > 0, 255, 0).astype(np.uint8))


def test_truth_of_a_sample_in_the_classes_of_a_network():
    cats = TruthFormat(ClassList(("Cat", "background")))
    photo, voc_truth = load("sample:cat", format=cats), load("sample:cat").truth
    assert np.array_equal(photo.truth == 0, voc_truth == 8)
    assert np.array_equal(photo.truth == 1, voc_truth == 0)
    assert cats.network.names[0] == "Cat" and photo.note == ""
    lonely = load("sample:cat", format=TruthFormat(ClassList(("dog", "background"))))
    assert "cat, which the network does not know" in lonely.note
    roads = load("sample:cat", format=TruthFormat(ClassList(("road", "sky"))))
    assert roads.truth is None and "which this network does not have" in roads.note


def test_binary_mask_of_a_photo(tmp_path):
    GREY.save(tmp_path / "mask.png")
    pixels = np.zeros((60, 60, 3), np.uint8)
    with pytest.raises(InputError, match=r"0 and 255, as binary masks do.*--classes.*--ignore"):
        from_pixels(pixels, tmp_path / "mask.png")
    ids = ClassList(("background", "dog"), mask_ids=(0, 255))
    format = TruthFormat(mask_format=MaskFormat(ids))
    labels = from_pixels(pixels, tmp_path / "mask.png", format=format).truth
    assert np.array_equal(np.unique(labels), [0, 12]) and (labels.diagonal() == 12).all()
    ignoring = TruthFormat(mask_format=MaskFormat(ignore=255))
    labels = from_pixels(pixels, tmp_path / "mask.png", format=ignoring).truth
    assert (labels.diagonal() == 255).all()


@pytest.mark.parametrize("id", [21, 254, -1])
def test_class_ids_of_no_class(id):
    with pytest.raises(InputError, match=f"class ids {id}, which are neither 0 to 20 nor 255"):
        from_pixels(np.zeros((60, 60, 3), np.uint8), np.full((60, 60), id, np.int16))


def test_truth_without_a_class_of_the_network_is_none():
    format = TruthFormat(ClassList(("road", "car", "tree")))
    photo = load("sample:cat", format=format)
    assert photo.truth is None and "none of the network" in photo.note


@pytest.mark.parametrize("size", [(640, 427), (1200, 900), (501, 333)])
def test_a_mask_fits_before_and_after_the_photo_was_reduced(tmp_path, size):
    """An exported label map has the size that the photo was reduced to."""
    width, height = size
    whole = np.zeros((height, width), np.uint8)
    whole[: height // 2] = 8
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(tmp_path / "photo.png")
    Image.fromarray(whole).save(tmp_path / "whole.png")
    expected = load(tmp_path / "photo.png", tmp_path / "whole.png")
    Image.fromarray(expected.pixels).save(tmp_path / "small.png")
    Image.fromarray(expected.truth.astype(np.uint8)).save(tmp_path / "reduced.png")
    for photo, mask in (("photo", "reduced"), ("small", "whole"), ("small", "reduced")):
        found = load(tmp_path / f"{photo}.png", tmp_path / f"{mask}.png")
        assert found.truth.shape == expected.pixels.shape[:2]
        assert (found.truth == expected.truth).all()


def test_a_mask_of_another_shape_does_not_fit(tmp_path):
    Image.new("RGB", (640, 427)).save(tmp_path / "photo.png")
    for size in ((427, 640), (500, 335), (320, 214), (1280, 854)):
        Image.new("L", size).save(tmp_path / "mask.png")
        with pytest.raises(InputError, match=f"{size[0]} x {size[1]} .* 640 x 427"):
            load(tmp_path / "photo.png", tmp_path / "mask.png")


def test_names_of_files_need_not_be_text(tmp_path):
    name = os.fsencode(tmp_path) + b"/caf\xe9\n.png"
    Image.new("RGB", (20, 20)).save(os.fsdecode(name), "PNG")
    found = load(os.fsdecode(name))
    assert found.title == "caf\\udce9 .png" and found.title.isprintable()
    data = (tmp_path / os.fsdecode(name)).read_bytes()
    assert len(from_upload("x" * 5000, data).title) <= 400

"""Photos by name, path and pixels."""

import numpy as np
import pytest

from segviz.data import samples, voc
from segviz.data.images import LONG_SIDE
from segviz.data.sources import load_source
from segviz.errors import InputError


def test_a_sample_has_its_truth():
    found = load_source("sample:cat")
    pixels, truth = samples.load("cat")
    assert found.title == samples.SAMPLES["cat"].title and found.factor == 1
    assert (found.pixels == pixels).all() and (found.truth == truth).all()


def test_an_image_of_voc_has_its_truth(voc_root):
    found = load_source("voc:2007_000001", voc_root=voc_root.parent)
    assert found.title == "2007_000001"
    assert (found.pixels == voc.read_photo(voc_root, "2007_000001")).all()
    assert (found.truth == voc.read_truth(voc_root, "2007_000001")).all()


def test_a_file_has_the_truth_that_is_given(files, photo, truth):
    alone = load_source(str(files / "photo.png"))
    assert alone.title == "photo.png" and alone.truth is None
    assert (alone.pixels == photo).all()
    for given in (files / "mask.png", truth, truth.astype(np.uint8)):
        found = load_source(files / "photo.png", given)
        assert found.truth.dtype == np.int64 and (found.truth == truth).all()


def test_large_photos_are_reduced_with_their_truth():
    pixels, truth = np.zeros((600, 2000, 3), np.uint8), np.zeros((600, 2000), np.uint8)
    found = load_source(pixels, truth)
    assert found.pixels.shape == (150, LONG_SIDE, 3) and found.truth.shape == (150, LONG_SIDE)
    assert found.factor == 0.25


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
        load_source(source)
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
        load_source(photo, truth)
    for word in words:
        assert error.match(word)

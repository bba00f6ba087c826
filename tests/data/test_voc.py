import shutil

import numpy as np
import pytest
from PIL import Image

from segviz.data import voc
from segviz.errors import InputError


def test_find_root(voc_root):
    for path in (voc_root, voc_root.parent, voc_root.parent.parent, str(voc_root)):
        assert voc.find_root(path) == voc_root


def test_find_root_without_voc(tmp_path):
    with pytest.raises(InputError, match="nothing does not exist"):
        voc.find_root(tmp_path / "nothing")
    with pytest.raises(InputError) as caught:
        voc.find_root(tmp_path)
    for place in (tmp_path, tmp_path / "VOC2012", tmp_path / "VOCdevkit" / "VOC2012"):
        assert f"{place}" in str(caught.value)


def test_find_root_of_a_name_no_disk_can_hold():
    with pytest.raises(InputError, match="cannot be read"):
        voc.find_root("x" * 5000)


@pytest.mark.parametrize(
    ("folders", "missing"),
    [
        (["JPEGImages"], "no JPEGImages"),
        (["ImageSets"], "no ImageSets/Segmentation"),
        (
            ["SegmentationClass", "SegmentationClassAug"],
            "no SegmentationClass or SegmentationClassAug",
        ),
        (["JPEGImages", "ImageSets"], "no JPEGImages and no ImageSets/Segmentation"),
    ],
)
def test_find_root_with_a_part_missing(copy, folders, missing):
    for folder in folders:
        shutil.rmtree(copy / folder)
    with pytest.raises(InputError, match=missing) as caught:
        voc.find_root(copy.parent.parent)
    assert f"{copy} " in str(caught.value)


def test_one_kind_of_truth_is_enough(copy):
    shutil.rmtree(copy / "SegmentationClass")
    assert voc.find_root(copy) == copy


def test_read_split(voc_root):
    assert voc.read_split(voc_root, "val")[0] == "2007_000007"
    sizes = {split: len(voc.read_split(voc_root, split)) for split in ("train", "val", "trainaug")}
    assert sizes == {"train": 6, "val": 4, "trainaug": 8}


@pytest.mark.parametrize("split", ["test", "../Segmentation/val", "", "val.txt", "/etc/passwd"])
def test_unknown_split(voc_root, split):
    with pytest.raises(InputError, match="which has train, trainaug, trainval, val;"):
        voc.read_split(voc_root, split)


def test_lists_of_other_projects(copy):
    file = copy / "ImageSets" / "Segmentation" / "deeplab.txt"
    line = "/JPEGImages/2007_000001.jpg /SegmentationClassAug/2007_000001.png"
    file.write_text(f"{line}\n\n2007_000002  1\r\n")
    assert voc.read_split(copy, "deeplab") == ["2007_000001", "2007_000002"]


@pytest.mark.parametrize(
    ("content", "pattern"),
    [(b"", r"no ids \(0 lines\)"), (b"\xff\xfe\xff", "cannot be read"), (b"a..b", "'a..b'")],
)
def test_damaged_list(copy, content, pattern):
    (copy / "ImageSets" / "Segmentation" / "odd.txt").write_bytes(content)
    with pytest.raises(InputError, match=pattern):
        voc.read_split(copy, "odd")


def test_read(voc_root):
    for id in voc.read_split(voc_root, "trainaug"):
        photo, truth = voc.read_photo(voc_root, id), voc.read_truth(voc_root, id)
        assert photo.dtype == np.uint8 and truth.dtype == np.int64
        assert photo.shape == (*truth.shape, 3)
        assert 255 in truth and 0 in truth


def test_truth_of_voc_comes_first(copy):
    id = "2007_000001"
    Image.new("L", (96, 72), 20).save(copy / "SegmentationClassAug" / f"{id}.png")
    assert 20 not in voc.read_truth(copy, id)
    (copy / "SegmentationClass" / f"{id}.png").unlink()
    assert (voc.read_truth(copy, id) == 20).all()


@pytest.mark.parametrize(
    "id",
    [
        "../val",
        "..",
        ".",
        "",
        "a/b",
        "a\\b",
        "/etc/passwd",
        "2007_000001.jpg",
        "2007_000001\n",
        "2007_000001\0",
        "C:2007",
        "~",
        "x" * 65,
        "\uff12007_000001",
    ],
)
def test_ids_stay_in_the_folder(voc_root, id):
    for read in (voc.read_photo, voc.read_truth):
        with pytest.raises(InputError, match="only letters, digits, _ and -"):
            read(voc_root, id)


def test_missing_files(voc_root):
    with pytest.raises(InputError, match=r"photo of 2001_1 is missing: no .*JPEGImages.2001_1\."):
        voc.read_photo(voc_root, "2001_1")
    with pytest.raises(InputError, match=r"truth of 2001_1 .*Class or .*ClassAug"):
        voc.read_truth(voc_root, "2001_1")


def test_damaged_files(copy):
    id = "2007_000001"
    for file in (copy / "JPEGImages" / f"{id}.jpg", copy / "SegmentationClass" / f"{id}.png"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InputError, match=rf"photo .*{id}\.jpg is damaged"):
        voc.read_photo(copy, id)
    with pytest.raises(InputError, match=rf"mask .*{id}\.png is damaged"):
        voc.read_truth(copy, id)


def test_classes_of(voc_root):
    index = voc.classes_of(voc_root, voc.read_split(voc_root, "trainaug"))
    assert index["2007_000002"] == (12, 15)
    assert index["2009_000011"] == (8,)
    assert len(index) == 8


INDEX = {"2007_000123": (12,), "2008_000007": (12, 15), "2007_000300": (20, 15), "2010_002007": ()}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [0, 1, 2, 3]),
        ("  ", [0, 1, 2, 3]),
        ("2007 dog", [0]),
        ("DOG", [0, 1]),
        ("dog person", [1]),
        ("dog,person", [1]),
        ("tv", [2]),
        ("tv/monitor", [2]),
        ("2007", [0, 2, 3]),
        ("2007_", [0, 2]),
        ("cat", []),
        ("[.*", []),
        ("background", []),
    ],
)
def test_search(query, found):
    ids = list(INDEX)
    assert voc.search(ids, INDEX, query) == [ids[place] for place in found]


def test_search_without_index():
    assert voc.search(["2007_1", "2008_1"], {}, "2008") == ["2008_1"]


def test_the_key_of_a_row_changes_with_photo_and_mask(copy):
    id = voc.read_split(copy, "val")[0]
    images = voc.VocImages(copy, "val", (id,))
    keys = [images.row_key(id)]
    assert keys[0].split()[0] == id and keys[0] == images.row_key(id)
    for path in (copy / "JPEGImages" / f"{id}.jpg", copy / "SegmentationClass" / f"{id}.png"):
        path.write_bytes(path.read_bytes() + b"\0")
        keys.append(images.row_key(id))
    (copy / "SegmentationClass" / f"{id}.png").unlink()
    keys.append(images.row_key(id))
    assert len(set(keys)) == 4

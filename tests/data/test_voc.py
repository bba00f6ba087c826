import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from segviz.data import sbd, voc
from segviz.errors import InputError


@pytest.fixture
def copy(voc_root, tmp_path):
    """The miniature VOC, to be written to."""
    root = tmp_path / "VOCdevkit" / "VOC2012"
    shutil.copytree(voc_root, root)
    return root


def truth_of(root, id, folder="SegmentationClass"):
    return np.array(Image.open(root / folder / f"{id}.png"))


def test_import_is_light():
    code = (
        "import sys; import segviz.data.images, segviz.data.voc, segviz.data.samples; "
        "print([m for m in ('torch', 'torchvision', 'scipy', 'skimage', 'matplotlib', 'streamlit')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Classes and colours


def test_classes():
    assert len(voc.CLASSES) == 21
    assert voc.CLASSES[0] == "background" and voc.CLASSES[-1] == "tvmonitor"
    assert sorted(voc.CLASSES[1:]) == list(voc.CLASSES[1:])
    assert voc.IGNORE == 255


@pytest.mark.parametrize(
    ("id", "colour"),
    [
        (0, (0, 0, 0)),
        (1, (128, 0, 0)),
        (2, (0, 128, 0)),
        (8, (64, 0, 0)),
        (11, (192, 128, 0)),
        (15, (192, 128, 128)),
        (20, (0, 64, 128)),
        (255, (224, 224, 192)),
    ],
)
def test_palette(id, colour):
    assert tuple(voc.PALETTE[id]) == colour
    assert (voc.colourise(np.full((2, 3), id)) == colour).all()


def test_palette_is_one_to_one_and_fixed():
    assert voc.PALETTE.shape == (256, 3) and voc.PALETTE.dtype == np.uint8
    assert len({tuple(colour) for colour in voc.PALETTE}) == 256
    with pytest.raises(ValueError, match="read-only"):
        voc.PALETTE[0] = 1


# The folder


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


# Splits


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


# Photos and truth


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
    with pytest.raises(InputError, match=r"truth of 2001_1 .*Class.2001_1\.png and no .*ClassAug"):
        voc.read_truth(voc_root, "2001_1")


def test_damaged_files(copy):
    id = "2007_000001"
    for file in (copy / "JPEGImages" / f"{id}.jpg", copy / "SegmentationClass" / f"{id}.png"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(InputError, match=rf"photo .*{id}\.jpg is damaged"):
        voc.read_photo(copy, id)
    with pytest.raises(InputError, match=rf"mask .*{id}\.png is damaged"):
        voc.read_truth(copy, id)


# Search


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


# Download


def sbd_folder(path, labels):
    (path / "cls").mkdir(parents=True)
    for id, ids in labels.items():
        inner = np.array([[(ids,)]], dtype=[("Segmentation", object)])
        savemat(path / "cls" / f"{id}.mat", {"GTcls": inner})
    return path


def label(id=8):
    ids = np.zeros((72, 96), dtype=np.uint8)
    ids[20:40, 30:60] = id
    return ids


@pytest.fixture
def bare(copy):
    """The miniature VOC before SBD."""
    shutil.rmtree(copy / "SegmentationClassAug")
    (copy / "ImageSets" / "Segmentation" / "trainaug.txt").unlink()
    return copy


def test_convert(bare, tmp_path):
    train, val = voc.read_split(bare, "train"), voc.read_split(bare, "val")
    labels = {"2009_000011": label(8), "2009_000012": label(15)}
    labels |= {train[0]: label(), val[0]: label(), "2011_999999": label()}
    ids = sbd.convert(sbd_folder(tmp_path / "sbd", labels), bare, train, val)
    assert ids == sorted([*train, "2009_000011", "2009_000012"])
    files = sorted(file.name for file in (bare / "SegmentationClassAug").iterdir())
    assert files == ["2009_000011.png", "2009_000012.png"]
    for id in ("2009_000011", "2009_000012"):
        image = Image.open(bare / "SegmentationClassAug" / f"{id}.png")
        assert image.mode == "P" and image.getpalette()[:6] == [0, 0, 0, 128, 0, 0]
        np.testing.assert_array_equal(voc.read_truth(bare, id), labels[id])


@pytest.mark.parametrize("damage", [b"", b"MATLAB 5.0", "class", "shape"])
def test_convert_damaged(bare, tmp_path, damage):
    folder = sbd_folder(tmp_path / "sbd", {"2009_000011": label(21 if damage == "class" else 8)})
    file = folder / "cls" / "2009_000011.mat"
    if damage == "shape":
        savemat(file, {"GTcls": np.zeros(3)})
    elif damage != "class":
        file.write_bytes(damage)
    with pytest.raises(InputError, match=r"2009_000011\.mat are damaged .* download SBD again"):
        sbd.convert(folder, bare, ["2007_000001"], [])


def test_convert_nothing(bare, tmp_path):
    with pytest.raises(InputError, match=r"\(0 \.mat files\)"):
        sbd.convert(tmp_path, bare, [], [])


@pytest.fixture
def mirror(monkeypatch):
    """Stands in for torchvision: set `voc` and `sbd` to what a download does."""
    datasets = pytest.importorskip("torchvision.datasets")

    class Mirror:
        calls = ()

        def voc(self, path):
            raise OSError("HTTP Error 503:\nService Unavailable")

        sbd = voc

    fake = Mirror()

    class Segmentation:
        def __init__(self, root, year, image_set, download):
            assert (year, image_set, download) == ("2012", "trainval", True)
            fake.calls += ("voc",)
            fake.voc(root)

    class Boundaries:
        url = "https://example.org/benchmark.tgz"

        def __init__(self, root, image_set, mode, download):
            assert (image_set, mode, download) == ("train", "segmentation", True)
            fake.calls += ("sbd",)
            fake.sbd(root)

    monkeypatch.setattr(datasets, "VOCSegmentation", Segmentation)
    monkeypatch.setattr(datasets, "SBDataset", Boundaries)
    return fake


def test_download(bare, mirror, tmp_path):
    path = tmp_path / "new" / "folder"
    mirror.voc = lambda root: shutil.copytree(bare, f"{root}/VOCdevkit/VOC2012")
    mirror.sbd = lambda root: sbd_folder(path / "sbd", {"2009_000011": label()})
    root = voc.download(path)
    assert root == path / "VOCdevkit" / "VOC2012"
    assert voc.read_split(root, "trainaug") == [*voc.read_split(root, "train"), "2009_000011"]
    assert voc.download(path) == root
    assert mirror.calls == ("voc", "sbd")


def test_download_fails(mirror, tmp_path):
    with pytest.raises(InputError) as caught:
        voc.download(tmp_path)
    text = str(caught.value)
    assert "VOCtrainval_11-May-2012.tar" in text and "http" in text and "503" in text
    assert "\n" not in text and text.endswith("unpack it there.")


def test_download_of_sbd_fails(bare, mirror, tmp_path):
    with pytest.raises(InputError) as caught:
        voc.download(tmp_path)
    text = str(caught.value)
    assert f"VOC 2012 is complete in {bare}" in text
    assert "https://example.org/benchmark.tgz" in text and "503" in text and "\n" not in text
    assert voc.download(tmp_path, augment=False) == bare
    assert mirror.calls == ("sbd",)


def test_download_mends_what_was_cut_off(bare, mirror, tmp_path):
    file = bare / "SegmentationClass" / "2007_000001.png"
    content = file.read_bytes()
    file.unlink()
    mirror.voc = lambda root: file.write_bytes(content)
    assert voc.download(tmp_path, augment=False) == bare
    assert mirror.calls == ("voc",) and file.is_file()

import shutil

import pytest

from segviz.data import voc
from segviz.data.voc_download import download
from segviz.errors import InputError
from tests.data.sbd_files import label, sbd_folder


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
    root = download(path)
    assert root == path / "VOCdevkit" / "VOC2012"
    assert voc.read_split(root, "trainaug") == [*voc.read_split(root, "train"), "2009_000011"]
    assert download(path) == root
    assert mirror.calls == ("voc", "sbd")


def test_download_fails(mirror, tmp_path):
    with pytest.raises(InputError) as caught:
        download(tmp_path)
    text = str(caught.value)
    assert "VOCtrainval_11-May-2012.tar" in text and "http" in text and "503" in text
    assert "\n" not in text and text.endswith("unpack it there.")


def test_download_of_sbd_fails(bare, mirror, tmp_path):
    with pytest.raises(InputError) as caught:
        download(tmp_path)
    text = str(caught.value)
    assert f"VOC 2012 is complete in {bare}" in text
    assert "https://example.org/benchmark.tgz" in text and "503" in text and "\n" not in text
    assert download(tmp_path, augment=False) == bare
    assert mirror.calls == ("sbd",)


def test_download_mends_what_was_cut_off(bare, mirror, tmp_path):
    file = bare / "SegmentationClass" / "2007_000001.png"
    content = file.read_bytes()
    file.unlink()
    mirror.voc = lambda root: file.write_bytes(content)
    assert download(tmp_path, augment=False) == bare
    assert mirror.calls == ("voc",) and file.is_file()

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from segviz.data import sbd, voc
from segviz.errors import InputError
from tests.data.sbd_files import label, sbd_folder


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

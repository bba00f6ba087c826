import dataclasses
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segviz.data.classes import CLASSES
from segviz.data.samples import SAMPLES, load
from segviz.data.voc_palette import PALETTE
from segviz.errors import InputError

ROOT = Path(__file__).parents[2]
MASKS = ROOT / "segviz" / "data" / "sample_masks"
PRESENT = {
    "astronaut": {"person"},
    "cat": {"cat"},
    "motorcycle": {"motorbike", "bottle"},
    "photographer": {"person"},
    "officer": {"person"},
    "coffee": {"diningtable"},
    "rocket": set(),
    "horse": {"horse"},
}


def draw_masks():
    spec = importlib.util.spec_from_file_location("draw_masks", ROOT / "tools" / "draw_masks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_registry():
    assert set(SAMPLES) == set(PRESENT)
    for name, sample in SAMPLES.items():
        assert sample.name == name
        assert all(getattr(sample, field.name) for field in dataclasses.fields(sample))
        with pytest.raises(dataclasses.FrozenInstanceError):
            sample.name = "other"


@pytest.mark.parametrize("name", SAMPLES)
def test_load(name):
    photo, truth = load(name)
    assert photo.dtype == np.uint8 and truth.dtype == np.int64
    assert photo.shape == (*truth.shape, 3)
    found = set(np.unique(truth)) - {0, 255}
    assert {CLASSES[id] for id in found} == PRESENT[name]


@pytest.mark.parametrize("name", SAMPLES)
def test_masks_are_the_polygons(name):
    entry = json.loads((MASKS / "polygons.json").read_text())[name]
    image = Image.open(MASKS / SAMPLES[name].mask)
    assert image.mode == "P" and image.getpalette() == PALETTE.ravel().tolist()
    np.testing.assert_array_equal(np.array(image), draw_masks().draw(entry))


def test_no_mask_is_left_over():
    entries = json.loads((MASKS / "polygons.json").read_text())
    assert {file.stem for file in MASKS.glob("*.png")} == set(entries) == set(SAMPLES)


def test_drawing():
    tool = draw_masks()
    square = [[9.5, 4.5], [29.5, 4.5], [29.5, 24.5], [9.5, 24.5]]
    assert tool.inside(square, 40, 30).sum() == 400
    entry = {"size": [40, 30], "shapes": [{"class": "cat", "polygon": square}]}
    ids = tool.draw(entry)
    assert (ids == 8).sum() == 16 * 16 and (ids[7:23, 12:28] == 8).all()
    assert (ids == 255).sum() == 24 * 24 - 16 * 16


def test_unknown_name():
    with pytest.raises(InputError, match="no sample 'dog'; choose one of astronaut, cat, "):
        load("dog")


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        ({"file": "data/gone.png"}, "'cat' needs the file skimage/data/gone.png, which is not"),
        ({"package": "no_such_package"}, "needs the file no_such_package/data/chelsea.png"),
    ],
)
def test_photo_is_not_installed(monkeypatch, change, pattern):
    sample = dataclasses.replace(SAMPLES["cat"], **change)
    monkeypatch.setitem(SAMPLES, "cat", sample)
    with pytest.raises(InputError, match=pattern):
        load("cat")


def test_another_photo_under_the_same_name(monkeypatch):
    sample = dataclasses.replace(SAMPLES["cat"], file="data/coffee.png")
    monkeypatch.setitem(SAMPLES, "cat", sample)
    with pytest.raises(InputError, match=r"mask .* 451 x 300 pixels .* photo 600 x 400"):
        load("cat")

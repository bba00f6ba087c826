"""The public face: `segviz.load`, `segviz.run` and the lazy names."""

import numpy as np
import pytest
import torch
from PIL import Image

import segviz
from segviz.errors import InputError


@pytest.mark.parametrize("name", segviz.__all__)
def test_every_public_name_is_there(name):
    assert name in dir(segviz) and getattr(segviz, name) is not None


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="nothing"):
        segviz.nothing  # noqa: B018


def test_load(checkpoint_path):
    assert segviz.load(str(checkpoint_path), device="cpu").name == str(checkpoint_path)


def test_run_on_pixels_equals_a_run_object(trained, photo, truth):
    record = segviz.run(photo, trained, truth, "shapes", scale=1, steps=2, method="oracle")
    settings = segviz.Settings(scale=1, steps=2, method="oracle")
    same = segviz.Run(trained, photo, settings, truth, "shapes").all()
    assert isinstance(record, segviz.Record) and record.title == "shapes"
    assert record.numbers("loss") == same.numbers("loss")
    assert (record.labels == same.labels).all()


def test_photos_in_memory(trained, photo):
    expected = segviz.run(photo, trained, scale=1, method="feedforward").labels
    tensor = torch.tensor(photo).permute(2, 0, 1)
    for same in (photo / 255, Image.fromarray(photo), tensor, tensor / 255, photo.astype(float)):
        record = segviz.run(same, trained, scale=1, method="feedforward")
        assert (record.labels == expected).all()


def test_run_on_files(checkpoint_path, files):
    record = segviz.run(
        files / "photo.png", str(checkpoint_path), files / "mask.png", scale=1, steps=0
    )
    assert record.title == "photo.png" and record.reference == "truth"
    assert segviz.run(files / "photo.png", str(checkpoint_path), scale=1, steps=0).reference == (
        "1x prediction"
    )


def test_run_on_a_sample(trained):
    record = segviz.run("sample:cat", trained, scale=0.25, steps=0)
    assert "Cat" in record.title and record.reference == "truth"


def test_photos_that_cannot_be_used(trained, photo):
    with pytest.raises(InputError, match=r"normalisation"):
        segviz.run(photo / 255 - 0.5, trained, scale=1, steps=0)
    with pytest.raises(InputError, match=r"ids 21"):
        segviz.run(photo, trained, np.full(photo.shape[:2], 21), scale=1, steps=0)
    with pytest.raises(InputError, match="72 x 56"):
        segviz.run(photo, trained, np.zeros((72, 56), np.uint8), scale=1, steps=0)


def test_settings_are_checked_before_anything_is_loaded():
    with pytest.raises(InputError, match=r"scale.*9"):
        segviz.run("absent.png", "absent", scale=9)
    with pytest.raises(TypeError, match="speed"):
        segviz.run("absent.png", "absent", speed=9)

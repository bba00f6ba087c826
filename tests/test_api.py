"""The public face: `segviz.load`, `segviz.run` and the lazy names."""

import numpy as np
import pytest

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
    record = segviz.run(photo, trained, truth, "shapes", scale=1, steps=2, objective="oracle")
    settings = segviz.Settings(scale=1, steps=2, objective="oracle")
    same = segviz.Run(trained, photo, settings, truth, "shapes").all()
    assert isinstance(record, segviz.Record) and record.title == "shapes"
    assert record.numbers("loss") == same.numbers("loss")
    assert (record.labels == same.labels).all()


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


def test_large_photos_are_reduced(trained):
    noise = np.random.default_rng(0).integers(0, 256, (500, 1000, 3), dtype=np.uint8)
    assert segviz.run(noise, trained, scale=0.25, steps=0).photo.shape == (250, 500, 3)


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (np.zeros((56, 72, 3), np.float32), ["float32", "uint8"]),
        (np.zeros((56, 72), np.uint8), [r"\(56, 72\)", r"\(H, W, 3\)"]),
        (np.zeros((56, 72, 4), np.uint8), [r"\(56, 72, 4\)", r"\(H, W, 3\)"]),
        (np.zeros((8, 72, 3), np.uint8), ["72 x 8", "16"]),
        (np.zeros((16, 999, 3), np.uint8), ["999 x 16", "20"]),
        ("absent.png", [r"absent\.png"]),
        ("sample:dragon", ["dragon", "cat"]),
    ],
)
def test_photos_that_cannot_be_used(trained, photo, words):
    with pytest.raises(InputError) as error:
        segviz.run(photo, trained, scale=1, steps=0)
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
def test_truth_that_cannot_be_used(trained, photo, truth, words):
    with pytest.raises(InputError) as error:
        segviz.run(photo, trained, truth, scale=1, steps=0)
    for word in words:
        assert error.match(word)


def test_settings_are_checked_before_anything_is_loaded():
    with pytest.raises(InputError, match=r"scale.*9"):
        segviz.run("absent.png", "absent", scale=9)
    with pytest.raises(TypeError, match="speed"):
        segviz.run("absent.png", "absent", speed=9)

"""The size that photos are reduced to: chosen in the sidebar, kept by addresses and records."""

import numpy as np
import pytest
from PIL import Image

QUICK = {"scale": "0.5", "steps": "1"}


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """The server offers a folder with a photo of 900 x 600 and its mask."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    photo = np.random.default_rng(0).integers(0, 255, (600, 900, 3), dtype=np.uint8)
    Image.fromarray(photo).save(tmp_path / "images" / "large.png")
    Image.fromarray(np.full((600, 900), 15, np.uint8)).save(tmp_path / "masks" / "large.png")
    monkeypatch.setenv("SEGVIZ_DATA", f"own={tmp_path}")


def test_photos_are_reduced_as_in_voc_or_as_chosen(app):
    app.open(photo="data:own/large", **QUICK)
    assert app.record.photo.shape == (333, 500, 3)
    assert app.record.environment["long_side"] == "500" and "long_side" not in app.address
    assert "reduced from 900 x 600 to 500 x 333, the resolution of VOC" in app.said
    app.set(long_side=750)
    assert "large · 750 x 500 · with truth" in app.said
    assert "Different from the run shown: long side" in app.said
    app.click("iterate_run").rest()
    assert app.record.photo.shape == (500, 750, 3) and app.record.truth.shape == (500, 750)
    assert app.record.environment["long_side"] == "750" and app.address["long_side"] == "750"
    # The run at 500 is another one, and still there.
    app.set(long_side=500)
    app.click("iterate_run").rest()
    assert app.record.photo.shape == (333, 500, 3)
    assert len(app.session.history) == 2


def test_an_address_says_the_long_side_up_to_native(app):
    app.open(photo="data:own/large", long_side="4096", **QUICK)
    assert app.record.photo.shape == (600, 900, 3) and app.control("long_side").value == 4096
    app.open(photo="data:own/large", long_side="5000", **QUICK)
    assert "from 100 to 4096; 500 is used" in app.said

"""Text, colour bars and legends on pictures."""

import numpy as np
import pytest
from PIL import Image

from segviz.pictures import maps
from segviz.pictures.lettering import PAPER, Lettering


@pytest.fixture
def lettering():
    return Lettering(Image.new("RGB", (300, 200), PAPER), 14)


def test_text_stays_within_its_width(lettering):
    width = lettering.text((10, 10), "a line that is much longer than its width", 80)
    assert 0 < width <= 80
    inked = np.argwhere((np.array(lettering.picture) != 255).any(-1))
    assert inked[:, 1].min() >= 9 and inked[:, 1].max() < 92
    assert inked[:, 0].min() >= 10 and inked[:, 0].max() < 10 + lettering.line
    assert lettering.fit("anything", 1) == "" and lettering.fit("short", 200) == "short"


def test_letters_are_grey(lettering):
    lettering.text((10, 10), "Grey 0123", 200)
    pixels = np.array(lettering.picture)
    assert (pixels[..., :1] == pixels).all()


def test_legends_wrap_and_measure_what_they_draw(lettering):
    entries = [((i, 200, 0), f"class number {i}") for i in range(5)]
    height = lettering.legend((5, 5), entries, 290, measure_only=True)
    assert (np.array(lettering.picture) == 255).all()
    assert lettering.legend((5, 5), entries, 290) == height == 3 * lettering.line
    drawn = np.array(lettering.picture).reshape(-1, 3).tolist()
    assert all([i, 200, 0] in drawn for i in range(5))
    assert lettering.legend((5, 5), [], 290) == 0


@pytest.mark.parametrize(("w", "h"), [(100, 8), (8, 100)])
def test_colour_bars_run_from_low_to_high(lettering, w, h):
    lettering.colour_bar((20, 30, w, h), "sigma")
    strip = np.array(lettering.picture)[30 : 30 + h, 20 : 20 + w]
    ends = strip[[0, -1], 0][::-1] if h > w else strip[0, [0, -1]]
    assert (ends == maps.colour_table("sigma")[[0, -1]]).all()

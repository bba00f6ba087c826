import math

import pytest

from segviz.errors import InputError
from segviz.training.recipe import LIMITS, Recipe


def test_defaults_are_within_the_limits():
    recipe = Recipe()
    for name, (low, high) in LIMITS.items():
        assert low <= getattr(recipe, name) <= high


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name):
    low, high = LIMITS[name]
    other = {"smallest": {"largest": high}, "largest": {"smallest": low}}.get(name, {})
    Recipe(**{name: low, **other}), Recipe(**{name: high, **other})
    words = name.replace("_", " ")
    for value in (low - 1, high + 1, math.nan):
        with pytest.raises(InputError, match=rf"^{words} must be from .* to .*, got {value}; "):
            Recipe(**{name: value})


@pytest.mark.parametrize(
    ("images", "batch", "epochs", "expected"),
    [(100, 10, 1.0, 10), (100, 10, 0.5, 5), (3, 16, 1.0, 1), (10582, 64, 500, 82672)],
)
def test_iterations(images, batch, epochs, expected):
    assert Recipe(batch=batch, epochs=epochs).iterations(images) == expected


def test_scales_the_wrong_way_round():
    with pytest.raises(
        InputError, match=r"smallest scale must not exceed the largest, got 2 and 1"
    ):
        Recipe(smallest=2.0, largest=1.0)

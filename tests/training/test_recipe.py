import math
from itertools import pairwise

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


def test_poly_rate():
    recipe = Recipe(warmup=0)
    rates = [recipe.rate_factor(i, 100) for i in range(101)]
    assert rates[0] == 1 and rates[100] == 0
    assert all(a > b for a, b in pairwise(rates))
    for i in (10, 50, 99):
        assert rates[i] == pytest.approx((1 - i / 100) ** 0.9)


def test_warm_up():
    recipe, poly = Recipe(warmup=10), Recipe(warmup=0)
    ratios = [recipe.rate_factor(i, 100) / poly.rate_factor(i, 100) for i in range(100)]
    assert ratios[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert ratios[9:] == [1] * 91


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


def test_rate_falls_with_what_is_used():
    recipe = Recipe(warmup=0)
    assert recipe.rate_factor(10, 100, time_used=0.6) == pytest.approx(0.4**0.9)
    assert recipe.rate_factor(60, 100, time_used=0.1) == pytest.approx(0.4**0.9)
    assert recipe.rate_factor(10, 100, time_used=1.5) == 0

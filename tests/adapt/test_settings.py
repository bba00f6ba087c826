import dataclasses
import json
import math

import pytest

from segviz.adapt.method import Method
from segviz.adapt.methods import METHODS
from segviz.adapt.settings import LIMITS, PRECISIONS, Settings
from segviz.errors import InputError


def test_defaults_are_the_papers():
    s = Settings()
    assert (s.method, s.variables, s.steps, s.learning_rate) == ("entropy", "both", 32, 1e-3)
    assert not s.centred and s.tolerance == 0


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().steps = 3


def test_as_json():
    settings = Settings(scale=1.5, method="oracle", variables="score", steps=7, tolerance=0.01)
    assert Settings(**json.loads(json.dumps(dataclasses.asdict(settings)))) == settings


WHERE_LIMITED = {"variables": "norm", "optimiser": "sgd"}
"""Where all settings have an effect."""


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name):
    low, high = LIMITS[name]
    for value in (low, high):
        given = {**WHERE_LIMITED, name: value}
        assert getattr(Settings(**given), name) == value
    step = 1 if name == "steps" else 1e-9
    for value in (low - step, high + step, math.nan, math.inf, -math.inf):
        words = name.replace("_", " ")
        with pytest.raises(
            InputError, match=f"^{words} must be from {low:g} to {high:g}, got {value}"
        ):
            Settings(**{**WHERE_LIMITED, name: value})


def test_steps_are_whole():
    with pytest.raises(InputError, match=r"^steps must be a whole number, got 2\.5; "):
        Settings(steps=2.5)
    settings = Settings(steps=4.0)
    assert settings == Settings(steps=4) and isinstance(settings.steps, int)


@pytest.mark.parametrize("value", [-0.1, 1.0, math.nan])
def test_tolerance(value):
    with pytest.raises(InputError, match=f"at least 0 and below 1, got {value}"):
        Settings(tolerance=value)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_on_each_of_its_variables(name):
    for variables in METHODS[name].variables:
        settings = Settings(method=name, variables=variables)
        assert settings.needs_truth == METHODS[name].needs_truth
        assert not Settings(method=name, variables=variables, steps=0).needs_truth


@pytest.mark.parametrize("name", METHODS)
def test_settings_of_a_method(name):
    method = Method(method=name, steps=3, tolerance=0.1)
    settings = Settings.of(method, 1.5, "bfloat16")
    expected = Settings(method=name, steps=3, tolerance=0.1, scale=1.5, precision="bfloat16")
    assert settings == expected and settings.spelling == method.spelling


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ({"method": "entropia"}, "no method 'entropia'; choose one of feedforward, entropy, "),
        ({"variables": "bias"}, "no variables 'bias'; choose one of both, score, scale, norm, all"),
        ({"precision": "float8"}, "no precision 'float8'; choose one of float32, bfloat16"),
        ({"variables": "all", "centred": True}, "centred .* 'all'; choose score, scale or both"),
    ],
)
def test_unknown_choices(values, pattern):
    with pytest.raises(InputError, match=pattern) as caught:
        Settings(**values)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_precisions():
    assert [Settings(precision=p).precision for p in PRECISIONS] == ["float32", "bfloat16"]

import dataclasses
import json
import math

import pytest

from segviz.adapt.objectives import OBJECTIVES
from segviz.adapt.settings import LIMITS, PRECISIONS, VARIABLES, Settings
from segviz.errors import InputError


def test_defaults_are_the_papers():
    s = Settings()
    assert (s.objective, s.variables, s.steps, s.learning_rate) == ("entropy", "both", 32, 1e-3)
    assert not s.centred and s.tolerance == 0


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().steps = 3


def test_as_json():
    settings = Settings(scale=1.5, objective="oracle", variables="score", steps=7, tolerance=0.01)
    assert Settings(**json.loads(json.dumps(dataclasses.asdict(settings)))) == settings


@pytest.mark.parametrize("name", LIMITS)
def test_limits(name):
    low, high = LIMITS[name]
    for value in (low, high):
        assert getattr(Settings(**{name: value}), name) == value
    step = 1 if name == "steps" else 1e-9
    for value in (low - step, high + step, math.nan, math.inf, -math.inf):
        words = name.replace("_", " ")
        with pytest.raises(
            InputError, match=f"^{words} must be from {low:g} to {high:g}, got {value}"
        ):
            Settings(**{name: value})


def test_steps_are_whole():
    with pytest.raises(InputError, match=r"^steps must be a whole number, got 2\.5; "):
        Settings(steps=2.5)
    settings = Settings(steps=4.0)
    assert settings == Settings(steps=4) and isinstance(settings.steps, int)


@pytest.mark.parametrize("value", [-0.1, 1.0, math.nan])
def test_tolerance(value):
    with pytest.raises(InputError, match=f"at least 0 and below 1, got {value}"):
        Settings(tolerance=value)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("variables", VARIABLES)
def test_every_choice_goes_together(objective, variables):
    settings = Settings(objective=objective, variables=variables)
    assert settings.needs_truth == OBJECTIVES[objective].needs_truth
    feedforward = Settings(objective=objective, variables=variables, steps=0)
    assert not feedforward.needs_truth


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ({"objective": "entropia"}, "no objective 'entropia'; choose one of entropy, "),
        ({"variables": "bias"}, "no variables 'bias'; choose one of score, scale, both, all"),
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

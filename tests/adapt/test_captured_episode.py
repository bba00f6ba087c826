"""The steps of captured episodes; what needs a GPU is in tests/test_cuda.py."""

import numpy as np
import pytest
import torch

from segviz.adapt import Settings
from segviz.adapt.captured_episode import captured_episode, is_captured
from segviz.adapt.device_step import runs_on_device
from segviz.adapt.episode import run_episode
from segviz.adapt.methods import METHODS
from segviz.adapt.objectives import OBJECTIVES
from segviz.adapt.photo_views import PhotoViews, Reference
from segviz.adapt.quantised import LOG_PROBABILITIES, Quantised, map_ranges, quantise
from segviz.errors import InputError

COVERED = [
    name
    for name, objective in OBJECTIVES.items()
    if objective.views == "single"
    and "both" in METHODS[name].variables
    and not METHODS[name].radius
]


def covered(name):
    """Settings of an objective on both filters."""
    return Settings(method=name, variables="both", scale=1.0, steps=3)


@pytest.mark.parametrize("name", COVERED)
def test_steps_equal_those_of_the_episode(network, photo, truth, name):
    views, settings = PhotoViews(network, photo, Reference(truth)), covered(name)
    assert runs_on_device(views, settings)
    found, expected = list(captured_episode(views, settings)), list(run_episode(views, settings))
    assert [step.step for step in found] == [0, 1, 2, 3]
    ranges = map_ranges(network)
    for a, b in zip(found, expected, strict=True):
        for key in ("loss", "entropy", "selected", "sigma", "iou", "accuracy", "changed"):
            assert getattr(a, key) == pytest.approx(getattr(b, key), rel=1e-4, abs=1e-4), key
        assert a.distance == pytest.approx(b.distance, rel=1e-4, abs=1e-6)
        assert np.mean(a.labels != b.labels) < 1e-3
        assert np.mean(a.selected_map != b.selected_map) < 1e-2
        for key, values in (
            ("entropy", b.entropy_map),
            ("sigma", b.sigma_map * network.stride),
            ("log_probabilities", b.log_probability_map),
        ):
            codes = Quantised.of(values, *ranges[key]).codes.astype(int)
            assert np.abs(a.codes[key].codes - codes).max() <= 1, key
        assert np.abs(a.entropy_map - b.entropy_map).max() < ranges["entropy"][1] / 250
        assert np.abs(a.sigma_map - b.sigma_map).max() < network.max_sigma / 250
        assert a.log_probability_map.shape == b.log_probability_map.shape
        for mine, theirs in zip(a.positions, b.positions, strict=True):
            assert np.array_equal(mine, theirs)


@pytest.mark.parametrize(
    "values",
    [
        {"variables": "score", "centred": True},
        {"variables": "scale"},
        {"optimiser": "sgd", "momentum": 0.5},
        {"precision": "bfloat16"},
    ],
)
def test_other_settings(network, photo, values):
    settings = Settings(scale=2.0, steps=4, **values)
    reference = Reference(np.zeros(photo.shape[:2], np.uint8), "1x prediction")
    views = PhotoViews(network, photo, reference, settings.precision)
    *_, a = captured_episode(views, settings)
    *_, b = run_episode(views, settings)
    for key in ("loss", "distance", "agreement", "sigma"):
        assert getattr(a, key) == pytest.approx(getattr(b, key), rel=1e-4, abs=1e-6)
    assert a.iou is None and a.accuracy is None


@pytest.mark.parametrize(
    "values",
    [
        {"steps": 0},
        {"stop": "drift"},
        {"tolerance": 0.01},
        {"variables": "all"},
        {"method": "multi-scale"},
        {"method": "sar"},
        {"method": "memo"},
    ],
)
def test_what_is_not_covered(network, photo, values):
    settings = Settings(**{"scale": 1.0, "steps": 2, **values})
    assert not runs_on_device(PhotoViews(network, photo), settings)


def test_wrapped_networks_are_not_covered(foreign, photo):
    settings = Settings(scale=1.0, steps=2, variables="score")
    assert not runs_on_device(PhotoViews(foreign.network, photo), settings)


def test_nothing_is_captured_on_a_cpu(network, photo):
    assert not is_captured(PhotoViews(network, photo), Settings(scale=1.0, steps=2))


def test_truth_is_needed(network, photo):
    views = PhotoViews(network, photo)
    with pytest.raises(InputError, match="needs the truth"):
        next(captured_episode(views, covered("oracle")))


def test_codes_are_those_of_the_host():
    values = torch.linspace(-13, 1, 4001)
    codes = Quantised.of(values.numpy(), *LOG_PROBABILITIES).codes
    assert np.array_equal(quantise(values, *LOG_PROBABILITIES).numpy(), codes)


def test_steps_stay_valid(network, photo):
    views = PhotoViews(network, photo)
    running = captured_episode(views, Settings(scale=1.0, steps=3, learning_rate=0.1))
    first = next(running)
    before = first.labels.copy(), first.entropy_map
    next(running)
    running.close()
    assert np.array_equal(first.labels, before[0])
    assert np.array_equal(first.entropy_map, before[1])

"""Estimates of time: from runs of this process, scaled to the size of the input."""

import math
from dataclasses import replace

import pytest

from segviz.adapt import Settings
from segviz.jobs.run_time import RunTimes
from segviz.runs.run import Run

NETWORK = "known"


@pytest.fixture(scope="module")
def record(trained, photo):
    made = Run(trained, photo, Settings(scale=1.0, steps=2)).all()
    steps = tuple(
        {**step, "ms": ms} for step, ms in zip(made.steps, (20.0, 10.0, 10.0), strict=True)
    )
    facts = {**made.environment, "sha256": NETWORK}
    return replace(made, steps=steps, forward_ms=80.0, environment=facts)


@pytest.fixture
def times(record):
    found = RunTimes()
    found.observe(record)
    return found


@pytest.fixture
def size(record):
    return record.photo.shape[:2]


def test_the_same_run_takes_as_long(times, size):
    assert times.seconds(Settings(scale=1.0, steps=2), size, NETWORK) == pytest.approx(0.12)


def test_time_grows_with_steps_and_with_the_square_of_the_scale(times, size):
    assert times.seconds(Settings(scale=1.0, steps=12), size, NETWORK) == pytest.approx(0.22)
    assert times.seconds(Settings(scale=2.0, steps=2), size, NETWORK) == pytest.approx(0.48)
    runs = [Settings(scale=1.0, steps=2), Settings(scale=2.0, steps=2)]
    assert times.total(runs, size, NETWORK) == pytest.approx(0.6)


def test_another_method_on_as_many_parameters_is_taken_for_one_that_is_not_known(times, size):
    other = Settings(method="entropy-few", scale=1.0, steps=2)
    assert times.seconds(other, size, NETWORK) == pytest.approx(0.12)
    feedforward = Settings(method="feedforward", scale=1.0)
    assert times.seconds(feedforward, size, NETWORK) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("settings", "network"),
    [
        (Settings(scale=1.0, steps=2), "unknown"),
        (Settings(scale=1.0, steps=2, variables="all"), NETWORK),
    ],
)
def test_what_nothing_tells_is_not_estimated(times, size, settings, network):
    assert math.isnan(times.seconds(settings, size, network))
    assert math.isnan(times.total([settings], size, network))


def test_the_nearest_size_counts(times, record, size):
    large = replace(record, settings=replace(record.settings, scale=4.0), forward_ms=8000.0)
    times.observe(large)
    near = times.seconds(Settings(scale=1.5, steps=2), size, NETWORK)
    far = times.seconds(Settings(scale=3.5, steps=2), size, NETWORK)
    assert near == pytest.approx(0.12 * 1.5**2) and far > 5

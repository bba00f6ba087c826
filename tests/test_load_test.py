"""What benchmarks/load_test.py concludes from its measurements; it is run by hand."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from segviz.adapt import Settings
from segviz.runs.run import Run

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "load_test.py"


@pytest.fixture(scope="module")
def load_test():
    pytest.importorskip("websockets")
    spec = importlib.util.spec_from_file_location("load_test", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def good():
    return {
        "at_once": {"sessions": 20, "equal": 20},
        "leaving": {"seconds": 4.0, "seconds_alone": 3.0},
        "visits": {"megabytes_after_50": 900, "megabytes_at_end": 905},
        "slow_picture": {"alone_seconds": 0.1, "beside_seconds": 0.3},
    }


@pytest.mark.parametrize(
    ("part", "changes", "sentence"),
    [
        ("at_once", {"equal": 19}, "differ from those alone"),
        ("leaving", {"seconds": 14.0}, "waited for those who left"),
        ("visits", {"megabytes_at_end": 1000}, "memory grows"),
        ("slow_picture", {"beside_seconds": 1.2}, "slow picture"),
    ],
)
def test_what_does_not_hold_is_named(load_test, good, part, changes, sentence):
    assert load_test.failures(good) == []
    (found,) = load_test.failures({**good, part: {**good[part], **changes}})
    assert sentence in found


def test_runs_are_compared_by_all_but_their_times(load_test, trained, photo):
    first, second = (Run(trained, photo, Settings(scale=0.5, steps=1)).all() for _ in range(2))
    assert load_test.same(first, second)
    changed = first.labels.copy()
    changed[1, 0, 0] ^= 1
    assert not load_test.same(first, replace(second, labels=changed))
    assert not load_test.same(first, replace(second, steps=first.steps[:1]))

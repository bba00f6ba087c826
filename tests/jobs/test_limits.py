import os
import subprocess
import sys
from pathlib import Path

import pytest

from segviz.adapt.settings import LIMITS, Settings
from segviz.errors import InputError
from segviz.jobs.limits import APP_LIMITS, SHARED, check_app_limit, check_open_to_strangers

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", sorted(APP_LIMITS.keys() - {"long_side"}))
def test_what_the_app_allows_the_library_allows_too(name):
    for value in APP_LIMITS[name]:
        check_app_limit(name, value)
        # alpha has an effect where the whole network runs.
        Settings(**{"variables": "norm", name: value})


@pytest.mark.parametrize("name", APP_LIMITS)
def test_beyond_the_limits(name):
    low, high = APP_LIMITS[name]
    for value in (low - 1, high + 1, float("nan"), None):
        with pytest.raises(InputError, match=f"from {low:g} to {high:g}, got {value}; "):
            check_app_limit(name, value)


def test_every_limit_of_the_library_has_one_here():
    assert APP_LIMITS.keys() >= LIMITS.keys()


def limits_of(**environment):
    """The limits of a server with these environment variables."""
    code = (
        "from segviz.jobs import limits\n"
        "print(limits.APP_LIMITS['scale'][1], limits.APP_LIMITS['steps'][1], limits.MAX_WAITING,"
        " limits.MAX_WAITING_OF_VISIT, limits.MAX_TOTAL_BYTES, limits.is_shared())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.split() or done.stderr.splitlines()[-1]


def test_the_operator_sets_the_limits():
    assert limits_of() == ["4.0", "128", "50", "10", "1000000000", "False"]
    given = {"SCALE": "2.5", "STEPS": "16", "QUEUE": "3", "QUEUE_OF_VISIT": "2", "MEGABYTES": "200"}
    environment = {f"SEGVIZ_MAX_{name}": value for name, value in given.items()}
    found = limits_of(**environment, SEGVIZ_SHARED="1")
    assert found == ["2.5", "16", "3", "2", "200000000", "True"]
    assert "SEGVIZ_MAX_SCALE must be a number, got 'many'" in limits_of(SEGVIZ_MAX_SCALE="many")
    assert "at least 0" in limits_of(SEGVIZ_MAX_QUEUE="-1")


def test_what_is_closed_to_strangers(monkeypatch):
    check_open_to_strangers("an evaluation")
    monkeypatch.setenv(SHARED, "1")
    with pytest.raises(InputError, match="an evaluation is switched off on this shared server"):
        check_open_to_strangers("an evaluation")

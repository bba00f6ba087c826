import pytest

from segviz.adapt.settings import LIMITS, Settings
from segviz.errors import InputError
from segviz.jobs.limits import APP_LIMITS, check_app_limit


@pytest.mark.parametrize("name", APP_LIMITS)
def test_what_the_app_allows_the_library_allows_too(name):
    for value in APP_LIMITS[name]:
        check_app_limit(name, value)
        Settings(**{name: value})


@pytest.mark.parametrize("name", APP_LIMITS)
def test_beyond_the_limits(name):
    low, high = APP_LIMITS[name]
    for value in (low - 1, high + 1, float("nan"), None):
        with pytest.raises(InputError, match=f"from {low:g} to {high:g}, got {value}; "):
            check_app_limit(name, value)


def test_every_limit_of_the_library_has_one_here():
    assert APP_LIMITS.keys() >= LIMITS.keys()

import math

import pytest

from segviz.errors import InputError
from segviz.validation import check_range


@pytest.mark.parametrize("value", [0.5, 1, 4.0])
def test_both_ends_are_allowed(value):
    check_range("scale", value, 0.5, 4)


@pytest.mark.parametrize("value", [0.49, 4.01, -math.inf, math.inf, math.nan, None])
def test_the_error_gives_value_limits_and_remedy(value):
    with pytest.raises(InputError, match=rf"^scale must be from 0\.5 to 4, got {value}; zoom\.$"):
        check_range("scale", value, 0.5, 4, "zoom")


def test_without_an_upper_limit():
    check_range("repeats", 10**9, 1)
    with pytest.raises(InputError, match=r"^repeats must be at least 1, got 0; choose"):
        check_range("repeats", 0, 1)

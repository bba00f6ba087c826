"""Check values against their limits, with one error sentence for all of them."""

import math

from .errors import InputError

__all__ = ["check_range"]


def check_range(
    name: str,
    value: float | None,
    low: float,
    high: float = math.inf,
    remedy: str = "choose another value",
) -> None:
    """Raise an error unless `low <= value <= high`; NaN and None are outside every range.

    Arguments:
        name: What the value is, such as "scale" or "--threads".
        value: The value to check.
        low: The least value allowed.
        high: The largest value allowed.
        remedy: What to do about a value outside the range.

    Raises:
        InputError: If the value is outside the range.
    """
    if value is not None and low <= value <= high:
        return
    limits = f"at least {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
    raise InputError(f"{name} must be {limits}, got {value}; {remedy}.")

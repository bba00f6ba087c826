"""Limits of the app's settings: one server is shared by many people."""

from ..adapt.settings import LIMITS
from ..validation import check_range

__all__ = ["APP_LIMITS", "check_app_limit"]

APP_LIMITS: dict[str, tuple[float, float]] = {
    "scale": (0.5, 4.0),  # memory and time grow with its square
    "steps": (0, 128),  # a record grows by up to 0.4 MB with each step
    "tolerance": (0.0, 0.5),  # larger values end every run after its first step
    **{name: LIMITS[name] for name in ("learning_rate", "momentum", "alpha")},
}
"""The smallest and the largest value of each setting; the library's limits are wider."""


def check_app_limit(name: str, value: float | None) -> None:
    """Raise an error unless a setting is within the app's limits.

    Arguments:
        name: A key of `APP_LIMITS`.
        value: The value chosen.

    Raises:
        InputError: If the value is outside the limits.
    """
    remedy = "choose another value, or run python -m segviz, whose limits are wider"
    check_range(name.replace("_", " "), value, *APP_LIMITS[name], remedy=remedy)

"""Limits of the app: one server is shared by many people, perhaps by strangers."""

import os

from ..adapt.settings import LIMITS
from ..data.images import LONG_SIDE
from ..errors import InputError
from ..runs.schema import MAX_SIDE
from ..validation import check_range

__all__ = [
    "APP_LIMITS",
    "KEEP_BYTES",
    "KEEP_DAYS",
    "MAX_TOTAL_BYTES",
    "MAX_WAITING",
    "MAX_WAITING_OF_VISIT",
    "SHARED",
    "check_app_limit",
    "check_open_to_strangers",
    "is_shared",
]

SHARED = "SEGVIZ_SHARED"
"""The environment variable that closes what only the server's owner may use, if it is 1."""


def is_shared() -> bool:
    """Return whether the visitors of this server are strangers to its owner.

    They then have no field for folders of the server, no evaluations and no variables `all`.
    """
    return os.environ.get(SHARED) == "1"


def check_open_to_strangers(what: str) -> None:
    """Raise an error where visitors are strangers.

    Arguments:
        what: What they ask for.

    Raises:
        InputError: If the server is shared.
    """
    if is_shared():
        raise InputError(
            f"{what} is switched off on this shared server; run segviz on your own computer."
        )


def _limit(name: str, default: float, least: float) -> float:
    """Return a limit that the operator sets by the environment variable SEGVIZ_`name`."""
    text = os.environ.get(f"SEGVIZ_{name}", "")
    try:
        value = float(text or default)
    except ValueError:
        raise InputError(f"SEGVIZ_{name} must be a number, got {text[:40]!r}.") from None
    check_range(f"SEGVIZ_{name}", value, least, remedy="leave it unset for the default")
    return value


APP_LIMITS: dict[str, tuple[float, float]] = {
    "scale": (0.5, _limit("MAX_SCALE", 4.0, 0.5)),  # memory and time grow with its square
    "steps": (0, int(_limit("MAX_STEPS", 128, 0))),  # each adds up to 0.4 MB to a record
    # Records hold no larger photos.
    "long_side": (100, int(min(_limit("MAX_LONG_SIDE", MAX_SIDE, LONG_SIDE), MAX_SIDE))),
    "tolerance": (0.0, 0.5),  # larger values end every run after its first step
    **{name: LIMITS[name] for name in ("learning_rate", "momentum", "alpha")},
}
"""The smallest and the largest value of each setting; the library's limits are wider."""

MAX_WAITING = int(_limit("MAX_QUEUE", 50, 0))
"""The largest number of runs that wait for the one at work."""

MAX_WAITING_OF_VISIT = int(_limit("MAX_QUEUE_OF_VISIT", 10, 1))
"""The largest number of runs of one visit in the queue, that at work included."""

MAX_TOTAL_BYTES = int(1e6 * _limit("MAX_MEGABYTES", 1000, 50))
"""The largest size of the runs of all visits together."""

KEEP_DAYS = _limit("KEEP_DAYS", 30, 0)
"""Days that the runs of visits are kept on disk; 0 = nothing of a visit is written."""

KEEP_BYTES = int(1e6 * _limit("KEEP_MEGABYTES", 2000, 0))
"""The largest size of the runs of all visits on disk; the oldest are deleted first."""


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

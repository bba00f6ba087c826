"""What the address of a view says: one table for names, defaults, reading and writing.

Pure functions; the pages hand them Streamlit's query parameters.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from segviz.adapt import OBJECTIVES, VARIABLES, Settings
from segviz.errors import InputError
from segviz.jobs.limits import APP_LIMITS
from segviz.network import checkpoint
from segviz.validation import check_range
from segviz.viewer import MAX_PINS, PANEL_NAMES

from .presets import OPENING

__all__ = [
    "FEEDFORWARD",
    "PARAMETERS",
    "SETTINGS",
    "Parameter",
    "defaults",
    "read",
    "settings_of",
    "write",
]

FEEDFORWARD = "feedforward"
"""The method of no steps, beside the objectives."""

LONGEST = 40
"""Characters of an address that a notice repeats."""

MAX_RUNS = 12
"""More runs of one kind are not shown side by side."""


@dataclass(frozen=True)
class Parameter:
    """One value of a view.

    Arguments:
        default: Left out of addresses.
        read: From text to the value; raises ValueError where the text is none.
        write: From the value to text.
        valid: What it may be, to complete "must be".
    """

    default: Any
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    valid: str


def _number(default: float | None, low: float, high: float, kind: type = float) -> Parameter:
    def read(text: str) -> float:
        value = kind(text)
        check_range("the value", value, low, high)
        return value

    valid = f"a {'whole ' if kind is int else ''}number from {low:g} to {high:g}"
    return Parameter(default, read, lambda value: f"{value:.12g}", valid)


def _choice(default: str, known: Collection[str]) -> Parameter:
    def read(text: str) -> str:
        if text not in known:
            raise ValueError(text)
        return text

    return Parameter(default, read, str, f"one of {', '.join(known)}")


def _flag(default: bool) -> Parameter:
    return Parameter(
        default, lambda text: bool(("0", "1").index(text)), lambda on: str(int(on)), "0 or 1"
    )


def _several(default: tuple[Any, ...], one: Parameter, most: int = MAX_RUNS) -> Parameter:
    """Values joined by underscores; commas are read too."""

    def read(text: str) -> tuple[Any, ...]:
        found = tuple(dict.fromkeys(one.read(part) for part in re.split("[_,]", text)))
        if not 1 <= len(found) <= most:
            raise ValueError(text)
        return found

    def write(values: tuple[Any, ...]) -> str:
        return "_".join(one.write(value) for value in values)

    return Parameter(default, read, write, f"up to {most}, joined by _, each {one.valid}")


def _shaped(default: str, pattern: str, valid: str) -> Parameter:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(text)
        return text

    return Parameter(default, read, str, valid)


def _pin(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text, re.ASCII)
    if found is None:
        raise ValueError(text)
    return int(found[1]), int(found[2])


_OPENING = OPENING.settings
_SCALE = _number(_OPENING.scale, *APP_LIMITS["scale"])
_STEPS = _number(_OPENING.steps, *APP_LIMITS["steps"], int)
_RATE = _number(_OPENING.learning_rate, *APP_LIMITS["learning_rate"])
_VARIABLES = _choice(_OPENING.variables, VARIABLES)
_METHODS = _choice(FEEDFORWARD, (FEEDFORWARD, *OBJECTIVES))
_PIN = Parameter((0, 0), _pin, lambda pin: f"{pin[0]}x{pin[1]}", "a pixel such as 120x85")
_PANEL = _choice("", PANEL_NAMES)

PARAMETERS: dict[str, Parameter] = {
    "photo": _shaped(
        f"sample:{OPENING.sample}",
        r"(sample:[a-z]{1,30}|voc:\w{1,30})",
        "sample:NAME or voc:ID",
    ),
    "checkpoint": _choice(checkpoint.DEFAULT, checkpoint.names()),
    "scale": _SCALE,
    "steps": _STEPS,
    "objective": _choice(_OPENING.objective, OBJECTIVES),
    "variables": _VARIABLES,
    "rate": _RATE,
    "centred": _flag(_OPENING.centred),
    "tolerance": _number(_OPENING.tolerance, *APP_LIMITS["tolerance"]),
    "methods": _several((FEEDFORWARD, "entropy", "oracle", "adversary"), _METHODS),
    "scales": _several((1.0, 2.0, 3.0, 4.0), _SCALE),
    "grid_variables": _several(("score", "scale", "both"), _VARIABLES),
    "grid_rates": _several((3e-4, 1e-3, 3e-3), _RATE, 8),
    "grid_steps": _several((8, 16, 32), _STEPS, 8),
    "step": _number(None, *APP_LIMITS["steps"], int),
    "pins": _several((), _PIN, MAX_PINS),
    "panels": _several((), _PANEL),
}
"""Every value of every view, by its name in addresses and in the session state."""

SETTINGS = ("scale", "steps", "objective", "variables", "rate", "centred", "tolerance")
"""Those that make `Settings`."""

_RUN = ("photo", "checkpoint", *SETTINGS)
_LOOK = ("step", "pins", "panels")
_PAGES = {
    "iterate": (*_RUN, *_LOOK),
    "compare": (*(name for name in _RUN if name != "objective"), "methods", *_LOOK),
    "scales": (*(name for name in _RUN if name != "scale"), "scales", *_LOOK),
    "ablate": (
        *(name for name in _RUN if name not in ("variables", "rate", "steps")),
        "grid_variables",
        "grid_rates",
        "grid_steps",
    ),
}


def defaults() -> dict[str, Any]:
    """The default of every parameter."""
    return {name: one.default for name, one in PARAMETERS.items()}


def settings_of(values: Mapping[str, Any]) -> Settings:
    """The settings among the values.

    Raises:
        InputError: If they are out of range or do not go together.
    """
    chosen = {name: values[name] for name in SETTINGS}
    return Settings(learning_rate=chosen.pop("rate"), **chosen)


def read(query: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The values of an address.

    Returns:
        The valid ones, without defaults; and a sentence for each that is not valid.
    """
    values: dict[str, Any] = {}
    notices: list[str] = []
    for name, text in query.items():
        known = PARAMETERS.get(name)
        if known is None:
            notices.append(f"The address has {_cut(name)!r}, which segviz does not know.")
            continue
        try:
            values[name] = known.read(text)
        except (ValueError, OverflowError):
            instead = f"; {known.write(known.default)} is used" if known.default else ""
            notices.append(
                f"The address says {name} = {_cut(text)!r}, but it must be {known.valid}{instead}."
            )
    try:
        settings_of({**defaults(), **values})
    except InputError as error:
        # Each is in its range, so it is centred updates of everything.
        values.pop("centred", None)
        notices.append(f"The address does not go together: {error}")
    return values, notices


def write(page: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The address of a view of a page: what differs from the defaults.

    Returns:
        Nothing where the photo has no address, such as an upload.
    """
    try:
        PARAMETERS["photo"].read(values["photo"])
    except ValueError:
        return {}
    return {
        name: PARAMETERS[name].write(values[name])
        for name in _PAGES.get(page, ())
        if values[name] != PARAMETERS[name].default
    }


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"

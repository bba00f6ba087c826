"""The query parameters of the pages: one table of names, defaults, parsers and formatters."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from segviz.adapt import FEEDFORWARD, METHODS, VARIABLES, Settings
from segviz.adapt.method import END_TO_END, OPTIMISERS
from segviz.adapt.stop import STOP_RULES
from segviz.data.images import LONG_SIDE
from segviz.errors import InputError
from segviz.jobs import catalogue
from segviz.jobs.limits import APP_LIMITS
from segviz.network import checkpoint
from segviz.viewer import MAX_PINS, PANEL_NAMES

from .presets import OPENING

__all__ = [
    "MAX_RUNS",
    "NOT_CONTROLS",
    "PARAMETERS",
    "SETTINGS",
    "VIEW",
    "Parameter",
    "defaults",
    "differing",
    "read",
    "settings_of",
    "values_of",
    "write",
]

MAX_RUNS = 12
"""The largest number of runs shown side by side."""

MAX_QUOTED = 40
"""Characters of an address that an error repeats."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a page.

    Arguments:
        default: The value that addresses leave out.
        read: Parses text; raises ValueError if it is not valid.
        write: Formats a value.
        valid: Completes the sentence "it must be".
    """

    default: Any
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    valid: str


def _number(default: float | None, low: float, high: float, kind: type = float) -> Parameter:
    def read(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    valid = f"a {'whole ' if kind is int else ''}number from {low:g} to {high:g}"
    return Parameter(default, read, lambda value: f"{value:.12g}", valid)


def _choice(default: str, options: Collection[str], names: str = "") -> Parameter:
    """Return a parameter with one of some values; `names` are these in short."""

    def read(text: str) -> str:
        if text not in options:
            raise ValueError(text)
        return text

    return Parameter(default, read, str, f"one of {names or ', '.join(options)}")


def _optional(parameter: Parameter) -> Parameter:
    """Return a parameter whose default None stands for the method's own value."""
    return Parameter(
        None,
        lambda text: None if text == "" else parameter.read(text),
        lambda value: "" if value is None else parameter.write(value),
        parameter.valid,
    )


def _flag(default: bool) -> Parameter:
    return Parameter(
        default, lambda text: bool(("0", "1").index(text)), lambda on: str(int(on)), "0 or 1"
    )


def _list(default: tuple[Any, ...], item: Parameter, most: int = MAX_RUNS) -> Parameter:
    """Return a parameter of several values, joined by underscores; commas are read, too."""

    def read(text: str) -> tuple[Any, ...]:
        found = tuple(dict.fromkeys(item.read(part) for part in re.split("[_,]", text)))
        if not 1 <= len(found) <= most:
            raise ValueError(text)
        return found

    def write(values: tuple[Any, ...]) -> str:
        return "_".join(item.write(value) for value in values)

    return Parameter(default, read, write, f"up to {most}, joined by _, each {item.valid}")


def _pattern(default: str, pattern: str, valid: str) -> Parameter:
    def read(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(text)
        return text

    return Parameter(default, read, str, valid)


def _network() -> Parameter:
    """Return the parameter of the network, one of those that the server offers."""

    def read(text: str) -> str:
        if text not in catalogue.networks():
            raise ValueError(text)
        return text

    return Parameter(checkpoint.DEFAULT, read, str, "a network that this server offers")


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
_NAMES_IN_SHORT = "the methods in docs/methods.md, such as entropy, norm or pyramid"
_METHODS = _choice(FEEDFORWARD, METHODS, _NAMES_IN_SHORT)
_PIN = Parameter((0, 0), _pin, lambda pin: f"{pin[0]}x{pin[1]}", "a pixel such as 120x85")
_PANELS = _choice("", PANEL_NAMES)
# The overlay of the command line is the photo's panel, which carries it.
_PANEL = replace(_PANELS, read=lambda text: _PANELS.read("photo" if text == "overlay" else text))

PARAMETERS: dict[str, Parameter] = {
    "photo": _pattern(
        f"sample:{OPENING.sample}",
        r"(sample:[a-z]{1,30}|voc:\w{1,30}|data:[\w-]{1,30}/.{1,300})",
        "sample:NAME, voc:ID or data:NAME/ID",
    ),
    "checkpoint": _network(),
    "long_side": _number(LONG_SIDE, *APP_LIMITS["long_side"], int),
    "scale": _SCALE,
    "steps": _STEPS,
    "method": _choice(_OPENING.method, METHODS, _NAMES_IN_SHORT),
    "variables": _VARIABLES,
    "learning_rate": _RATE,
    "centred": _flag(_OPENING.centred),
    "tolerance": _number(_OPENING.tolerance, *APP_LIMITS["tolerance"]),
    "stop": _choice("", ("", *STOP_RULES), ", ".join(STOP_RULES)),
    "optimiser": _optional(_choice("", OPTIMISERS)),
    "momentum": _optional(_number(None, *APP_LIMITS["momentum"])),
    "alpha": _optional(_number(None, *APP_LIMITS["alpha"])),
    "methods": _list((FEEDFORWARD, "entropy", "pyramid", "oracle", "adversary"), _METHODS),
    "scales": _list((1.0, 2.0, 3.0, 4.0), _SCALE),
    "grid_variables": _list(("score", "scale", "both"), _VARIABLES),
    "grid_learning_rates": _list((3e-4, 1e-3, 3e-3), _RATE, 8),
    "grid_steps": _list((8, 16, 32), _STEPS, 8),
    "step": _number(None, *APP_LIMITS["steps"], int),
    "pins": _list((), _PIN, MAX_PINS),
    "panels": _list((), _PANEL),
}
"""Every parameter of every page."""

_ADDRESS_NAMES = {"learning_rate": "rate", "grid_learning_rates": "grid_rates"}
_NAMES = {_ADDRESS_NAMES.get(name, name): name for name in PARAMETERS}
_NAMES["objective"] = "method"  # addresses of earlier versions

SETTINGS = (
    *("scale", "steps", "method", "variables", "learning_rate", "centred", "tolerance"),
    *("stop", "optimiser", "momentum", "alpha"),
)
"""The parameters that make `Settings`."""

VIEW = ("step", "pins", "panels")
"""The parameters of the viewer."""

NOT_CONTROLS = ("photo", *VIEW)
"""The parameters that are not chosen by a control."""

_RUN = ("photo", "checkpoint", "long_side", *SETTINGS)
_PAGES = {
    "iterate": (*_RUN, *VIEW),
    "compare": (*(name for name in _RUN if name != "method"), "methods", *VIEW),
    "scales": (*(name for name in _RUN if name != "scale"), "scales", *VIEW),
    "ablate": (
        *(name for name in _RUN if name not in ("variables", "learning_rate", "steps")),
        "grid_variables",
        "grid_learning_rates",
        "grid_steps",
    ),
}


def defaults() -> dict[str, Any]:
    """Return the default of every parameter."""
    return {name: parameter.default for name, parameter in PARAMETERS.items()}


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Return the settings among the values of parameters; alpha counts where it has an effect.

    Raises:
        InputError: If they are out of range or contradict each other.
    """
    chosen = {name: values[name] for name in SETTINGS}
    adapts = METHODS[chosen["method"]].objective is not None
    if adapts and chosen["variables"] is not None and chosen["variables"] not in END_TO_END:
        chosen["alpha"] = None
    return Settings(**chosen)


def values_of(settings: Settings) -> dict[str, Any]:
    """Return settings as values of parameters; None where the method's own value is used."""
    values = {name: getattr(settings, name) for name in SETTINGS}
    for name in ("alpha", "momentum", "optimiser"):
        own: Any = replace(settings, **{name: None})  # type: ignore[arg-type]
        values[name] = None if own == settings else values[name]
    return values


def read(query: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Parse the query parameters of an address.

    Returns:
        The valid values, without defaults; and a sentence for each that is not valid.
    """
    values: dict[str, Any] = {}
    notices: list[str] = []
    for name, text in query.items():
        if name not in _NAMES:
            notices.append(f"The address has {_quote(name)}, which segviz does not know.")
            continue
        parameter = PARAMETERS[_NAMES[name]]
        try:
            values[_NAMES[name]] = parameter.read(text)
        except (ValueError, OverflowError):
            default = parameter.default
            instead = f"; {parameter.write(default)} is used" if default else ""
            notices.append(
                f"The address says {name} = {_quote(text)}, but it must be"
                f" {parameter.valid}{instead}."
            )
    try:
        settings_of({**defaults(), **values})
    except InputError as error:
        # Every value is in its range: only centred updates of all variables contradict each other.
        values.pop("centred", None)
        notices.append(f"The address contradicts itself: {error}")
    return values, notices


def write(page: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Format the query parameters of a page: the values that differ from the defaults.

    Returns:
        Nothing if the photo has no address, such as an upload.
    """
    try:
        PARAMETERS["photo"].read(values["photo"])
    except ValueError:
        return {}
    return {
        _ADDRESS_NAMES.get(name, name): PARAMETERS[name].write(values[name])
        for name in _PAGES.get(page, ())
        if values[name] != PARAMETERS[name].default
    }


def differing(page: str, values: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    """Return the names of a page's settings that differ, as its controls are labelled.

    Arguments:
        page: The page's name.
        values: Values of parameters.
        others: The values to compare with; lists are equal in any order.
    """
    names = [name for name in _PAGES.get(page, ()) if name not in VIEW]
    return [
        name.removeprefix("grid_").replace("_", " ")
        for name in names
        if _unordered(values[name]) != _unordered(others[name])
    ]


def _unordered(value: Any) -> Any:  # noqa: ANN401
    return frozenset(value) if isinstance(value, tuple) else value


def _quote(text: str) -> str:
    return repr(text if len(text) <= MAX_QUOTED else text[:MAX_QUOTED] + "…")

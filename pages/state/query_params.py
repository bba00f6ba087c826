"""The query parameters of the pages: one table of names, defaults, parsers and formatters."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from segviz.adapt import FEEDFORWARD, METHODS, VARIABLES, Settings
from segviz.adapt.method import END_TO_END, OPTIMISERS
from segviz.adapt.stop import STOP_RULES
from segviz.data.images import LONG_SIDE
from segviz.errors import InputError
from segviz.evaluation.paper_tables import TABLES
from segviz.jobs import catalogue
from segviz.jobs.limits import APP_LIMITS
from segviz.network import checkpoint

from .parameter import MAX_RUNS, Parameter, choice, flag, number, optional, pattern, several
from .presets import OPENING
from .view_params import VIEW_PARAMETERS

__all__ = [
    "MAX_RUNS",
    "NOT_CONTROLS",
    "OWN_EVALUATION",
    "PARAMETERS",
    "SETTINGS",
    "VARIED",
    "VIEW",
    "Parameter",
    "defaults",
    "differing",
    "read",
    "settings_of",
    "values_of",
    "write",
]

VARIED = {
    "method": "methods",
    "learning_rate": "grid_learning_rates",
    "variables": "grid_variables",
}
"""What the runs of Compare may differ in, and the parameter that holds its values."""

OWN_EVALUATION = "own"
"""The place on Benchmark where visitors evaluate by themselves."""

MAX_QUOTED = 40
"""Characters of an address that an error repeats."""


def _network() -> Parameter:
    """Return the parameter of the network, one of those that the server offers."""

    def read(text: str) -> str:
        if text not in catalogue.networks():
            raise ValueError(text)
        return text

    return Parameter(checkpoint.DEFAULT, read, str, "a network that this server offers")


def _renamed(default: str, names: Mapping[str, str]) -> Parameter:
    """Return a parameter whose values have other names in addresses."""
    known = {value: name for name, value in names.items()}

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(text)
        return names[text]

    return Parameter(default, read, known.__getitem__, f"one of {', '.join(names)}")


_OPENING = OPENING.settings
_SCALE = number(_OPENING.scale, *APP_LIMITS["scale"])
_STEPS = number(_OPENING.steps, *APP_LIMITS["steps"], int)
_RATE = number(_OPENING.learning_rate, *APP_LIMITS["learning_rate"])
_VARIABLES = choice(_OPENING.variables, VARIABLES)
_NAMES_IN_SHORT = "the methods in docs/methods.md, such as entropy, norm or pyramid"
_METHODS = choice(FEEDFORWARD, METHODS, _NAMES_IN_SHORT)

PARAMETERS: dict[str, Parameter] = {
    "photo": pattern(
        f"sample:{OPENING.sample}",
        r"(sample:[a-z]{1,30}|voc:\w{1,30}|data:[\w-]{1,30}/.{1,300})",
        "sample:NAME, voc:ID or data:NAME/ID",
    ),
    "checkpoint": _network(),
    "long_side": number(LONG_SIDE, *APP_LIMITS["long_side"], int),
    "scale": _SCALE,
    "steps": _STEPS,
    "method": choice(_OPENING.method, METHODS, _NAMES_IN_SHORT),
    "variables": _VARIABLES,
    "learning_rate": _RATE,
    "centred": flag(_OPENING.centred),
    "tolerance": number(_OPENING.tolerance, *APP_LIMITS["tolerance"]),
    "stop": choice("", ("", *STOP_RULES), ", ".join(STOP_RULES)),
    "optimiser": optional(choice("", OPTIMISERS)),
    "momentum": optional(number(None, *APP_LIMITS["momentum"])),
    "alpha": optional(number(None, *APP_LIMITS["alpha"])),
    "methods": several((FEEDFORWARD, "entropy", "pyramid", "oracle", "adversary"), _METHODS),
    "scales": several((1.0, 2.0, 3.0, 4.0), _SCALE),
    "grid_variables": several(("score", "scale", "both"), _VARIABLES),
    "grid_learning_rates": several((3e-4, 1e-3, 3e-3), _RATE, 8),
    "grid_steps": several((8, 16, 32), _STEPS, 8),
    "vary": choice("method", VARIED),
    "bench_table": choice(next(iter(TABLES)), (*TABLES, OWN_EVALUATION)),
    "bench_model": _renamed("w/ aug", {"aug": "w/ aug", "noaug": "w/o aug"}),
    **VIEW_PARAMETERS,
}
"""Every parameter of every page."""

_ADDRESS_NAMES = {
    "learning_rate": "rate",
    "grid_learning_rates": "grid_rates",
    "bench_table": "table",
    "bench_model": "model",
    "isolated": "class",
}
_NAMES = {_ADDRESS_NAMES.get(name, name): name for name in PARAMETERS}
_NAMES["objective"] = "method"  # addresses of earlier versions

SETTINGS = (
    *("scale", "steps", "method", "variables", "learning_rate", "centred", "tolerance"),
    *("stop", "optimiser", "momentum", "alpha"),
)
"""The parameters that make `Settings`."""

VIEW = tuple(VIEW_PARAMETERS)
"""The parameters of the viewer."""

NOT_CONTROLS = ("photo", *VIEW)
"""The parameters that are not chosen by a control."""

_RUN = ("photo", "checkpoint", "long_side", *SETTINGS)
_PAGES = {
    "iterate": (*_RUN, *VIEW),
    "compare": (*_RUN, "vary", *VARIED.values(), *VIEW),
    "scales": (*(name for name in _RUN if name != "scale"), "scales", *VIEW),
    "ablate": (
        *(name for name in _RUN if name not in ("variables", "learning_rate", "steps")),
        "grid_variables",
        "grid_learning_rates",
        "grid_steps",
    ),
    "benchmark": ("bench_table", "bench_model"),
}


def _names_of(page: str, values: Mapping[str, Any]) -> list[str]:
    """Return the parameters of a page; on Compare, those that its choice makes count."""
    names = _PAGES.get(page, ())
    if page != "compare":
        return list(names)
    varied = values.get("vary", PARAMETERS["vary"].default)
    unused = {varied, *(several for name, several in VARIED.items() if name != varied)}
    return [name for name in names if name not in unused]


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
    names = _names_of(page, values)
    try:
        if "photo" in names:
            PARAMETERS["photo"].read(values["photo"])
    except ValueError:
        return {}
    return {
        _ADDRESS_NAMES.get(name, name): PARAMETERS[name].write(values[name])
        for name in names
        if name in values and values[name] != PARAMETERS[name].default
    }


def differing(page: str, values: Mapping[str, Any], others: Mapping[str, Any]) -> list[str]:
    """Return the names of a page's settings that differ, as its controls are labelled.

    Arguments:
        page: The page's name.
        values: Values of parameters.
        others: The values to compare with; lists are equal in any order.
    """
    names = [name for name in _names_of(page, values) if name not in VIEW]
    return [
        name.removeprefix("grid_").replace("_", " ")
        for name in names
        if _unordered(values[name]) != _unordered(others.get(name, PARAMETERS[name].default))
    ]


def _unordered(value: Any) -> Any:  # noqa: ANN401
    return frozenset(value) if isinstance(value, tuple) else value


def _quote(text: str) -> str:
    return repr(text if len(text) <= MAX_QUOTED else text[:MAX_QUOTED] + "…")

"""The settings that the controls show: plain values of the session, with widgets as their views.

Streamlit forgets the state of a widget that a page does not draw, and gives the widget of one key
another identity on every page. So no widget's state is relied on from page to page: each is drawn
with the value held here, and what it holds is copied back before anything reads it.
"""

import math
from contextlib import suppress
from typing import Any

import streamlit as st

from segviz.adapt import METHODS, VARIABLES, Settings
from segviz.adapt.method import available_variables, default_variables, groups_of
from segviz.errors import InputError
from segviz.jobs.limits import check_app_limit, check_open_to_strangers, is_shared
from segviz.network.checkpoint import NetworkFacts

from . import query_params
from .session import ShownRuns, session

__all__ = [
    "apply",
    "begin_run",
    "changed_since",
    "fit_network",
    "get",
    "initial",
    "key",
    "missing_variables",
    "offered_methods",
    "offered_variables",
    "rate_text",
    "refresh",
    "save",
    "settings",
    "typed_rate",
    "values",
]


def key(name: str) -> str:
    """Return the key of a control's widget.

    It changes whenever the controls are drawn anew, so that no browser can send the old value of a
    widget that is no longer there.
    """
    return f"{name}_{session().generation}"


def get(name: str, default: Any = None) -> Any:  # noqa: ANN401
    """Return the value of a control, as its widget has it.

    Arguments:
        name: A name in `query_params.PARAMETERS`, or any other.
        default: The value of a control that was never set and has no parameter.
    """
    return _value(name, _widgets(), default)


def _widgets() -> dict[str, Any]:
    """Return what the widgets hold, by key.

    Indexing `st.session_state` instead could end the run of the script for a newer one, and leave a
    change of the controls half made.
    """
    return st.session_state.to_dict()


def _value(name: str, widgets: dict[str, Any], default: Any = None) -> Any:  # noqa: ANN401
    controls = session().controls
    parameter = query_params.PARAMETERS.get(name)
    if name not in controls:
        controls[name] = default if parameter is None else _to_widget(name, parameter.default)
    value = widgets.get(key(name), controls[name])
    if value is None and parameter is not None:  # a number that was cleared
        return _to_widget(name, parameter.default)
    return value


def save() -> None:
    """Copy what the widgets hold to the session, before Streamlit may drop their state."""
    controls, widgets = session().controls, _widgets()
    for name in controls:
        controls[name] = _value(name, widgets)


def begin_run(page: str) -> None:
    """Save the controls; on another page than before, let them be drawn anew.

    To be called at the start of every run of the script.

    Arguments:
        page: The page that the run is for.
    """
    save()
    now = session()
    if now.page != page:
        refresh()
        now.page = page


def initial(name: str) -> Any:  # noqa: ANN401
    """Return the value that a control was first drawn with, since the controls were drawn anew."""
    return session().initial.setdefault(name, get(name))


def refresh() -> None:
    """Let every control be drawn anew from the session's values."""
    save()
    now = session()
    now.generation += 1
    now.initial = {}


def apply(changed: dict[str, Any]) -> None:
    """Set controls.

    What a control cannot hold, such as the scale 8 of a run from the command line, is left out.

    Arguments:
        changed: Values by the names in `query_params.PARAMETERS`; others are ignored.
    """
    refresh()
    for name, parameter in query_params.PARAMETERS.items():
        if name in changed and name not in query_params.NOT_CONTROLS:
            with suppress(ValueError):
                value = parameter.read(parameter.write(changed[name]))
                session().controls[name] = _to_widget(name, value)


def offered_variables(method: str | None = None) -> list[str]:
    """Return the variables that the chosen network has.

    Arguments:
        method: A name in `METHODS` whose variables to return; None, or a method without updates =
            all variables.
    """
    groups = session().chosen_network.groups
    if method in METHODS and METHODS[method].variables:
        names = list(available_variables(method, groups))
    else:
        names = [name for name in VARIABLES if set(groups_of(name)) <= set(groups)]
    return [name for name in names if name != "all" or not is_shared()]


def offered_methods() -> list[str]:
    """Return the methods that the chosen network can be adapted by."""
    network = session().chosen_network
    return [
        name
        for name, info in METHODS.items()
        if (network.has_gate or info.combination != "gate")
        and (not info.variables or available_variables(name, network.groups))
    ]


def missing_variables() -> str:
    """Return a sentence about the variables that the chosen network does not have, or ""."""
    offered = offered_variables()
    missing = [f"`{name}`" for name in VARIABLES if name not in offered]
    if not missing:
        return ""
    reason = ": it has no dynamic receptive field" if "`scale`" in missing else ""
    return f"This network does not have {' and '.join(missing)}{reason}."


def fit_network(network: NetworkFacts) -> None:
    """Replace the variables of the controls that a network does not have by those that it has."""
    changed: dict[str, Any] = {}
    offered = offered_variables(get("method"))
    if offered and get("variables") not in offered:
        changed["variables"] = offered[0]
    grid = get("grid_variables")
    everywhere = offered_variables()
    if not set(grid) <= set(everywhere):
        changed["grid_variables"] = tuple(name for name in everywhere if name in grid) or (
            everywhere[0],
        )
    if changed:
        apply(changed)


def values() -> dict[str, Any]:
    """Return the controls as values of an address, with the photo; unchecked but for the rates.

    Raises:
        InputError: If a learning rate is not a number.
    """
    found, widgets = query_params.defaults(), _widgets()
    for name, parameter in query_params.PARAMETERS.items():
        if name not in query_params.NOT_CONTROLS:
            value = _value(name, widgets)
            is_list = isinstance(parameter.default, tuple)
            found[name] = tuple(value) if is_list and value is not None else value
    found["learning_rate"] = typed_rate(found["learning_rate"])
    found["grid_learning_rates"] = tuple(
        sorted({typed_rate(rate) for rate in found["grid_learning_rates"]})
    )
    photo = session().photo
    return {**found, "photo": photo.key if photo else found["photo"]}


def changed_since(page: str, shown: ShownRuns) -> list[str]:
    """Return the names of what differs from runs that a page shows: photo and settings."""
    try:
        return query_params.differing(page, values(), shown.values)
    except InputError:  # a learning rate that is not a number
        return ["learning rate"]


def settings(**changed: Any) -> Settings:  # noqa: ANN401
    """Return the settings of the controls, checked here whatever the browser sent.

    Arguments:
        changed: Values to put in place of the controls'.

    Raises:
        InputError: If a value is out of its range, or values contradict each other.
    """
    found = {**values(), **changed}
    if found["variables"] is None:
        found["variables"] = default_variables(found["method"], session().chosen_network.groups)
    if found["variables"] == "all":
        check_open_to_strangers("to adapt all parameters")
    for name in ("scale", "steps", "tolerance"):
        check_app_limit(name, found[name])
    return query_params.settings_of(found)


def typed_rate(text: object) -> float:
    """Return a learning rate from what was typed; `Settings` checks its range.

    Raises:
        InputError: If it is not a number.
    """
    try:
        rate = float(text or "")  # type: ignore[arg-type]
    except (ValueError, TypeError):
        rate = math.nan
    if math.isnan(rate):
        raise InputError(
            f"the learning rate {text!r} is not a number; type one such as 0.002 or 2e-3."
        )
    return rate


def rate_text(rate: float) -> str:
    """Return a learning rate as its control shows it."""
    return f"{rate:g}"


def _to_widget(name: str, value: Any) -> Any:  # noqa: ANN401
    """Return a value as its widget has it."""
    if name == "learning_rate":
        return rate_text(value)
    if name == "grid_learning_rates":
        return [rate_text(rate) for rate in value]
    return list(value) if isinstance(value, tuple) else value

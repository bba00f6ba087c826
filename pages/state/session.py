"""What a session remembers: every key of the session state is owned here.

The settings are widgets' keys, named as in `url.PARAMETERS`; they live as long as the session, so
that every page finds them as another left them.
"""

import math
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.jobs.history import History
from segviz.jobs.limits import check_app_limit
from segviz.jobs.queue import Job
from segviz.jobs.run_job import RunRequest
from segviz.viewer import ViewState

from . import query_params

__all__ = ["Result", "apply", "rate_text", "session", "settings", "setup", "typed_rate", "values"]

WIDGETS = tuple(
    name for name in query_params.PARAMETERS if name not in ("photo", "step", "pins", "panels")
)


@dataclass(frozen=True)
class Result:
    """What a page shows.

    Arguments:
        id: Names the viewer.
        runs: Short names and ids of runs in the history.
        values: What the address says of it, but for step, pins and panels.
        judged: What predictions are judged by: its key in `NUMBERS`, and what to call it.
        curves: That number at every step, by name of the run; it outlives the runs.
    """

    id: str
    runs: tuple[tuple[str, str], ...]
    values: dict[str, Any]
    judged: tuple[str, str] = ("iou", "IoU")
    curves: dict[str, list[float]] = field(default_factory=dict)


@dataclass
class Session:
    """What is no widget's.

    Arguments:
        choice: The photo of the next run.
        work: The runs in progress.
        history: The runs that were made.
        results: What each page shows.
        views: Step, pins and panels of each result, as the viewer last reported them.
        message: What went wrong last.
        notices: What was wrong with the address.
        asked: A page that shall start by itself, and what its viewer shall show.
        pending: Values for the controls, to be set before they are drawn next.
        measured: The job that measures the network's cost, and its outcome.
        evaluated: The job of this visit's evaluation, and what came of it.
        begun: The pages that have started by themselves.
        addresses: The addresses written, newest last, each with when.
        page: The page last shown.
    """

    choice: Any = None
    work: RunRequest | None = None
    history: History = field(default_factory=History)
    results: dict[str, Result] = field(default_factory=dict)
    views: dict[str, ViewState] = field(default_factory=dict)
    message: str | None = None
    notices: list[str] = field(default_factory=list)
    asked: tuple[str, ViewState | None] | None = None
    pending: dict[str, Any] | None = None
    measured: Job | None = None
    evaluated: Job | None = None
    begun: set[str] = field(default_factory=set)
    addresses: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    page: str | None = None


def setup() -> None:
    """Fill in what is missing; to be called at the start of every run of the script."""
    st.session_state.setdefault("session", None)
    if st.session_state.session is None:
        st.session_state.session = Session()
    defaults = query_params.defaults()
    for name in WIDGETS:
        if name not in st.session_state:
            st.session_state[name] = _widget(name, defaults[name])
    if session().pending is not None:
        apply(session().pending or {})
        session().pending = None


def session() -> Session:
    """This session."""
    return st.session_state.session


def apply(values: dict[str, Any]) -> None:
    """Set the controls; only before they are drawn, or from a callback.

    What a control cannot hold, such as the scale 8 of a run from the command line, is left out.
    """
    for name in WIDGETS:
        if name in values:
            parameter = query_params.PARAMETERS[name]
            with suppress(ValueError):
                value = parameter.read(parameter.write(values[name]))
                st.session_state[name] = _widget(name, value)


def values() -> dict[str, Any]:
    """The controls as values of an address, with the photo; unchecked but for the rate.

    Raises:
        InputError: If the learning rate is not a number.
    """
    state = st.session_state
    found = {**query_params.defaults(), **{name: state[name] for name in WIDGETS}}
    for name, parameter in query_params.PARAMETERS.items():
        if isinstance(parameter.default, tuple) and found[name] is not None:
            found[name] = tuple(found[name])
    found["rate"] = typed_rate(found["rate"])
    found["grid_rates"] = tuple(sorted({typed_rate(rate) for rate in found["grid_rates"]}))
    choice = session().choice
    return {**found, "photo": choice.key if choice else found["photo"]}


def settings(**changed: Any) -> Settings:  # noqa: ANN401
    """The settings of the controls, checked here whatever the browser sent.

    Arguments:
        changed: Values to put in place of the controls'.

    Raises:
        InputError: If a value is out of its range, or they do not go together.
    """
    found = {**values(), **changed}
    for name in ("scale", "steps", "tolerance"):
        check_app_limit(name, found[name])
    return query_params.settings_of(found)


def typed_rate(text: object) -> float:
    """A learning rate as typed; its range is for `Settings` to check.

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
    """A learning rate as its control has it."""
    return f"{rate:g}"


def _widget(name: str, value: Any) -> Any:  # noqa: ANN401
    """A value as its widget has it."""
    if name == "rate":
        return rate_text(value)
    if name == "grid_rates":
        return [rate_text(rate) for rate in value]
    return list(value) if isinstance(value, tuple) else value

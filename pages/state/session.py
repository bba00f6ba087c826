"""What the server remembers of a visitor, as long as their browser tab stays connected."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from segviz.jobs.history import History
from segviz.jobs.queue import Job
from segviz.jobs.run_job import RunRequest
from segviz.viewer import ViewState

__all__ = ["Result", "Session", "session"]


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
    """The state of one visit.

    Arguments:
        controls: The value of every control by name, see `controls`.
        generation: Counts how often the controls were drawn anew; part of their widgets' keys.
        choice: The photo of the next run.
        work: The runs in progress.
        history: The runs that were made.
        results: What each page shows.
        views: Step, pins and panels of each result, as the viewer last reported them.
        message: What went wrong last.
        notices: What was wrong with the address.
        asked: A page that shall start by itself, and what its viewer shall show.
        measured: The job that measures the network's cost, and its outcome.
        evaluated: The job of this visit's evaluation, and what came of it.
        begun: The pages that have started by themselves.
        addresses: The addresses written, newest last, each with when.
        page: The page of the current run of the script.
        opened: Whether the address of the visit's first page was read.
    """

    controls: dict[str, Any] = field(default_factory=dict)
    generation: int = 0
    choice: Any = None
    work: RunRequest | None = None
    history: History = field(default_factory=History)
    results: dict[str, Result] = field(default_factory=dict)
    views: dict[str, ViewState] = field(default_factory=dict)
    message: str | None = None
    notices: list[str] = field(default_factory=list)
    asked: tuple[str, ViewState | None] | None = None
    measured: Job | None = None
    evaluated: Job | None = None
    begun: set[str] = field(default_factory=set)
    addresses: list[tuple[float, dict[str, str]]] = field(default_factory=list)
    page: str | None = None
    opened: bool = False


def session() -> Session:
    """Return this visitor's session, made at its first use."""
    if st.session_state.get("session") is None:
        st.session_state.session = Session()
    return st.session_state.session

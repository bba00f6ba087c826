"""What the server remembers of a visitor, as long as their browser tab stays connected."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from segviz.data.classes import ClassList
from segviz.data.sources import Photo
from segviz.jobs.history import History, HistoryPool
from segviz.jobs.queue import Job
from segviz.jobs.run_job import RunRequest
from segviz.network.checkpoint import NetworkFacts
from segviz.viewer import ViewState

__all__ = ["Session", "ShownRuns", "connection", "session"]


@dataclass(frozen=True)
class ShownRuns:
    """The runs that a page shows.

    Arguments:
        id: The id of their viewer.
        runs: Short names and ids of runs in the history.
        values: Their query parameters, without step, pins and panels.
        measure: The number that predictions are compared by: its key in `NUMBERS`, and its name.
        curves: That number at every step, by name of the run; kept when runs are evicted.
    """

    id: str
    runs: tuple[tuple[str, str], ...]
    values: dict[str, Any]
    measure: tuple[str, str] = ("iou", "IoU")
    curves: dict[str, list[float]] = field(default_factory=dict)


@dataclass
class Session:
    """The state of one visit.

    Arguments:
        page: The page of the current run of the script.
        controls: The value of every control by name, see the module `controls`.
        generation: Counts how often the controls were drawn anew; part of their widgets' keys.
        network: The network of the next run; None until a page first needs one.
        photo: The photo of the next run; None until a page first needs one.
        read_photo: Reads that photo again, with its truth in the classes of a network.
        photo_form: The classes and the long side that `photo` was read for.
        requested_photo: The photo that an address asks for, until it is read.
        request: The runs in progress.
        history: The runs that were made.
        shown: What each page shows.
        views: Step, pins and panels of each viewer, as last reported.
        message: The last error.
        notices: Errors in the address.
        autorun: A page that is to run when it is drawn next, and the state of its viewer.
        autostarted: The pages that have run unasked.
        measurement: The job that measures the network's cost.
        evaluation: The job of this visit's evaluation.
        opened: Whether the address of the visit's first page was read.
        addresses: The addresses written, newest last, each with the time.
    """

    page: str | None = None
    controls: dict[str, Any] = field(default_factory=dict)
    generation: int = 0
    network: NetworkFacts | None = None
    photo: Photo | None = None
    read_photo: Callable[[ClassList, int], Photo] | None = None
    photo_form: tuple[ClassList, int] | None = None
    requested_photo: str | None = None
    request: RunRequest | None = None
    history: History = field(default_factory=lambda: _history())
    shown: dict[str, ShownRuns] = field(default_factory=dict)
    views: dict[str, ViewState] = field(default_factory=dict)
    message: str | None = None
    notices: list[str] = field(default_factory=list)
    autorun: tuple[str, ViewState | None] | None = None
    autostarted: set[str] = field(default_factory=set)
    measurement: Job | None = None
    evaluation: Job | None = None
    opened: bool = False
    addresses: list[tuple[float, dict[str, str]]] = field(default_factory=list)

    @property
    def chosen_network(self) -> NetworkFacts:
        """The network of the next run, on pages that need one."""
        assert self.network is not None, "start_page chooses a network"
        return self.network

    @property
    def chosen_photo(self) -> Photo:
        """The photo of the next run, on pages that need one."""
        assert self.photo is not None, "start_page chooses a photo"
        return self.photo


def connection() -> Callable[[], bool]:
    """Return a function that tells, in any thread, whether this visitor is connected."""
    context = get_script_run_ctx()
    id = None if context is None else context.session_id

    def is_connected() -> bool:
        # In tests, scripts run without a server.
        return id is None or not runtime.exists() or runtime.get_instance().is_active_session(id)

    return is_connected


@st.cache_resource(show_spinner=False)
def _pool() -> HistoryPool:
    """Return the runs of all visitors of this server."""
    return HistoryPool()


def _history() -> History:
    return History(pool=_pool(), is_wanted=connection())


def session() -> Session:
    """Return this visitor's session, made at its first use."""
    if st.session_state.get("session") is None:
        st.session_state.session = Session()
    return st.session_state.session

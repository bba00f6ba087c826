"""What the server remembers of a tab of a visitor's browser, as long as it stays connected."""

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from segviz.data.classes import ClassList
from segviz.data.sources import Photo
from segviz.jobs.history import History
from segviz.jobs.queue import Job
from segviz.jobs.run_job import RunRequest
from segviz.network.checkpoint import NetworkFacts
from segviz.viewer import ViewState

from .visits import Visit, cookie, visits

__all__ = ["Address", "Session", "ShownRuns", "connection", "session"]


_SESSION: ContextVar[tuple[object, "Session"] | None] = ContextVar("session", default=None)
"""The context of the script that runs in this thread, and its session."""


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
    curves: dict[str, list[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Address:
    """An entry of the browser's history.

    Arguments:
        page: The page's name.
        query: The query parameters.
        time: When it was written or opened, in seconds of the monotonic clock.
        shown: What the page showed there; None until it showed something.
        view: The state of its viewer.
    """

    page: str
    query: dict[str, str]
    time: float
    shown: ShownRuns | None = None
    view: ViewState = field(default_factory=ViewState)


@dataclass(eq=False)
class Session:
    """The state of one tab of a visit.

    Arguments:
        visit: What it shares with the other tabs of the browser.
        is_connected: Whether the tab is there.
        tab: The tab's id, once the browser has reported it; "" if it does not.
        began: When the session began, in seconds of the monotonic clock.
        page: The page of the current run of the script.
        controls: The value of every control by name, see the module `controls`.
        generation: Counts how often the controls were drawn anew; part of their widgets' keys.
        initial: The values that controls were first drawn with in this generation, by name.
        network: The network of the next run; None until a page first needs one.
        photo: The photo of the next run; None until a page first needs one.
        read_photo: Reads that photo again, with its truth in the classes of a network.
        photo_form: The classes and the long side that `photo` was read for.
        requested_photo: The photo that an address asks for, until it is read.
        request: The runs in progress.
        shown: What each page shows.
        views: Step, pins and panels of each viewer, as last reported.
        message: The last error.
        restored: What became of the tab at a restart of the server.
        notices: Errors in the address.
        autorun: A page that is to run when it is drawn next, and the state of its viewer.
        autostarted: The pages that have run unasked.
        attempted: The values of the runs that were last started unasked.
        opened_files: The ids of the runs in uploaded records, by the hash of the files.
        measurement: The job that measures the network's cost.
        opened: Whether the address of the tab's first page was read.
        addresses: What is known of the browser's history, oldest first.
        place: The index of the current one of these.
        unwritten: Page and id of runs whose address is not to be written.
    """

    visit: Visit = field(default_factory=lambda: visits().visit(None))
    is_connected: Callable[[], bool] = field(default_factory=lambda: connection())
    tab: str | None = None
    began: float = field(default_factory=time.monotonic)
    page: str | None = None
    controls: dict[str, Any] = field(default_factory=dict)
    generation: int = 0
    initial: dict[str, Any] = field(default_factory=dict)
    network: NetworkFacts | None = None
    photo: Photo | None = None
    read_photo: Callable[[ClassList, int], Photo] | None = None
    photo_form: tuple[ClassList, int] | None = None
    requested_photo: str | None = None
    request: RunRequest | None = None
    shown: dict[str, ShownRuns] = field(default_factory=dict)
    views: dict[str, ViewState] = field(default_factory=dict)
    message: str | None = None
    restored: str | None = None
    notices: list[str] = field(default_factory=list)
    autorun: tuple[str, ViewState | None] | None = None
    autostarted: set[str] = field(default_factory=set)
    attempted: dict[str, Any] | None = None
    opened_files: dict[str, list[str]] = field(default_factory=dict)
    measurement: Job | None = None
    opened: bool = False
    addresses: list[Address] = field(default_factory=list)
    place: int = -1
    unwritten: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        self.visit.sessions.add(self)

    @property
    def history(self) -> History:
        """The runs of the visit."""
        return self.visit.history

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


def session() -> Session:
    """Return the session of this tab, made at its first use.

    Streamlit may end a run of the script, for a newer one, whenever `st.session_state` is indexed.
    So that no change of a session is cut in half, it is read as a whole, once in a thread.
    """
    context = get_script_run_ctx()
    known = _SESSION.get()
    if context is not None and known is not None and known[0] is context:
        return known[1]
    found: Session | None = st.session_state.to_dict().get("session")
    if found is None:
        st.session_state.session = found = Session(visits().visit(cookie()))
        visits().add(found)
    _SESSION.set((context, found))
    return found

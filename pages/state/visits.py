"""Visits: the tabs of one browser, which share their runs; a cookie names the visit."""

from __future__ import annotations

import os
import threading
import weakref
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import streamlit as st

from segviz.jobs.history import History, HistoryPool
from segviz.jobs.queue import Job
from segviz.jobs.visit_store import MAX_TABS, TabState, VisitFolder, VisitStore, is_token

if TYPE_CHECKING:
    from .session import Session

__all__ = ["COOKIE", "SERVER", "Visit", "Visits", "cookie", "visits"]

COOKIE = "segviz_visit"
"""The name of the cookie that holds the token of the visit."""

SERVER = uuid4().hex
"""Names this process, so that a tab notices when the server was restarted."""


class Visit:
    """What the tabs of one browser share.

    Arguments:
        pool: Limits the runs of all visits together.
        folder: Where the visit is kept; None = in memory only.
    """

    def __init__(self, pool: HistoryPool, folder: VisitFolder | None = None) -> None:
        self.sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self.folder = folder
        self.history = History(pool=pool, is_wanted=self.is_connected, folder=folder)
        self.evaluation: Job | None = None
        self._tabs = {tab.id: tab for tab in (folder.tabs() if folder is not None else [])}

    def is_connected(self) -> bool:
        """Return whether a tab of the visit is open."""
        return any(session.is_connected() for session in list(self.sessions))

    @property
    def has_tabs(self) -> bool:
        """Whether there is a tab whose state is known."""
        return bool(self._tabs)

    def tab(self, id: str) -> TabState | None:
        """Return the state of a tab as last saved."""
        return self._tabs.get(id)

    def text(self, name: str) -> str:
        """Return what was typed last in any tab, by the name of the control; "" = nothing."""
        typed = (tab.texts[name] for tab in reversed(self._tabs.values()) if name in tab.texts)
        return next(typed, "")

    def save_tab(self, tab: TabState) -> None:
        """Keep the state of a tab; only the `MAX_TABS` newest stay."""
        if self._tabs.get(tab.id) == tab:
            return
        self._tabs.pop(tab.id, None)
        self._tabs[tab.id] = tab
        while len(self._tabs) > MAX_TABS:
            del self._tabs[next(iter(self._tabs))]
        if self.folder is not None:
            self.folder.store.submit(partial(self.folder.save_tab, tab), owner=self)


class Visits:
    """The visits of this server: those with an open tab in memory, the others on disk."""

    def __init__(self) -> None:
        runs = Path(os.environ.get("SEGVIZ_RUNS") or "runs")
        self.store = VisitStore(runs / "visits")
        self.store.submit(lambda: None)  # deletes what is too old
        self.pool = HistoryPool()
        self._lock = threading.Lock()
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._visits: weakref.WeakValueDictionary[str, Visit] = weakref.WeakValueDictionary()

    def add(self, session: Session) -> None:
        """Add a session, of which `gone` tells when its tab is closed."""
        with self._lock:
            self._sessions.add(session)

    def gone(self) -> list[Session]:
        """Return the sessions without a tab that Streamlit still keeps, for two minutes."""
        with self._lock:
            sessions = list(self._sessions)
        return [session for session in sessions if not session.is_connected()]

    def visit(self, token: str | None) -> Visit:
        """Return the visit of a token; one that nobody else has if it is no token."""
        if token is None or not is_token(token):
            return Visit(self.pool)
        with self._lock:
            found = self._visits.get(token)
            if found is None:
                # Visits with files on their way to the disk are in memory, see `VisitStore.submit`.
                found = Visit(self.pool, self.store.visit(token))
                self._visits[token] = found
        return found


@st.cache_resource(show_spinner=False)
def visits() -> Visits:
    """Return the visits of this server."""
    return Visits()


def cookie() -> str | None:
    """Return the token in the cookie of this session; None if there is none."""
    return st.context.cookies.get(COOKIE)

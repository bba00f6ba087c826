"""The runs of a page: the viewer with heading, exports and notes; progress while they are made."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape

import streamlit as st

from segviz.jobs.queue import Job
from segviz.jobs.run_job import RunRequest, progress
from segviz.pictures import maps
from segviz.runs import describe
from segviz.runs.record import Record
from segviz.viewer import NamedRecord, ViewState, viewer

from ..state import controls
from ..state.address_bar import write_address
from ..state.session import ShownRuns, session
from .export_menu import exports
from .run_notes import heading, notes
from .run_trust import collapse_alarm, run_trust

__all__ = ["Details", "request_of", "run_view", "stop_button"]

INTERVAL = 1.0
"""Seconds between two updates while runs are in progress."""

WAIT = 0.7
"""Seconds that an update waits at its end for the first step, or for the last."""

Details = Callable[[list[NamedRecord], ViewState, bool], None]
"""Draws what a page shows below the viewer: of the runs, the state of the viewer, and whether the
runs are still in progress."""


def run_view(
    page: str,
    request: RunRequest | None,
    panels: tuple[str, ...] = (),
    with_viewer: bool = True,
    details: Details | None = None,
) -> None:
    """Draw the runs of a page, as far as they have come.

    Arguments:
        page: The page's name.
        request: The runs in progress, if any.
        panels: The panels shown by default; () = the viewer's own.
        with_viewer: Whether there is a viewer.
        details: Draws what the page adds below.
    """
    view = _RunView(page, request, panels, with_viewer, details)
    st.fragment(view.update, run_every=INTERVAL if request is not None else None)()


def request_of(page: str) -> RunRequest | None:
    """Return the runs in progress of a page."""
    request = session().request
    return request if request is not None and request.page == page else None


def stop_button(job: Job, key: str, help: str) -> None:
    """Draw a button that asks a job to stop, once."""
    st.button(
        "Stopping" if job.stop_requested else "Stop",
        key=key,
        icon=":material/stop_circle:",
        on_click=job.stop,
        disabled=job.stop_requested,
        help=help,
    )


@dataclass(frozen=True)
class _RunView:
    """The arguments of `run_view`, drawn again at every update."""

    page: str
    request: RunRequest | None
    panels: tuple[str, ...]
    with_viewer: bool
    details: Details | None

    def update(self) -> None:
        """Draw the runs; let the page be drawn anew once they have ended."""
        request = self.request
        if request is None:
            self._draw_finished(session().shown.get(self.page), None)
            return
        request.job.keep_alive()
        if request.job.done:
            st.rerun()
        has_steps = self._draw_progress(request)
        # Neither the first picture nor the last one waits for the next update.
        if request.job.wait_for_items(math.inf if has_steps else 0, WAIT):
            st.rerun()

    def _draw_progress(self, request: RunRequest) -> bool:
        """Draw runs in progress, or what was there before; return whether they have steps."""
        snapshot = request.snapshot()
        pairs = zip(request.plan, snapshot.records, strict=True)
        runs = [_named(run.name, record) for run, record in pairs if record is not None]
        if not runs:
            before = session().shown.get(self.page)
            same = before is not None and before.values["photo"] == request.values["photo"]
            self._draw_finished(before if same or not self.with_viewer else None, request)
            return False
        heading(runs, request)
        _progress(request)
        if len(runs) == 1:
            collapse_alarm(runs[0].record)
        view = self._viewer(runs, request.id, True) if self.with_viewer else ViewState()
        if self.details is not None:
            self.details(runs, view, True)
        snapshot.draw_seconds = snapshot.draw_seconds or time.monotonic() - snapshot.taken_at
        return True

    def _draw_finished(self, shown: ShownRuns | None, request: RunRequest | None) -> None:
        """Draw the runs that a page shows, below the progress of those that will replace them."""
        runs = _in_history(shown)
        changed = controls.changed_since(self.page, shown) if shown is not None else []
        menu = heading(runs, request, changed)
        if request is not None:
            _progress(request)
            if self.with_viewer and not runs:
                _photo(request)
                return
        if shown is None:
            return
        if len(runs) == 1:
            collapse_alarm(runs[0].record)
        if runs or not self.with_viewer:
            view = self._viewer(runs, shown.id, False) if self.with_viewer else ViewState()
            if request is None:
                write_address(self.page, shown, view, self.panels)
            if self.with_viewer and menu is not None:
                with menu:
                    exports(runs, view, shown.id)
            if self.details is not None:
                self.details(runs, view, False)
            if self.with_viewer and len(runs) == 1:
                run_trust(runs[0].record, view.step, shown.id)
        notes(runs, shown)

    def _viewer(self, runs: list[NamedRecord], id: str, growing: bool) -> ViewState:
        views = session().views
        before = views.get(id, ViewState())
        if not before.panels and self.panels:
            before = replace(before, panels=self.panels)
        if growing and before.lacks(runs):
            # What the address shows is not made yet: until then, show another viewer.
            viewer(runs, key=f"viewer_{id}_until", view=before, growing=True)
            return before
        views[id] = viewer(runs, key=f"viewer_{id}", view=before, growing=growing)
        return views[id]


def _named(name: str, record: Record) -> NamedRecord:
    return NamedRecord(record, name or describe.short_name(record.settings))


def _in_history(shown: ShownRuns | None) -> list[NamedRecord]:
    records = [(name, session().history.record(id)) for name, id in (shown.runs if shown else ())]
    return [_named(name, record) for name, record in records if record is not None]


def _progress(request: RunRequest) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        part, words = progress(request.job)
        st.progress(part, words)
        st.html(f'<div class="unseen" role="status">{_spoken(part, words)}</div>')
        if request.stoppable:
            stop_button(
                request.job, "stop", "Keeps the steps made so far; a waiting run leaves the queue."
            )


def _spoken(part: float, words: str) -> str:
    """Return the progress for screen readers, in tenths: not every update is read out."""
    return f"{round(10 * part) * 10} % done" if part else escape(words)


def _photo(request: RunRequest) -> None:
    """Draw the photo where the first panel will be."""
    place, _ = st.columns([1, 2])
    # Inline, because a file of the server may be gone before the browser asks for it.
    address = maps.data_url(request.job.work.photo)
    place.html(f'<img src="{address}" alt="The photo" style="width: 100%; display: block">')

"""What a page shows of its runs: progress while they are at work, the viewer, exports."""

import math
import time
from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from segviz.charts.run_comparison import median_update_ms
from segviz.jobs.queue import Job
from segviz.jobs.run_job import RunRequest, progress
from segviz.pictures import maps
from segviz.runs import describe, verdict
from segviz.runs.record import Record
from segviz.viewer import NamedRecord, ViewState, viewer

from ..state.address_bar import write_address
from ..state.session import Result, session
from ..state.text import plain
from .export_menu import exports

__all__ = ["FRAME", "shown_of", "stage", "stop_button", "work_of"]

FRAME = 1.0
"""Seconds from look to look at runs at work."""

WAIT = 0.7
"""Seconds that a look waits at its end for the first step, or for the last."""


def work_of(page: str) -> RunRequest | None:
    """The runs at work that belong to a page."""
    work = session().work
    return work if work is not None and work.page == page else None


Below = Callable[[list[NamedRecord], ViewState, bool], None]
"""Draws what a page shows below the viewer, of the runs, the view, and whether they still grow."""


def stage(
    page: str,
    work: RunRequest | None,
    panels: tuple[str, ...] = (),
    viewing: bool = True,
    below: Below | None = None,
) -> None:
    """Draw the result of a page, or its runs while they are at work.

    Arguments:
        page: The page's name.
        work: The runs at work, if any.
        panels: The panels to show unasked; () = the viewer's choice.
        viewing: Whether there is a viewer.
        below: What the page adds.
    """
    every = FRAME if work is not None else None
    st.fragment(_draw, run_every=every)(page, work, panels, viewing, below)


def shown_of(result: Result | None) -> list[NamedRecord]:
    """The runs of a result that are still in the history."""
    found = []
    for name, id in result.runs if result is not None else ():
        entry = session().history.get(id)
        if entry is not None:
            found.append(_shown(name, entry.record))
    return found


def _draw(
    page: str, work: RunRequest | None, panels: tuple[str, ...], viewing: bool, below: Below | None
) -> None:
    if work is None:
        _look(page, None, panels, viewing, below)
        return
    work.job.keep_alive()
    if work.job.done:
        st.rerun()
    live = _look(page, work, panels, viewing, below)
    # Neither the first picture nor the last one is to wait for the next look.
    if work.job.wait_for_items(math.inf if live else 0, WAIT):
        st.rerun()


def _look(
    page: str, work: RunRequest | None, panels: tuple[str, ...], viewing: bool, below: Below | None
) -> bool:
    """Draw what there is; returns whether that is of the runs at work."""
    result = session().results.get(page)
    shown: list[NamedRecord] = []
    id = result.id if result is not None else ""
    look = None
    if work is not None:
        look = work.snapshot()
        records = zip(work.plan, look.records, strict=True)
        shown = [_shown(one.name, record) for one, record in records if record is not None]
        id = work.id if shown else id
    live = bool(shown)
    if not live and not (viewing and _another(work, result)):
        shown = shown_of(result)
    menu = _heading(shown, work)
    if work is not None:
        _progress(work)
        if viewing and not shown:
            _photo(work)
            return False
    if not shown and (result is None or viewing):
        if result is not None:
            _notes(shown, result)
        return False
    view = ViewState()
    if viewing:
        view = _viewer(shown, id, panels, live)
    if not live and result is not None:
        write_address(page, result, view, panels)
        if viewing and menu is not None:
            with menu:
                exports(shown, view, id)
    if below is not None:
        below(shown, view, live)
    if not live and result is not None:
        _notes(shown, result)
    if look is not None and live:
        look.draw_seconds = look.draw_seconds or time.monotonic() - look.taken_at
    return live


def _viewer(shown: list[NamedRecord], id: str, panels: tuple[str, ...], live: bool) -> ViewState:
    views = session().views
    before = views.get(id, ViewState())
    if not before.panels and panels:
        before = ViewState(before.step, before.pins, panels)
    if live and before.step is not None and before.fit(shown).step is None:
        # The step that the address asks for is yet to come: until then, another viewer.
        viewer(shown, key=f"viewer_{id}_until", view=before, growing=True)
        return before
    views[id] = viewer(shown, key=f"viewer_{id}", view=before, growing=live)
    return views[id]


def _shown(name: str, record: Record) -> NamedRecord:
    return NamedRecord(record, name or describe.short_name(record.settings))


# === Around the viewer


def _heading(shown: Sequence[NamedRecord], work: RunRequest | None) -> DeltaGenerator | None:
    """What is shown, in words; returns the place for exports."""
    if not shown:
        if work is not None:
            of_plan = describe.settings(*(one.settings for one in work.plan))
            st.markdown(f"**{plain(work.job.work.title)}** :gray[ · {of_plan}]")
        return None
    records = [one.record for one in shown]
    settings = describe.settings(*(record.settings for record in records))
    text = f"**{plain(records[0].title)}** :gray[ · {settings}]"
    if records[0].reference != "truth":
        text += " :orange-badge[no truth: compared with the 1x prediction]"
    if work is None:
        for record in records:
            if describe.stopped(record):
                text += f" :orange-badge[stopped at step {record.last}]"
            elif record.complete and record.last < record.settings.steps:
                text += f" :blue-badge[within tolerance at step {record.last}]"
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.markdown(text)
    return right


def _progress(work: RunRequest) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(*progress(work.job))
        if work.stoppable:
            stop_button(
                work.job, "stop", "Keeps the steps that are there; while waiting, leaves the line."
            )


def stop_button(job: Job, key: str, help: str) -> None:
    """A button that asks a job to stop, once."""
    st.button(
        "Stopping" if job.stop_requested else "Stop",
        key=key,
        icon=":material/stop_circle:",
        on_click=job.stop,
        disabled=job.stop_requested,
        help=help,
    )


def _another(work: RunRequest | None, result: Result | None) -> bool:
    """Whether the runs at work are on another photo than a result is."""
    return work is not None and (result is None or result.values["photo"] != work.values["photo"])


def _photo(work: RunRequest) -> None:
    """The photo, where the first panel will be."""
    place, _ = st.columns([1, 2])
    # Not as a file of the server, which may be gone again before the browser asks for it.
    address = maps.data_url(work.job.work.photo)
    place.html(f'<img src="{address}" alt="The photo" style="width: 100%; display: block">')


def _notes(shown: Sequence[NamedRecord], result: Result) -> None:
    if len(shown) == 1:
        st.markdown(verdict.verdict(shown[0].record))
        st.caption(_cost(shown[0].record))
    gone = len(result.runs) - len(shown)
    if gone:
        st.caption(
            f"{gone} of {len(result.runs)} runs were let go to bound the memory of this visit;"
            " press the button in the sidebar to make them again."
        )
    if result.values["photo"].startswith(("upload:", "record:")):
        st.caption(
            ":material/link_off: This view has no link: its photo is on your computer, not here."
        )


def _cost(record: Record) -> str:
    """Where a run was made, and how long its parts took."""
    where = record.environment
    threads = where.get("threads", 1)
    facts = [
        f"{plain(where.get('checkpoint', ''))} on {plain(where.get('device', ''))},"
        f" {plain(threads)} thread{'s' if threads != 1 else ''}",
        f"forward pass {record.forward_ms:.0f} ms",
    ]
    each = median_update_ms(record)
    return " · ".join(facts + ([f"one step {each:.1f} ms"] if each is not None else []))

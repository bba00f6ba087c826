"""A run of the history as a row of a list: picture, settings, numbers and buttons."""

import streamlit as st

from segviz.data.images import thumbnail
from segviz.jobs.history import HistoryEntry
from segviz.pictures import maps
from segviz.runs import describe, verdict

from ..actions import launch
from ..state.session import session
from ..state.text import plain

__all__ = ["run_row"]


def run_row(entry: HistoryEntry) -> None:
    """Draw a run with the buttons that pin, show and remove it."""
    history = session().history
    record = entry.record
    left, middle, numbers, pin, show, remove = st.columns(
        [2, 7, 5, 2, 2, 1], vertical_alignment="center"
    )
    left.image(_picture(entry, entry.id), width="stretch", alt=plain(record.title))
    short = "" if record.complete else f" · stopped at step {record.last}"
    middle.markdown(
        f"**{plain(record.title)}**  \n:gray[{describe.settings(record.settings)}{short}]"
    )
    numbers.markdown(_numbers(entry))
    pin.toggle(
        "Pin",
        value=entry.pinned,
        key=f"pin_{entry.id}",
        on_change=lambda: history.pin(entry.id, not entry.pinned),
        help="Keep the run, and compare it with the other pinned runs.",
    )
    if show.button("Show", key=f"show_{entry.id}", icon=":material/replay:", width="stretch"):
        launch.open_run(entry.id)
        st.switch_page("iterate.py")
    remove.button(
        "",
        key=f"drop_{entry.id}",
        icon=":material/delete:",
        type="tertiary",
        help="Remove this run.",
        on_click=history.remove,
        args=(entry.id,),
    )


@st.cache_data(show_spinner=False, max_entries=64)
def _picture(_entry: HistoryEntry, id: str) -> bytes:
    """Return a small PNG of the last prediction over the photo.

    Arguments:
        _entry: The run; not part of the key of the cache.
        id: The id of the run.
    """
    record = _entry.record
    pixels = maps.overlay(record.photo, record.labels[-1], 0.6, record.palette, record.background)
    return maps.png(maps.letterbox(thumbnail(pixels, 200), 4 / 3))


def _numbers(entry: HistoryEntry) -> str:
    """Return score and entropy of a run, at its first and at its last step."""
    record = entry.record
    first, last = record.steps[0], record.steps[-1]
    lines = [f"entropy {first['entropy']:z.3f} → {last['entropy']:z.3f}"]
    measure = verdict.score(record)
    if measure is not None and first[measure[0]] is not None:
        key, name = measure
        lines.insert(0, f"**{name} {first[key]:z.3f} → {last[key]:z.3f}**")
    return "  \n".join(lines)

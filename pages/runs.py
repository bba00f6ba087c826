"""Runs: show, pin, compare and remove the runs of this visit; open records from files."""

import hashlib
from collections import Counter

import streamlit as st

from pages.actions import launch
from pages.actions.page_start import start_page
from pages.components.notices import show_notices
from pages.components.run_row import run_row
from pages.components.run_view import request_of, run_view
from pages.state.query_params import defaults
from pages.state.session import ShownRuns, session
from pages.state.text import plain, sentence
from segviz.errors import InputError
from segviz.jobs.history import MAX_BYTES, MAX_RUNS, HistoryEntry
from segviz.runs import describe
from segviz.runs.archive import read_zip

PAGE = "runs"
now = session()
history = now.history


def opener() -> None:
    """Draw the upload of a record; its run is shown without any computation."""
    file = st.file_uploader(
        "Open a record",
        ["zip"],
        key="record_file",
        help="The ZIP of a run, as exported here or by the command line.",
    )
    if file is None:
        return
    data = file.getvalue()
    digest = hashlib.sha256(data).hexdigest()[:16]
    id = f"record-{digest}"
    try:
        if id not in history:
            history.add(id, f"record:{digest}", read_zip(data))
    except InputError as error:
        st.error(sentence(error), icon=":material/folder_off:")
        return
    if st.button("Show the record", key="record_show", type="primary", icon=":material/replay:"):
        launch.open_run(id)
        st.switch_page("iterate.py")


def pinned() -> list[HistoryEntry]:
    """Return the pinned runs that can share a viewer, oldest first; warn of those that cannot."""
    chosen = [entry for entry in history.entries[::-1] if entry.pinned]
    alike = [e for e in chosen if e.record.photo.shape == chosen[0].record.photo.shape]
    if len(alike) < len(chosen):
        names = ", ".join(plain(e.record.title) for e in chosen if e not in alike)
        st.warning(
            "Only runs on photos of equal size can be compared; not of the size of"
            f" {plain(chosen[0].record.title)}: {names}.",
            icon=":material/aspect_ratio:",
        )
    return alike


def compare(entries: list[HistoryEntry]) -> None:
    """Draw pinned runs in one viewer."""
    titles = {entry.record.title for entry in entries}
    names: list[str] = []
    for entry in entries:
        settings = entry.record.settings
        photo = f"{entry.record.title}: " if len(titles) > 1 else ""
        names.append(f"{photo}{describe.short_name(settings)}, {settings.scale:g}x")
    count: Counter[str] = Counter()
    for place, name in enumerate(names):
        count[name] += 1
        names[place] = f"{name} ({count[name]})" if names.count(name) > 1 else name
    runs = tuple(zip(names, (entry.id for entry in entries), strict=True))
    id = hashlib.sha256(repr(runs).encode()).hexdigest()[:16]
    values = {**defaults(), "photo": "runs:pinned"}
    now.shown[PAGE] = ShownRuns(id, runs, values)
    run_view(PAGE, request_of(PAGE))


start_page(PAGE)
show_notices(PAGE)
left, right = st.columns([3, 2], gap="large")
with left:
    st.markdown(
        f"**{len(history)} {'run' if len(history) == 1 else 'runs'}** of this visit"
        f" :gray[· {history.bytes / 1e6:.0f} of {MAX_BYTES / 1e6:.0f} MB, at most {MAX_RUNS}"
        " runs; beyond that the oldest runs that are not pinned are removed]"
    )
    if history.evicted:
        st.caption(
            f"{history.evicted} older {'run was' if history.evicted == 1 else 'runs were'} let go."
        )
    st.caption("Pin two or more runs to compare them at the same step.")
with right:
    opener()
together = pinned()
if len(together) > 1:
    compare(together)
for entry in history.entries:
    run_row(entry)
if not len(history):
    st.info("Nothing has run yet; the page Iterate shows the first run.", icon=":material/history:")

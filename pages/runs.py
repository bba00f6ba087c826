"""Runs: find, name, show, compare and remove the runs of this visit; open records from files."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import streamlit as st

from pages.actions import launch
from pages.actions.page_start import start_page
from pages.actions.picture import run_thumbnail
from pages.components.notices import show_notices
from pages.components.run_view import request_of, run_view
from pages.components.runs_table import runs_table
from pages.state.query_params import MAX_RUNS as MAX_COMPARED
from pages.state.query_params import defaults
from pages.state.session import ShownRuns, session
from pages.state.text import plain, sentence
from segviz.data.decode import MAX_BYTES as MAX_UPLOAD
from segviz.errors import InputError
from segviz.jobs.history import MAX_RUNS
from segviz.jobs.limits import KEEP_BYTES, KEEP_DAYS
from segviz.jobs.visit_store import MAX_NAME, RunFacts
from segviz.runs import describe
from segviz.runs.archive import read_files

PAGE = "runs"
now = session()
history = now.history


def opener() -> None:
    """Draw the uploads of records; their runs are shown without any computation."""
    with st.popover("Open runs", icon=":material/folder_open:"):
        files = st.file_uploader(
            "Records",
            ["zip", "npz", "json"],
            accept_multiple_files=True,
            key="record_file",
            help="ZIPs of runs, as exported here or by the command line, or the .npz and the .json"
            f" of a record together; up to {MAX_UPLOAD / 1e6:g} MB each.",
        )
        folder = st.file_uploader(
            "A folder",
            ["npz", "json", "zip"],
            accept_multiple_files="directory",
            key="record_folder",
            help="A folder that `segviz run --out` wrote; its pictures are left out.",
        )
    for given in (files, folder):
        if given:
            open_records({file.name: file.getvalue() for file in given})


def open_records(files: dict[str, bytes]) -> None:
    """Add the records in files to the runs, and offer to show the first."""
    digests = {hashlib.sha256(data).hexdigest()[:16] for data in files.values()}
    known = "record-" + hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()[:16]
    ids = now.opened_files.get(known)
    if ids is None:
        try:
            records = read_files(files)
        except InputError as error:
            st.error(sentence(error), icon=":material/folder_off:")
            return
        ids = [f"{known}-{place}" for place in range(len(records))]
        now.opened_files[known] = ids
        for id, record in zip(ids, records.values(), strict=True):
            source = f"record:{id.removeprefix('record-')}"
            history.add(id, source, record, run_thumbnail(record))
    there = [id for id in ids if id in history]
    label = "Show the record" if len(there) == 1 else f"Show the first of {len(there)} records"
    if there and st.button(label, key="record_show", type="primary", icon=":material/replay:"):
        launch.open_run(there[0])
        st.switch_page("iterate.py")


def pin(runs: Sequence[RunFacts], pinned: bool) -> None:
    """Pin or unpin runs."""
    for run in runs:
        history.pin(run.id, pinned)


def delete(runs: Sequence[RunFacts]) -> None:
    """Remove runs, from disk too."""
    for run in runs:
        history.remove(run.id)


def actions(chosen: Sequence[RunFacts]) -> None:
    """Draw what can be done with the chosen runs."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if not chosen:
            st.caption(
                "Choose a run by the box on its left to show, name, pin or delete it; choose two or"
                " more to compare them. The magnifier above the table searches it, a click on the"
                " head of a column sorts by it."
            )
            return
        if len(chosen) == 1:
            (run,) = chosen
            key = f"name_{run.id}"
            st.text_input(
                "Name",
                run.name,
                max_chars=MAX_NAME,
                key=key,
                placeholder="none",
                width=240,
                on_change=lambda: history.rename(run.id, st.session_state.to_dict()[key]),
                help="What you call the run, for yourself.",
            )
            if st.button("Show", key="runs_show", icon=":material/replay:", type="primary"):
                launch.open_run(run.id)
                st.switch_page("iterate.py")
        pinned = all(run.pinned for run in chosen)
        st.button(
            "Unpin" if pinned else "Pin",
            key="runs_pin",
            icon=":material/keep_off:" if pinned else ":material/keep:",
            on_click=pin,
            args=(chosen, not pinned),
            help="Other runs are removed before pinned ones, which are compared below the table.",
        )
        count = f"{len(chosen)} runs" if len(chosen) > 1 else "the run"
        with st.popover("Delete", icon=":material/delete:"):
            st.caption("There is no way back.")
            st.button(
                f"Delete {count}",
                key="runs_delete",
                type="primary",
                on_click=delete,
                args=(chosen,),
            )


def comparable(runs: Sequence[RunFacts]) -> list[RunFacts]:
    """Return the runs that can share a viewer, oldest first; warn of those that cannot."""
    ordered = sorted(runs, key=lambda run: run.made)[:MAX_COMPARED]
    alike = [run for run in ordered if run.size == ordered[0].size]
    if len(alike) < len(ordered):
        names = ", ".join(plain(run.title) for run in ordered if run not in alike)
        st.warning(
            "Only runs on photos of equal size can be compared; not of the size of"
            f" {plain(ordered[0].title)}: {names}.",
            icon=":material/aspect_ratio:",
        )
    return alike


def compare(chosen: Sequence[RunFacts]) -> None:
    """Draw runs in one viewer."""
    titles = {run.title for run in chosen}
    names: list[str] = []
    for run in chosen:
        photo = f"{run.title}: " if len(titles) > 1 else ""
        settings = f"{describe.short_name(run.settings)}, {run.settings.scale:g}x"
        names.append(run.name or photo + settings)
    count: Counter[str] = Counter()
    for place, name in enumerate(names):
        count[name] += 1
        names[place] = f"{name} ({count[name]})" if names.count(name) > 1 else name
    runs = tuple(zip(names, (run.id for run in chosen), strict=True))
    id = hashlib.sha256(repr(runs).encode()).hexdigest()[:16]
    values = {**defaults(), "photo": "runs:pinned"}
    now.shown[PAGE] = ShownRuns(id, runs, values)
    run_view(PAGE, request_of(PAGE))


def kept() -> str:
    """Return how long runs are kept, and how many."""
    if now.visit.folder is None:
        return f"kept while this tab is open, at most {MAX_RUNS} runs"
    days = f"{KEEP_DAYS:g} day{'' if KEEP_DAYS == 1 else 's'}"
    return (
        f"kept for {days} on this server, for this browser only; at most {MAX_RUNS} runs, and"
        f" {KEEP_BYTES / 1e6:,.0f} MB of all visitors, the oldest are removed first"
    )


start_page(PAGE)
show_notices(PAGE)
left, right = st.columns([5, 1], vertical_alignment="top")
with left:
    st.markdown(
        f"**{len(history)} {'run' if len(history) == 1 else 'runs'}** of this visit"
        f" :gray[· {kept()}]"
    )
    if history.evicted:
        st.caption(
            f"{history.evicted} older {'run was' if history.evicted == 1 else 'runs were'} let go."
        )
with right:
    opener()
runs = history.runs
if runs:
    bar = st.container(key="runs_actions", vertical_alignment="bottom")
    chosen = runs_table(runs)
    with bar:
        actions(chosen)
    together = chosen if len(chosen) > 1 else [run for run in runs if run.pinned]
    if len(together) > 1:
        together = comparable(together)
    if len(together) > 1:
        compare(together)
else:
    st.info("Nothing has run yet; the page Iterate shows the first run.", icon=":material/history:")

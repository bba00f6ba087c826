"""The button that starts a page's runs, and what to know before it is pressed."""

import math

import streamlit as st

from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.jobs.run_time import CHEAP, RUN_TIMES
from segviz.runs.describe import duration
from segviz.runtime.free_memory import format_bytes

from ..actions import server
from ..actions.page_start import RUN_ON_CHANGE, Planner, run_planned
from ..state import controls
from ..state.session import session
from ..state.text import sentence

__all__ = ["run_button"]


def run_button(page: str, label: str, planner: Planner) -> None:
    """Draw the button, the memory that the runs take, and a note where there is no truth.

    Arguments:
        page: The page's name.
        label: The label of the button.
        planner: Plans the next runs; an InputError disables the button and is shown above it.
    """
    names = _changed(page)
    with st.container(key="run_bar"):  # stays in view, see style.css
        try:
            runs = [settings for _, settings in planner()]
        except InputError as error:
            runs = []
            st.error(sentence(error), icon=":material/tune:")
        st.button(
            f"{label} with changes" if names and runs else label,
            key=f"{page}_run",
            type="primary",
            icon=":material/play_circle:",
            width="stretch",
            on_click=lambda: run_planned(page, planner),
            disabled=session().request is not None or not runs,
        )
    st.toggle(
        "Run changes by themselves",
        controls.get(RUN_ON_CHANGE, False),
        key=controls.key(RUN_ON_CHANGE),
        help="Start what is estimated to take less than"
        f" {CHEAP:g} s whenever a setting or the photo is changed.",
    )
    if names:
        st.caption(f"Different from the run shown: {', '.join(names)}.")
    if runs:
        _need(runs)
    if runs and session().chosen_photo.truth is None:
        _no_truth(runs)


def _changed(page: str) -> list[str]:
    """Return what was changed since the runs shown; nothing while runs are in progress."""
    shown = session().shown.get(page)
    if shown is None or session().request is not None:
        return []
    return controls.changed_since(page, shown)


def _need(runs: list[Settings]) -> None:
    """Draw estimates of the memory of the largest run, and of the time of all."""
    trained = server.networks().ready(controls.get("checkpoint"))
    if trained is None:
        return
    from segviz.adapt.memory import MemoryBudget  # imports torch, which is loaded by now

    photo = session().chosen_photo
    height, width = photo.pixels.shape[:2]
    budget = MemoryBudget(trained.network, height, width, photo.truth is not None)
    runs = [budget.in_tiles(settings) for settings in runs]
    needs = [need for settings in runs for need in budget.needs(settings)]
    need = max(needs, key=lambda need: (need.lacks, need.bytes or 0))
    if need.bytes is None:
        return
    subject = "The largest run takes" if len(runs) > 1 else "The run takes"
    words = f"{subject} about {format_bytes(need.bytes)} of memory"
    seconds = RUN_TIMES.total(runs, (height, width), trained.sha256)
    if not math.isnan(seconds):
        words += f", {'all take' if len(runs) > 1 else 'and'} about {duration(seconds)}"
    if need.lacks and need.free is not None and session().request is None:
        words = f":orange[{words}, but {format_bytes(need.free, up=False)} are free]"
    tiles = {settings.tile for settings in runs} - {0}
    if tiles:
        words += f"; the whole photo does not fit, so it is read in tiles of {min(tiles)} pixels"
    st.caption(words)


def _no_truth(runs: list[Settings]) -> None:
    stand_in = "the prediction at scale 1 stands in, and agreement with it is not IoU."
    titles = {settings.info.title for settings in runs if settings.needs_truth}
    if titles:
        verb = "need" if len(titles) > 1 else "needs"
        st.warning(
            f"{' and '.join(sorted(titles))} {verb} truth, which this photo does not have:"
            f" {stand_in}",
            icon=":material/rule:",
        )
    else:
        st.caption(f"No truth: for comparison {stand_in}")

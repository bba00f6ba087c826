"""Iterate: one photo, one run, every step of it."""

from functools import partial

import streamlit as st

from pages.actions import launch, server
from pages.actions.page_start import run_planned, start_page
from pages.components.notices import show_notices
from pages.components.run_view import request_of, run_view
from pages.components.sidebar import sidebar
from pages.components.stored_results import average_effect
from pages.state import controls
from pages.state.photos import choose_photo, load_photo
from pages.state.presets import OPENING, PRESETS, Preset
from pages.state.query_params import PARAMETERS, defaults, values_of
from pages.state.session import session
from pages.state.text import sentence
from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.jobs.run_job import PlannedRun, RunRequest

PAGE = "iterate"
now = session()


def planned() -> list[tuple[str, Settings]]:
    """Plan the run of the controls."""
    return [("", controls.settings())]


def run_preset(preset: Preset) -> None:
    """Choose a preset's photo and settings and the default network, and run it."""
    before = {name: PARAMETERS[name].default for name in ("checkpoint", "long_side")}
    controls.apply({**values_of(preset.settings), **before})
    try:
        choose_photo(partial(load_photo, f"sample:{preset.sample}"))
    except InputError as error:
        now.message = sentence(error)
        return
    run_planned(PAGE, planned)


def preset_of(request: RunRequest | None) -> Preset | None:
    """Return the preset of the run in progress, or of the run shown; None if it has none."""
    shown = now.shown.get(PAGE)
    if shown is not None and request is None and controls.changed_since(PAGE, shown):
        return None  # its hint would be read as one on what is chosen now
    entry = now.history.get(shown.runs[0][1]) if shown else None
    if request is not None:
        run = request.photo, request.plan[0].settings
    elif entry is not None:
        run = entry.photo, entry.settings
    else:
        return None
    presets = {(f"sample:{preset.sample}", preset.settings): preset for preset in PRESETS.values()}
    return presets.get(run)


def opening_request() -> RunRequest | None:
    """Return the server's first run while it is in progress; show its record once it is done."""
    job = server.opening()
    if not job.done:
        plan = (PlannedRun("", OPENING.settings, "opening"),)
        photo = PARAMETERS["photo"].default
        return RunRequest(PAGE, "opening", plan, job, photo, defaults(), stoppable=False)
    record = job.work.record(0)
    if job.state == "finished" and record is not None:
        launch.show_opening(record)
    elif job.error is not None:
        now.message = now.message or launch.error_message(job.error)
        server.opening.clear()  # the next visit tries again
    return None


start_page(PAGE, planned, autostart=False)
request = request_of(PAGE)
if request is None and PAGE not in now.shown:
    request = opening_request()
sidebar(PAGE, "Run", planned)
buttons, words = st.columns([4, 3], vertical_alignment="center")
shown_preset = preset_of(request)
with buttons.container(horizontal=True, gap="small"):
    for name, preset in PRESETS.items():
        st.button(
            preset.label,
            key=f"preset_{name}",
            icon=preset.icon,
            type="primary" if preset is shown_preset else "secondary",
            on_click=run_preset,
            args=(preset,),
            disabled=now.request is not None,
            help=preset.hint,
        )
words.caption(
    shown_preset.hint
    if shown_preset
    else "A network adapts its last layers to one photo, without being told what is on it. Step 0"
    " is its ordinary prediction."
)
average_effect()
show_notices(PAGE)
run_view(PAGE, request)

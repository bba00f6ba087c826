"""Iterate: one photo, one run, every step of it."""

import streamlit as st

from pages.actions import launch, server
from pages.actions.page_start import enter, say, start
from pages.components.photo_picker import sample
from pages.components.run_view import stage, work_of
from pages.components.sidebar import side
from pages.state import controls, session
from pages.state.presets import OPENING, PRESETS, Preset
from pages.state.query_params import PARAMETERS, SETTINGS, defaults
from pages.state.text import sentence
from segviz.errors import InputError
from segviz.jobs.run_job import PlannedRun, RunRequest

PAGE = "iterate"
now = session.session()


def planned() -> list:
    """The run of the controls."""
    return [("", controls.settings())]


def show(preset: Preset) -> None:
    """Choose a preset's photo and settings, and run it."""
    values = {name: getattr(preset.settings, name) for name in SETTINGS if name != "rate"}
    try:
        now.choice = sample(preset.sample)
    except InputError as error:
        now.message = sentence(error)
        return
    controls.apply({**values, "rate": preset.settings.learning_rate})
    start(PAGE, planned)


def is_shown(preset: Preset) -> bool:
    """Whether the run shown is that of a preset."""
    result = now.results.get(PAGE)
    entry = now.history.get(result.runs[0][1]) if result else None
    return (
        entry is not None
        and entry.photo == f"sample:{preset.sample}"
        and entry.record.settings == preset.settings
    )


enter(PAGE, planned, unasked=False)

# === The run of the first screen

work = work_of(PAGE)
if work is None and PAGE not in now.results:
    opening = server.opening()
    if not opening.done:
        plan = (PlannedRun("", OPENING.settings, "opening"),)
        photo = PARAMETERS["photo"].default
        work = RunRequest(PAGE, "opening", plan, opening, photo, defaults(), stoppable=False)
    elif opening.state == "finished":
        launch.show_opening(opening.work.record(0))
    elif opening.error is not None:
        now.message = now.message or launch.said(opening.error)
        server.opening.clear()  # the next visit tries again

# === The page

side(PAGE, "Run", planned, lambda: start(PAGE, planned))
buttons, words = st.columns([2, 3], vertical_alignment="center")
with buttons.container(horizontal=True, gap="small"):
    for name, preset in PRESETS.items():
        st.button(
            preset.label,
            key=f"preset_{name}",
            icon=preset.icon,
            type="primary" if is_shown(preset) else "secondary",
            on_click=show,
            args=(preset,),
            disabled=now.work is not None,
            help=preset.look,
        )
words.caption(
    next((one.look for one in PRESETS.values() if is_shown(one)), "")
    or "A network adapts its last layers to one photo, without being told what is on it. Step 0"
    " is its ordinary prediction."
)
say(PAGE)
stage(PAGE, work)

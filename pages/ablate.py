"""Ablate: what is adapted, at which learning rate and for how many steps, on one photo."""

import streamlit as st

from pages.actions import launch
from pages.actions.page_start import start_page
from pages.components.ablation_heatmap import ablation_heatmap
from pages.components.notices import show_notices
from pages.components.run_view import request_of, run_view
from pages.components.settings_form import rates_control, steps_control, variables_control
from pages.components.sidebar import sidebar
from pages.state import controls
from pages.state.controls import rate_text
from pages.state.query_params import MAX_RUNS
from pages.state.session import ShownRuns, session
from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.runs import verdict
from segviz.viewer import NamedRecord, ViewState

PAGE = "ablate"
now = session()


def planned() -> list[tuple[str, Settings]]:
    """Plan a run for each pair of variables and learning rate; it serves all numbers of steps."""
    values = controls.values()
    variables, rates = values["grid_variables"], values["grid_learning_rates"]
    steps = values["grid_steps"]
    count = len(variables) * len(rates)
    if not 1 <= count <= MAX_RUNS or not steps:
        raise InputError(
            f"{len(variables)} variables, {len(rates)} learning rates and {len(steps)} numbers of"
            f" steps make {count} runs; choose at least one of each and at most {MAX_RUNS} runs."
        )
    return [
        (
            f"{name}, {rate_text(rate)}",
            controls.settings(variables=name, learning_rate=rate, steps=max(steps)),
        )
        for name in variables
        for rate in rates
    ]


def grid(runs: list[NamedRecord], view: ViewState, in_progress: bool) -> None:
    """Draw the change of each cell, as far as it is known."""
    shown, request = now.shown.get(PAGE), request_of(PAGE)
    if in_progress and request is not None:
        key, measure = verdict.score(runs[0].record) or ("iou", "IoU")
        curves = {run.name: run.record.numbers(key) for run in runs}
        ablation_heatmap("grid_in_progress", request.values, curves, measure, in_progress)
    elif shown is not None:
        measure = shown.measure[1]
        cell = ablation_heatmap(
            f"grid_{shown.id}", shown.values, shown.curves, measure, in_progress
        )
        if cell is not None:
            _open(shown, *cell)
        _cell_by_name(shown)


def _cell_by_name(shown: ShownRuns) -> None:
    """Draw the choice of a cell for those who use the keyboard."""
    names, steps = [name for name, _ in shown.runs], sorted(shown.values["grid_steps"])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox("Run", names, key="grid_run", width=240, help="A cell by name.")
        step = st.selectbox("Steps", steps, len(steps) - 1, key="grid_at", width=120)
        if st.button("Open on Iterate", key="grid_open", icon=":material/open_in_new:"):
            _open(shown, name, step)


def _open(shown: ShownRuns, name: str, step: int) -> None:
    """Open a run on Iterate; if it was evicted, run it again there."""
    if not launch.open_run(dict(shown.runs)[name], step):
        variables, rate = name.split(", ")
        steps = max(shown.values["grid_steps"])
        changed = {"variables": variables, "learning_rate": float(rate), "steps": steps}
        launch.request_run("iterate", {**shown.values, **changed}, ViewState(step=step))
    st.switch_page("iterate.py")


start_page(PAGE, planned)
left, middle, right = st.columns([3, 4, 4])
with left:
    variables_control("grid_variables", "The paper's choice: both.")
with middle:
    rates_control(
        "grid_learning_rates",
        "Adam's step sizes, without unit; others may be typed. The paper's value: 0.001.",
    )
with right:
    steps_control(
        "grid_steps",
        "Numbers of updates; one run of the largest serves all. The paper's value: 32.",
    )
sidebar(PAGE, "Run the grid", planned, hidden=("variables", "learning_rate", "steps"))
show_notices(PAGE)
run_view(PAGE, request_of(PAGE), with_viewer=False, details=grid)

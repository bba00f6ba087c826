"""Ablate: what is adapted, at which learning rate and for how many steps, on one photo."""

from collections.abc import Sequence

import streamlit as st

from pages.actions import launch
from pages.actions.page_start import enter, say, start
from pages.components.run_view import stage, work_of
from pages.components.settings_form import rates_control
from pages.components.sidebar import side
from pages.state import controls, session
from pages.state.controls import rate_text
from pages.state.query_params import MAX_RUNS
from segviz.adapt import VARIABLES
from segviz.charts.run_comparison import change_heatmap
from segviz.errors import InputError
from segviz.runs import verdict
from segviz.viewer import NamedRecord, ViewState

PAGE = "ablate"
STEPS = (1, 2, 4, 8, 16, 32, 64, 128)
now = session.session()


def planned() -> list:
    """A run for each pair of variables and learning rate; it serves every number of steps."""
    values = controls.values()
    variables, rates, steps = (values[f"grid_{name}"] for name in ("variables", "rates", "steps"))
    count = len(variables) * len(rates)
    if not 1 <= count <= MAX_RUNS or not steps:
        raise InputError(
            f"{len(variables)} variables, {len(rates)} learning rates and {len(steps)} numbers of"
            f" steps make {count} runs; choose at least one of each and at most {MAX_RUNS} runs."
        )
    return [
        (
            f"{name}, {rate_text(rate)}",
            controls.settings(variables=name, rate=rate, steps=max(steps)),
        )
        for name in variables
        for rate in rates
    ]


def grid(shown: list[NamedRecord], view: ViewState, live: bool) -> None:
    """The grid of outcomes, as far as it is known."""
    result = now.results.get(PAGE)
    work = work_of(PAGE)
    values = work.values if live and work else result.values if result else None
    if values is None:
        return
    if live or result is None:
        key, what = verdict.score(shown[0].record) or ("iou", "IoU")
        curves = {one.name: one.record.numbers(key) for one in shown}
    else:
        what, curves = result.judged[1], result.curves
    rates = [rate_text(rate) for rate in values["grid_rates"]]
    steps = sorted(values["grid_steps"])
    groups = [f"{count} steps" if count != 1 else "1 step" for count in steps]
    change = {
        (name, rate, group): _change(curves.get(f"{name}, {rate}"), count, live)
        for name in values["grid_variables"]
        for rate in rates
        for group, count in zip(groups, steps, strict=True)
    }
    st.markdown(
        f"**Change of {what} against step 0** :gray[in points; step 0 has"
        f" {100 * next(iter(curves.values()))[0]:.1f} %. Choose a cell to see its run.]"
    )
    event = st.plotly_chart(
        change_heatmap(list(values["grid_variables"]), rates, groups, change, what),
        key=f"grid_{result.id if result and not live else 'live'}",
        on_select="ignore" if live else "rerun",
        selection_mode="points",
        config={"displayModeBar": False},
        alt=f"Change of {what} by variables, learning rate and steps",
    )
    if not live and result is not None:
        points = event.selection.points if event is not None else []
        if points:
            name, rate, group = points[0]["customdata"]
            visit(f"{name}, {rate}", steps[groups.index(group)])
        _by_keyboard(list(result.runs), steps)


def _change(curve: Sequence[float] | None, step: int, live: bool) -> float | None:
    """The change in points, or None where the run has not come so far."""
    if curve is None or (live and step >= len(curve)):
        return None
    return 100 * (curve[min(step, len(curve) - 1)] - curve[0])


def _by_keyboard(runs: list[tuple[str, str]], steps: list[int]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Run", [name for name, _ in runs], key="grid_run", width=240, help="A cell by name."
        )
        at = st.selectbox("Steps", steps, len(steps) - 1, key="grid_at", width=120)
        if st.button("Open on Iterate", key="grid_open", icon=":material/open_in_new:"):
            visit(name, at)


def visit(name: str, step: int) -> None:
    """Open a run on Iterate; if it was let go, make it again there."""
    result = now.results[PAGE]
    id = dict(result.runs)[name]
    if not launch.open_run(id, step):
        variables, rate = name.split(", ")
        values = result.values
        changed = {"variables": variables, "rate": float(rate), "steps": max(values["grid_steps"])}
        launch.ask("iterate", {**values, **changed}, ViewState(step=step))
    st.switch_page("iterate.py")


enter(PAGE, planned)
left, middle, right = st.columns([3, 4, 4])
with left:
    st.pills(
        "Variables",
        list(VARIABLES),
        selection_mode="multi",
        default=controls.get("grid_variables"),
        key=controls.key("grid_variables"),
        wrap=True,
        help="; ".join(f"`{name}`: {meaning}" for name, meaning in VARIABLES.items())
        + ". The paper's choice: both.",
    )
with middle:
    rates_control(
        "Learning rates",
        "grid_rates",
        "Adam's step sizes, without unit; others may be typed. The paper's value: 0.001.",
    )
with right:
    st.pills(
        "Steps",
        sorted({*STEPS, *controls.get("grid_steps")}),
        selection_mode="multi",
        default=controls.get("grid_steps"),
        key=controls.key("grid_steps"),
        wrap=True,
        help="Numbers of updates; one run of the largest serves all. The paper's value: 32.",
    )
side(
    PAGE,
    "Run the grid",
    planned,
    lambda: start(PAGE, planned),
    hidden=("variables", "rate", "steps"),
)
say(PAGE)
stage(PAGE, work_of(PAGE), viewing=False, below=grid)

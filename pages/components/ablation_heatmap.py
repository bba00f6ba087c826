"""The heatmap of an ablation: the change of a measure by variables, learning rate and steps."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from segviz.charts.run_comparison import change_heatmap

from ..state.controls import rate_text
from .copy_table import copy_table

__all__ = ["ablation_heatmap"]

CELL_WIDTH = 56
"""CSS pixels that a cell needs for its number; a narrower screen scrolls the heatmap."""

MARGIN = 90
"""CSS pixels for the names of the rows and the gaps between the grids."""


def ablation_heatmap(
    key: str,
    values: Mapping[str, Any],
    curves: Mapping[str, Sequence[float]],
    measure: str,
    in_progress: bool,
) -> tuple[str, int] | None:
    """Draw the heatmap.

    Arguments:
        key: The key of the chart.
        values: The query parameters of the grid.
        curves: The measure at every step, 0..1, by name of the run.
        measure: The name of the measure.
        in_progress: Whether runs are in progress: cells may be empty and cannot be chosen.

    Returns:
        The name of the run and the number of steps of the chosen cell; None if there is none.
    """
    rates = [rate_text(rate) for rate in values["grid_learning_rates"]]
    steps = {f"{n} step{'s' if n != 1 else ''}": n for n in sorted(values["grid_steps"])}
    change = {
        (name, rate, label): _change(curves.get(f"{name}, {rate}"), step, in_progress)
        for name in values["grid_variables"]
        for rate in rates
        for label, step in steps.items()
    }
    st.markdown(
        f"**Change of {measure} against step 0** :gray[in points; step 0 has"
        f" {100 * next(iter(curves.values()))[0]:.1f} %. Choose a cell to see its run.]",
        help="The measure at a cell's step minus that at step 0, in points; above 0 is better.",
    )
    width = CELL_WIDTH * len(rates) * len(steps) + MARGIN
    # The numbers have the colour of the page's text: Plotly's own is too pale in the light theme.
    st.html(
        "<style>.st-key-ablation_heatmap {overflow-x: auto}"
        f" .st-key-ablation_heatmap > div {{min-width: {width}px}}"
        " .st-key-ablation_heatmap .textpoint text {fill: currentColor !important}</style>"
    )
    rows = [
        {"variables": name, "learning rate": rate}
        | {label: change[name, rate, label] for label in steps}
        for name in values["grid_variables"]
        for rate in rates
    ]
    with st.container(key="ablation_heatmap"):
        event: Any = st.plotly_chart(
            change_heatmap(list(values["grid_variables"]), rates, list(steps), change, measure),
            key=key,
            on_select="ignore" if in_progress else "rerun",
            selection_mode="points",
            config={"displayModeBar": False},
            alt=f"Change of {measure} by variables, learning rate and steps",
        )
    if not in_progress:
        copy_table(rows, "ablation")
    if in_progress or not event or not event.selection.points:
        return None
    name, rate, label = event.selection.points[0]["customdata"]
    return f"{name}, {rate}", steps[label]


def _change(curve: Sequence[float] | None, step: int, in_progress: bool) -> float | None:
    """Return the change since step 0 in points; None if the run has not reached the step."""
    if curve is None or (in_progress and step >= len(curve)):
        return None
    return 100 * (curve[min(step, len(curve) - 1)] - curve[0])

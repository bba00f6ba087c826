"""Scales: the same photo at several scales, before and after adaptation."""

import streamlit as st

from pages.actions.page_start import start_page
from pages.components.notices import show_notices
from pages.components.run_view import request_of, run_view
from pages.components.settings_form import scales_control
from pages.components.sidebar import sidebar
from pages.state import controls
from pages.state.query_params import MAX_RUNS
from segviz.adapt import Settings
from segviz.charts.run_comparison import scale_curves
from segviz.errors import InputError
from segviz.viewer import NamedRecord, ViewState

PAGE = "scales"


def planned() -> list[tuple[str, Settings]]:
    """Plan a run for each scale, from small to large."""
    scales = sorted(controls.values()["scales"])
    if not 1 <= len(scales) <= MAX_RUNS:
        raise InputError(f"{len(scales)} scales are chosen; choose from 1 to {MAX_RUNS}.")
    return [(f"{scale:g}x", controls.settings(scale=scale)) for scale in scales]


def against_scale(runs: list[NamedRecord], view: ViewState, in_progress: bool) -> None:
    """Draw the paper's Figure 4 for this photo."""
    st.plotly_chart(
        scale_curves([run.record for run in runs]),
        key="scale_curves",
        config={"displaylogo": False},
        alt="Accuracy, mean entropy and, where there is one, mean sigma against scale",
    )
    if runs[0].record.sigma is None:
        st.caption(
            "If the network were equivariant to scale, neither entropy nor IoU would change."
        )
    else:
        st.caption(
            "If the network were equivariant to scale, sigma would grow in proportion to it, along"
            " the dashed line, and neither entropy nor IoU would change: the paper's Figure 4."
        )


start_page(PAGE, planned)
scales_control(
    "scales",
    "Resize factors of the photo before the network; 1 = the scale of training. The paper"
    " evaluates 1.5 to 4. Cost grows with the square.",
)
sidebar(PAGE, "Run all scales", planned, hidden=("scale",))
show_notices(PAGE)
run_view(
    PAGE,
    request_of(PAGE),
    panels=("feedforward", "prediction", "receptive-field"),
    details=against_scale,
)

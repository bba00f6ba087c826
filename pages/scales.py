"""Scales: the same photo at several scales, before and after adaptation."""

import streamlit as st

from pages.actions.page_start import enter, say, start
from pages.components.run_view import stage, work_of
from pages.components.sidebar import side
from pages.state import controls
from pages.state.query_params import MAX_RUNS
from segviz.charts.run_comparison import scale_curves
from segviz.errors import InputError
from segviz.viewer import NamedRecord, ViewState

PAGE = "scales"
SCALES = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)


def planned() -> list:
    """A run for each scale chosen, from small to large."""
    scales = sorted(controls.values()["scales"])
    if not 1 <= len(scales) <= MAX_RUNS:
        raise InputError(f"{len(scales)} scales are chosen; choose from 1 to {MAX_RUNS}.")
    return [(f"{scale:g}x", controls.settings(scale=scale)) for scale in scales]


def against_scale(shown: list[NamedRecord], view: ViewState, live: bool) -> None:
    """The paper's Figure 4 for this photo."""
    st.plotly_chart(
        scale_curves([one.record for one in shown]),
        key="scale_curves",
        config={"displaylogo": False},
        alt="What predictions are judged by, mean entropy and mean sigma against scale",
    )
    st.caption(
        "If the network were equivariant to scale, sigma would grow in proportion to it, along the"
        " dashed line, and neither entropy nor IoU would change: the paper's Figure 4."
    )


enter(PAGE, planned)
st.pills(
    "Scales",
    sorted({*SCALES, *controls.get("scales")}),
    selection_mode="multi",
    format_func=lambda scale: f"{scale:g}x",
    default=controls.get("scales"),
    key=controls.key("scales"),
    wrap=True,
    help="Resize factors of the photo before the network; 1 = the scale of training. The paper"
    " evaluates 1.5 to 4. Cost grows with the square.",
)
side(PAGE, "Run all scales", planned, lambda: start(PAGE, planned), hidden=("scale",))
say(PAGE)
stage(
    PAGE,
    work_of(PAGE),
    panels=("feedforward", "prediction", "receptive-field"),
    below=against_scale,
)

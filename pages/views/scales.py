"""Scales: the same photo at several scales, before and after adaptation."""

import streamlit as st

from pages.parts import state
from pages.parts.enter import enter, say, start
from pages.parts.side import side
from pages.parts.stage import stage, work_of
from pages.parts.url import MAX_RUNS
from segviz.errors import InputError
from segviz.render.frames import Shown
from segviz.render.summary import scale_curves
from segviz.render.viewer import View

PAGE = "scales"
SCALES = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)


def planned() -> list:
    """A run for each scale chosen, from small to large."""
    scales = sorted(state.values()["scales"])
    if not 1 <= len(scales) <= MAX_RUNS:
        raise InputError(f"{len(scales)} scales are chosen; choose from 1 to {MAX_RUNS}.")
    return [(f"{scale:g}x", state.settings(scale=scale)) for scale in scales]


def against_scale(shown: list[Shown], view: View, live: bool) -> None:
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
    sorted({*SCALES, *st.session_state.scales}),
    selection_mode="multi",
    format_func=lambda scale: f"{scale:g}x",
    key="scales",
    wrap=True,
    persist_state="session",
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

"""When to trust a run: the collapse alarm, class shares over steps, calibration."""

import streamlit as st

from segviz.charts.trust import reliability_diagram, share_chart
from segviz.evaluation.calibration import calibration_of_step
from segviz.glossary import CALIBRATION
from segviz.runs.collapse import describe_collapse
from segviz.runs.record import Record

from ..state.text import plain

__all__ = ["collapse_alarm", "run_trust"]


def collapse_alarm(record: Record) -> None:
    """Draw a warning if a class takes the pixels of another."""
    words = describe_collapse(record)
    if words is not None:
        st.markdown(f":orange[:material/warning: {plain(words)}]")


def run_trust(record: Record, step: int | None, key: str) -> None:
    """Draw class shares over the steps and, on demand, calibration.

    Arguments:
        record: The run.
        step: The step shown; None = the last.
        key: The key of the widgets.
    """
    if record.last == 0:
        return
    with st.expander("Class shares and calibration", icon=":material/balance:"):
        left, right = st.columns(2)
        left.markdown("**Share of the photo by class**")
        left.plotly_chart(share_chart(record), key=f"shares_{key}", config={"displaylogo": False})
        with right:
            _calibration(record, record.last if step is None else min(step, record.last), key)


def _calibration(record: Record, step: int, key: str) -> None:
    st.markdown("**Calibration: is entropy worth minimising here?**")
    if record.reference != "truth":
        st.caption("No truth: nobody knows which confidences are right.")
        return
    if not st.toggle(
        "Measure it",
        key=f"calibration_{key}",
        help="Compares confidences and entropies with the truth, at step 0 and at the step shown.",
    ):
        return
    bins = {f"step {t}": calibration_of_step(record, t) for t in dict.fromkeys((0, step))}
    known = {name: found for name, found in bins.items() if found is not None}
    st.plotly_chart(
        reliability_diagram(known), key=f"reliability_{key}", config={"displaylogo": False}
    )
    st.dataframe(
        [
            {"": name, **{key: found.numbers()[key] for key in CALIBRATION}}
            for name, found in known.items()
        ],
        hide_index=True,
        column_config={
            key: st.column_config.NumberColumn(
                f"{term.title}, {term.unit}" if term.unit else term.title,
                format="%.3f",
                help=term.help,
            )
            for key, term in CALIBRATION.items()
        },
    )

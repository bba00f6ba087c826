"""Compare: several objectives on one photo, at the same step."""

import streamlit as st

from pages.actions.page_start import enter, say, start
from pages.components.run_view import stage, work_of
from pages.components.sidebar import side
from pages.state import controls
from pages.state.query_params import FEEDFORWARD, MAX_RUNS
from segviz.adapt import OBJECTIVES, Settings
from segviz.charts.run_comparison import class_table
from segviz.errors import InputError
from segviz.viewer import NamedRecord, ViewState

PAGE = "compare"


def planned() -> list:
    """A run for each method chosen; feedforward is the one of no steps."""
    names = controls.values()["methods"]
    if not 1 <= len(names) <= MAX_RUNS:
        raise InputError(f"{len(names)} methods are chosen; choose from 1 to {MAX_RUNS}.")
    settings = [
        Settings(scale=controls.settings().scale, steps=0)
        if name == FEEDFORWARD
        else controls.settings(objective=name)
        for name in names
    ]
    return list(zip(names, settings, strict=True))


def by_class(shown: list[NamedRecord], view: ViewState, live: bool) -> None:
    """The table of the classes at the step shown."""
    records = {one.name: one.record for one in shown}
    first = shown[0]
    if live:
        return
    if first.record.reference != "truth":
        st.caption("No truth: there is no IoU by class.")
        return
    at = "at their last step" if view.step is None else f"at step {view.step}"
    st.markdown(
        f"**IoU by class** :gray[in %, {at}; ± is the difference from {first.name}, in points]"
    )
    rows = class_table(records, view.step)
    columns: dict = {
        "class": st.column_config.TextColumn("Class", pinned=True),
        "share": st.column_config.NumberColumn(
            "Share", format="%.1f", help="Share of the truth's pixels, in %."
        ),
    }
    for name in records:
        columns[name] = st.column_config.NumberColumn(
            OBJECTIVES[name].title if name in OBJECTIVES else name.capitalize(), format="%.1f"
        )
        columns[f"± {name}"] = st.column_config.NumberColumn("±", format="%+.1f")
    st.dataframe(
        rows,
        hide_index=True,
        column_config=columns,
        width="stretch",
        placeholder="",
        key="by_class",
        alt="IoU by class of every run",
    )
    st.caption(
        "The mean is over all classes in truth or prediction; of those that are not in the truth,"
        " the table leaves out what no run sees on more than 0.5 % of the photo."
    )


enter(PAGE, planned)
st.multiselect(
    "Methods",
    [FEEDFORWARD, *OBJECTIVES],
    format_func=lambda name: OBJECTIVES[name].title if name in OBJECTIVES else name.capitalize(),
    default=controls.get("methods"),
    key=controls.key("methods"),
    max_selections=MAX_RUNS,
    help="Feedforward is the prediction without adaptation. Oracle and adversary minimise and"
    " maximise the cross-entropy to the truth: what such updates could do at best and at worst."
    " The paper compares entropy with feedforward, oracle and adversary.",
)
side(PAGE, "Compare", planned, lambda: start(PAGE, planned), hidden=("objective",))
say(PAGE)
stage(PAGE, work_of(PAGE), below=by_class)

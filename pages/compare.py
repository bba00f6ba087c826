"""Compare: several methods, rates or variables on one photo, at the same step."""

import streamlit as st

from pages.actions.page_start import start_page
from pages.components.copy_table import copy_table
from pages.components.notices import show_notices
from pages.components.run_view import request_of, run_view
from pages.components.settings_form import method_title, rates_control, variables_control
from pages.components.sidebar import sidebar
from pages.state import controls
from pages.state.controls import rate_text
from pages.state.query_params import MAX_RUNS, VARIED
from segviz.adapt import METHODS, Settings
from segviz.charts.run_comparison import class_table
from segviz.errors import InputError
from segviz.glossary import CONTROLS, NUMBERS
from segviz.viewer import NamedRecord, ViewState

PAGE = "compare"
TITLES = {"method": "Methods", "learning_rate": "Learning rates", "variables": "Variables"}
"""What the runs differ in."""


def planned() -> list[tuple[str, Settings]]:
    """Plan a run for each method, learning rate or choice of variables."""
    values = controls.values()
    varied = values["vary"]
    chosen = values[VARIED[varied]]
    if not 1 <= len(chosen) <= MAX_RUNS:
        raise InputError(
            f"{len(chosen)} {TITLES[varied].lower()} are chosen; choose from 1 to {MAX_RUNS}."
        )
    if varied == "method":
        return [(name, _settings(name)) for name in chosen]
    method = values["method"]
    if not METHODS[method].variables:
        raise InputError(
            f"the method {method_title(method)} updates nothing, so that all runs would be the"
            " same; choose another method."
        )
    if varied == "variables":
        return [(name, controls.settings(variables=name)) for name in chosen]
    return [(f"rate {rate_text(rate)}", controls.settings(learning_rate=rate)) for rate in chosen]


def _not_offered() -> list[str]:
    """Return the chosen methods that the network cannot be adapted by, such as those of a gate."""
    offered = controls.offered_methods()
    return [name for name in controls.get("methods") if name not in offered]


def _settings(name: str) -> Settings:
    """Return the settings of the sidebar; methods on other variables keep their own defaults."""
    info, chosen = METHODS[name], controls.get("variables")
    if chosen in info.variables and info.variables[0] != "gate":
        return controls.settings(method=name)
    own: dict = dict.fromkeys(("variables", "learning_rate", "alpha"))
    if info.variables:
        own["variables"] = next(iter(controls.offered_variables(name)), None)
    steps = controls.get("steps")
    if info.variables[:1] == ("norm",):  # each runs the whole network
        steps = min(steps, info.steps)
    return controls.settings(method=name, **own, centred=False, steps=steps)


def by_class(runs: list[NamedRecord], view: ViewState, in_progress: bool) -> None:
    """Draw the IoU of each class at the step shown."""
    if in_progress:
        return
    first = runs[0]
    if first.record.reference != "truth":
        st.caption("No truth: there is no IoU by class.")
        return
    at = "at their last step" if view.step is None else f"at step {view.step}"
    st.markdown(
        f"**IoU by class** :gray[in %, {at}; ± is the difference from {first.name}, in points]",
        help=NUMBERS["iou"].help,
    )
    columns: dict = {
        "class": st.column_config.TextColumn("Class", pinned=True),
        "share": st.column_config.NumberColumn(
            "Share", format="%.1f", help="Share of the truth's pixels, in %."
        ),
    }
    for run in runs:
        title = method_title(run.name) if run.name in METHODS else run.name
        columns[run.name] = st.column_config.NumberColumn(title, format="%.1f")
        columns[f"± {run.name}"] = st.column_config.NumberColumn("±", format="%+.1f")
    rows = class_table({run.name: run.record for run in runs}, view.step)
    st.dataframe(
        rows,
        hide_index=True,
        column_config=columns,
        width="stretch",
        placeholder="",
        key="by_class",
        alt="IoU by class of every run",
    )
    copy_table(rows, "classes")
    st.caption(
        "The mean is over all classes in truth or prediction; of those that are not in the truth,"
        " the table leaves out what no run sees on more than 0.5 % of the photo."
    )


start_page(PAGE, planned)
varied = st.segmented_control(
    "Compare",
    list(TITLES),
    default=controls.get("vary"),
    format_func=TITLES.__getitem__,
    key=controls.key("vary"),
    required=True,
    help="What the runs differ in: the method, or one setting of the method in the sidebar.",
)
if varied == "learning_rate":
    rates_control("grid_learning_rates", CONTROLS["learning_rate"].help)
elif varied == "variables":
    variables_control("grid_variables", CONTROLS["variables"].help)
else:
    st.multiselect(
        "Methods",
        [*controls.offered_methods(), *_not_offered()],
        controls.get("methods"),
        format_func=method_title,
        key=controls.key("methods"),
        max_selections=MAX_RUNS,
        help=CONTROLS["methods"].help,
    )
sidebar(PAGE, "Compare", planned, hidden=(varied,))
show_notices(PAGE)
run_view(PAGE, request_of(PAGE), details=by_class)

"""The menu of exports; files are made when they are downloaded."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from segviz.export import formats
from segviz.export.formats import Export, Selection
from segviz.export.report import report
from segviz.pictures.panels import PANELS, choose
from segviz.runs import describe
from segviz.runs.record import Record
from segviz.viewer import NamedRecord, ViewState

__all__ = ["exports"]


def exports(shown: Sequence[NamedRecord], view: ViewState, id: str) -> None:
    """Draw a menu of downloads; files of a single step take the step shown.

    Arguments:
        shown: The runs.
        view: Step and panels shown.
        id: The id of the viewer.
    """
    with st.popover("Export", icon=":material/download:", width="stretch", key="export"):
        run = shown[0]
        if len(shown) > 1:
            names = [run.name for run in shown]
            name = st.selectbox("Run", names, key=f"export_run_{id}")
            run = next((run for run in shown if run.name == name), run)
        record = run.record
        selection = Selection(step=None if view.step is None else min(view.step, record.last))
        for name, kind in formats.EXPORTS.items():
            _button(name, kind, record, selection)
            if name == "png":
                _panel(kind, record, selection, id)
        if len(shown) > 1:
            title = record.title
            st.download_button(
                f"Report of all {len(shown)} runs",
                lambda: report(shown, title).encode(),
                f"{describe.file_stem(record)}-{len(shown)}-runs.html",
                "text/html",
                key="export_all",
                icon=":material/html:",
                help="One page with the viewer and all these runs.",
                on_click="ignore",
                width="stretch",
            )


def _panel(kind: Export, record: Record, selection: Selection, id: str) -> None:
    """Draw the choice and the download of a single panel."""
    there = choose(record)
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    name = left.selectbox(
        "One panel",
        there,
        format_func=lambda panel: PANELS[panel].title,
        key=f"export_panel_{id}",
        help="In true pixels; labels keep the palette of the classes.",
    )
    with right:
        chosen = Selection(step=selection.step, panels=(name if name in there else there[0],))
        _button("panel", kind, record, chosen, "PNG")


def _button(
    name: str, kind: Export, record: Record, selection: Selection, label: str | None = None
) -> None:
    make: Callable[[], bytes] = partial(kind, record, selection)
    if label is None:
        format = kind.suffix.strip(".").upper()
        named = format in kind.label.upper()
        label = kind.label if named else f"{kind.label} ({format})"
    st.download_button(
        label,
        make,
        kind.name(record, selection),
        kind.mime,
        key=f"export_{name}",
        icon=kind.icon,
        help=kind.help,
        disabled=not kind.is_available(),
        on_click="ignore",
        width="stretch",
    )

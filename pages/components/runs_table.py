"""The runs of a visit as a table to search, sort and choose from."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from segviz.glossary import CONTROLS
from segviz.jobs.catalogue import network_label
from segviz.jobs.visit_store import RunFacts
from segviz.runs import describe

__all__ = ["TABLE", "runs_table"]

TABLE = "runs_table"
"""The beginning of the key of the table; the rest changes with the runs."""

NUMBERS = {
    "iou": "IoU of the last step with the truth, mean of the classes on the photo; higher is"
    " better.",
    "agreement": "Agreement of the last step with the prediction at scale 1, where there is no"
    " truth; this is not IoU.",
    "change": "How much IoU or agreement changed from step 0 to the last.",
    "entropy": "Mean entropy at the last step, in nats; lower means surer, not better.",
    "fall": "How much the mean entropy changed from step 0 to the last, in nats.",
}


def runs_table(runs: Sequence[RunFacts]) -> list[RunFacts]:
    """Draw the runs; return those that are chosen.

    Arguments:
        runs: The runs, in the order to show them.
    """
    # The choice is that of rows: other runs need another table.
    digest = hashlib.sha256("".join(run.id for run in runs).encode()).hexdigest()[:12]
    number = st.column_config.NumberColumn
    has = {name: any(_score(run, name) is not None for run in runs) for name in ("IoU", "agree")}
    chosen = st.dataframe(
        [_row(run) for run in runs],
        key=f"{TABLE}_{digest}",
        on_select="rerun",
        selection_mode="multi-row",
        hide_index=True,
        row_height=64,
        height=min(64 * len(runs) + 40, 560),
        column_order=[
            *("Picture", "Name", "Photo", "Method", "Settings"),
            *(["IoU"] if has["IoU"] else []),
            *(["Agreement"] if has["agree"] else []),
            *("Change", "Entropy", "Change of entropy", "Network", "Made", "Pinned"),
        ],
        column_config={
            "Picture": st.column_config.ImageColumn(width="small", help="The last prediction."),
            "Name": st.column_config.TextColumn(width="small", help="What you call the run."),
            "Photo": st.column_config.TextColumn(help="The photo that the run is on."),
            "Method": st.column_config.TextColumn(help=CONTROLS["method"].help),
            "Settings": st.column_config.TextColumn(
                width="medium", help="What differs from the defaults of the method, and the scale."
            ),
            "Network": st.column_config.TextColumn(help=CONTROLS["checkpoint"].help),
            "IoU": number(format="%.3f", help=NUMBERS["iou"]),
            "Agreement": number(format="%.3f", help=NUMBERS["agreement"]),
            "Change": number(format="%+.3f", help=NUMBERS["change"]),
            "Entropy": number(format="%.3f", help=NUMBERS["entropy"]),
            "Change of entropy": number(format="%+.3f", help=NUMBERS["fall"]),
            "Made": st.column_config.DatetimeColumn(
                format="distance", help="When the run was made, as time passed since."
            ),
            "Pinned": st.column_config.CheckboxColumn(
                help="Other runs are removed before it; pinned runs are compared."
            ),
        },
        alt="The runs of this visit",
    )
    rows = chosen["selection"]["rows"]
    return [runs[row] for row in rows if 0 <= row < len(runs)]


def _row(run: RunFacts) -> dict:
    stopped = not run.complete and run.last < run.settings.steps
    settings = describe.settings(run.settings)
    return {
        "Picture": _data_url(run.thumbnail),
        "Name": run.name,
        "Photo": run.title,
        "Method": describe.short_name(run.settings),
        "Settings": settings + (f", stopped at step {run.last}" if stopped else ""),
        "IoU": _score(run, "IoU"),
        "Agreement": _score(run, "agree"),
        "Change": _change(run.scores),
        "Entropy": run.entropy[1],
        "Change of entropy": _change(run.entropy),
        "Network": network_label(run.network),
        "Made": datetime.fromtimestamp(run.made, UTC),
        "Pinned": run.pinned,
    }


def _score(run: RunFacts, measure: str) -> float | None:
    return run.scores[1] if (run.measure or "").startswith(measure) else None


def _change(ends: tuple[float | None, float | None]) -> float | None:
    return None if ends[0] is None or ends[1] is None else ends[1] - ends[0]


def _data_url(picture: bytes) -> str | None:
    return f"data:image/webp;base64,{base64.b64encode(picture).decode()}" if picture else None

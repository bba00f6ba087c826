"""What is written above and below the viewer."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from segviz.charts.run_comparison import median_update_ms
from segviz.jobs.run_job import RunRequest
from segviz.runs import describe, verdict
from segviz.runs.record import Record
from segviz.viewer import NamedRecord

from ..state.session import ShownRuns
from ..state.text import plain

__all__ = ["heading", "notes"]


def heading(
    runs: Sequence[NamedRecord], request: RunRequest | None, changed: Sequence[str] = ()
) -> DeltaGenerator | None:
    """Draw photo and shared settings of runs; return the place for exports.

    Arguments:
        runs: The runs shown.
        request: The runs in progress, whose plan is described while there is nothing to show.
        changed: What was changed since these runs.
    """
    if not runs:
        if request is not None:
            settings = describe.settings(*(run.settings for run in request.plan))
            st.markdown(f"**{plain(request.job.work.title)}** :gray[ · {settings}]")
        return None
    records = [run.record for run in runs]
    settings = describe.settings(*(record.settings for record in records))
    text = f"**{plain(records[0].title)}** :gray[ · {settings}]"
    if records[0].reference != "truth":
        text += " :orange-badge[no truth: compared with the 1x prediction]"
    if request is None:
        for record in records:
            if describe.stopped(record):
                text += f" :orange-badge[stopped at step {record.last}]"
            elif record.complete and record.last < record.settings.steps:
                rule = record.settings.stop
                reason = f"before {rule}" if rule else "within tolerance"
                text += f" :blue-badge[{reason} at step {record.last}]"
        if changed:
            text += f" :orange-badge[not what is chosen now: {', '.join(changed)}]"
    left, right = st.columns([4, 1], vertical_alignment="center")
    left.markdown(text)
    return right


def notes(runs: Sequence[NamedRecord], shown: ShownRuns) -> None:
    """Draw verdict and cost of a single run, evicted runs, and why there is no link.

    Arguments:
        runs: The runs that are still in the history.
        shown: What the page shows.
    """
    if len(runs) == 1:
        st.markdown(verdict.verdict(runs[0].record))
        st.caption(_cost(runs[0].record))
    evicted = len(shown.runs) - len(runs)
    if evicted:
        st.caption(
            f"{evicted} of {len(shown.runs)} runs were let go to bound the memory of this visit;"
            " press the button in the sidebar to make them again."
        )
    if shown.values["photo"].startswith(("upload:", "record:")):
        st.caption(
            ":material/link_off: This view has no link: its photo is on your computer, not here."
        )


def _engine(where: Mapping[str, Any]) -> str:
    """Return what ran the frozen part, with the reason if that is not what was wanted."""
    name = {"openvino": "OpenVINO"}.get(str(where.get("engine")), "PyTorch")
    note = where.get("engine_note")
    return f"{name} ({plain(note)})" if note else name


def _cost(record: Record) -> str:
    """Return where a run was made, and how long its parts took."""
    where = record.environment
    threads = where.get("threads", 1)
    facts = [
        f"{plain(where.get('checkpoint', ''))} on {plain(where.get('device', ''))},"
        f" {plain(threads)} thread{'s' if threads != 1 else ''}",
        f"forward pass {record.forward_ms:.0f} ms by {_engine(where)}",
    ]
    update = median_update_ms(record)
    return " · ".join(facts + ([f"one step {update:.1f} ms"] if update is not None else []))

"""The results in the folder of results, and what they say on the first screen."""

import os
from pathlib import Path

import streamlit as st

from segviz.errors import InputError
from segviz.evaluation import against_paper
from segviz.evaluation.results import ResultFile, Variant, read_result
from segviz.runtime import resources

from ..state.presets import OPENING
from ..state.session import session

__all__ = ["average_effect", "load_result", "result_path"]

TABLE = "1"
"""The table that has entropy descent at every scale."""


def result_path(name: str) -> Path:
    """Return where the result of a table is."""
    folder = Path(os.environ.get("SEGVIZ_RESULTS") or resources.folder("results"))
    return folder / f"table-{name}.json"


def load_result(path: Path) -> ResultFile:
    """Read a result file, once for all visitors until it changes.

    Raises:
        InputError: If it is not a valid result.
        OSError: If it cannot be read.
    """
    return _load(path, path.stat().st_mtime_ns)


@st.cache_resource(show_spinner="Reading the result", max_entries=8)
def _load(path: Path, changed: int) -> ResultFile:
    return read_result(path)


def average_effect() -> None:
    """Draw in one line what entropy descent does on average, as far as it has been measured."""
    words = _average_effect(session().chosen_network.name)
    if words:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(words, width="content")
            st.page_link("benchmark.py", label="Benchmark", icon=":material/leaderboard:")


def _average_effect(network: str) -> str:
    """Return the gain of entropy descent on a network at the scale of the first run, or ""."""
    try:
        result = load_result(result_path(TABLE))
    except (InputError, OSError):
        return ""
    settings = OPENING.settings
    variant = Variant(settings.method, settings.variables, settings.steps)
    for name, part in result.models.items():
        if part.checkpoint != network:
            continue
        for line in against_paper.table_lines(result, name):
            value = line.values.get(settings.scale)
            if line.variant != variant or value is None or value.gain is None:
                continue
            within = "" if value.error is None else f" ± {value.error:.1f}"
            paper = "" if value.paper_gain is None else f"; paper {value.paper_gain:+.1f}"
            words = (
                f"Entropy descent on average here: mIoU {value.gain:+.1f}{within} points at"
                f" {settings.scale:g}x ({part.images:,} images{paper})."
            )
            return words.replace("-", "\N{MINUS SIGN}")
    return ""

"""Benchmark: the paper's tables, measured here, and evaluations of one's own."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.actions.page_start import start_page
from pages.components.benchmark_details import details
from pages.components.benchmark_form import evaluation_form, finished
from pages.components.benchmark_table import as_file, gains, provenance, table
from pages.components.notices import show_notices
from pages.components.stored_results import load_result, result_path
from pages.state import controls
from pages.state.address_bar import write_controls
from pages.state.query_params import OWN_EVALUATION
from pages.state.text import plain, sentence
from segviz.errors import InputError
from segviz.evaluation.paper_tables import TABLES
from segviz.evaluation.results import ResultFile, table_command
from segviz.jobs.limits import is_shared

PAGE = "benchmark"


def title(name: str) -> str:
    """What a table is called, short."""
    return "Your own" if name == OWN_EVALUATION else TABLES[name].title.split(":")[0]


def show(result: ResultFile, model: str, file: bytes, name: str) -> None:
    """Table, charts, and what is behind them."""
    if not result.models[model].images:
        st.info("No image was measured for this model yet.", icon=":material/hourglass_empty:")
        return
    table(result, model)
    gains(result, model)
    details(result, model)
    provenance(result, model, file, name)


def missing(what: str, name: str, path: Path) -> None:
    """Say which command makes what is not there."""
    st.info(
        f"{what} not been measured here yet: `{table_command(name)}` measures it and writes"
        f" {plain(path.name)} into the folder of results.",
        icon=":material/hourglass_empty:",
    )


def paper(name: str) -> None:
    """One of the paper's tables."""
    path = result_path(name)
    models = TABLES[name].models
    model = models[0]
    if len(models) > 1:
        model = st.segmented_control(
            "Model",
            models,
            default=_known(controls.get("bench_model"), models, models[-1]),
            key=controls.key("bench_model"),
            required=True,
            help="The paper's two: trained without and with augmentation by scale.",
        )
    if not path.is_file():
        missing(f"“{TABLES[name].title}” has", name, path)
        return
    try:
        result = load_result(path)
    except (InputError, OSError) as error:
        st.error(sentence(error), icon=":material/folder_off:")
        return
    if model not in result.models:
        missing(f"The model “{model}” of “{TABLES[name].title}” has", name, path)
        return
    show(result, model, path.read_bytes(), path.name)


def _known(value: str | None, options: Sequence[str], default: str) -> str:
    return value if value is not None and value in options else default


start_page(PAGE)
show_notices(PAGE)
tables = [*TABLES, *([] if is_shared() else [OWN_EVALUATION])]
chosen = st.segmented_control(
    "Table",
    tables,
    default=_known(controls.get("bench_table"), tables, tables[0]),
    format_func=title,
    key=controls.key("bench_table"),
    required=True,
    help="; ".join(one.title for one in TABLES.values())
    + ("." if is_shared() else ". Your own: an evaluation with settings chosen here."),
)
if chosen == OWN_EVALUATION:
    st.subheader("An evaluation of your own")
    evaluation_form()
    made = finished()
    if made is not None:
        result, data = made
        st.divider()
        show(result, "", as_file(data), "evaluation.json")
else:
    st.subheader(TABLES[chosen].title)
    paper(chosen)
write_controls(PAGE)

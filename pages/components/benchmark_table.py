"""Draw a benchmark result: the table beside the paper's, the chart of gains, its provenance."""

import msgspec
import streamlit as st

from segviz.adapt.method import FEEDFORWARD
from segviz.charts import gains as gain_charts
from segviz.charts.cost import accuracy_against_cost
from segviz.evaluation import against_paper
from segviz.evaluation.against_paper import (
    TableLine,
    TableMeanGain,
    TableValue,
    all_values,
    variant_label,
)
from segviz.evaluation.paper_tables import LARGE_SCALE, TABLES
from segviz.evaluation.results import VAL_IMAGES, EvaluationResult, ResultFile, Variant
from segviz.glossary import DATA_SET

from ..state.text import plain
from .copy_table import copy_table

__all__ = ["as_file", "gains", "provenance", "subset", "table"]

MIN_COSTS = 3
"""The fewest different costs that a chart is drawn of."""
NARROW = 2
"""The most scales for which the paper's numbers stand beside ours; with more they stand below."""


def subset(result: ResultFile, images: int) -> str:
    """Describe which images were measured."""
    if result.split == "val" and images == VAL_IMAGES:
        return f"all {images:,} images of val"
    limited = result.table and TABLES[result.table].limit == images
    random = ", a fixed random subset" if limited or "--limit" in result.command else ""
    if result.split == "val":
        return f"{images:,} of the {VAL_IMAGES:,} images of val{random}"
    return f"{images:,} images of {plain(result.split.removeprefix('data:'))}{random}"


def table(result: ResultFile, model: str) -> None:
    """Draw the mIoU of every method at every scale, ours and the paper's.

    Arguments:
        result: The result.
        model: The name of the network in it.
    """
    found = against_paper.table_lines(result, model)
    part = result.models[model]
    checkpoint = plain(part.checkpoint or "a network without name")
    errors = any(v.error is not None for v in all_values(found))
    within = " ± its standard error over resampled images" if errors else ""
    st.markdown(
        f"**mIoU in %** :gray[on {subset(result, part.images)}, {checkpoint}; in colour the gain"
        f" over feedforward in points{within}]",
        help=f"{DATA_SET['miou'].help} {DATA_SET['gain'].help}",
    )
    papers = any(v.paper is not None for v in all_values(found))
    if part.images != VAL_IMAGES and result.split == "val" and papers:
        st.caption(
            ":material/info: Not the whole of val: differences to the paper are partly those of"
            " the images; gains compare the same images."
        )
    if not result.complete:
        st.caption(":material/timelapse: Stopped early: these are the images so far.")
    st.markdown(_headline(found, part.scales))
    narrow = len(part.scales) <= NARROW
    rows = [row for line in found for row in (_wide if narrow else _long)(line, found)]
    st.table(rows, hide_index=True, border="horizontal", width="stretch")
    copy_table(rows, f"bench_{result.table}_{model}")


def _headline(found: list[TableLine], scales: list[float]) -> str:
    """Say at each scale which method without truth is the best, baselines included."""
    texts = []
    for scale in scales:
        line = against_paper.best_without_truth(found, scale)
        if line is not None:
            value = line.values[scale]
            label = plain(variant_label(line.variant))
            texts.append(f"{scale:g}x {label} {_signed(value.gain)}".rstrip())
    return f"Best without truth: {'; '.join(texts)}." if texts else ""


def _wide(line: TableLine, found: list[TableLine]) -> list[dict[str, str]]:
    """Return one row: for each scale our number, the paper's and the difference."""
    papers = any(v.paper is not None for v in all_values(found))
    row = _named(line, found)
    for scale, value in line.values.items():
        row[f"{scale:g}x"] = _ours(value)
        if papers:
            row[f"{scale:g}x, paper"] = _paper(value)
            row[f"{scale:g}x, difference"] = _difference(value)
    return [row]


def _long(line: TableLine, found: list[TableLine]) -> list[dict[str, str]]:
    """Return our row and, where the paper has the method, its row and that of the differences."""
    values = {f"{scale:g}x": value for scale, value in line.values.items()}
    papers = any(v.paper is not None for v in all_values(found))
    name = _named(line, found)
    label = {" ": "segviz"} if papers else {}
    rows = [{**name, **label, **{scale: _ours(value) for scale, value in values.items()}}]
    if any(value.paper is not None for value in values.values()):
        empty = dict.fromkeys(name, "")
        paper = {scale: _paper(value) for scale, value in values.items()}
        difference = {scale: _difference(value) for scale, value in values.items()}
        rows.append({**empty, " ": ":gray[paper]", **paper})
        rows.append({**empty, " ": ":gray[difference]", **difference})
    return rows


def _named(line: TableLine, found: list[TableLine]) -> dict[str, str]:
    steps = {other.variant.steps for other in found if other.variant.method != FEEDFORWARD}
    name = plain(variant_label(line.variant, len(steps) > 1))
    return {"Method": f"**{name}**" if line.ours else name}


def _ours(value: TableValue) -> str:
    if value.miou is None:
        return "-"
    return f"**{value.miou:.1f}** {_signed(value.gain)}{_within(value.error)}".strip()


def _within(error: float | None) -> str:
    return "" if error is None else f" :gray[±\u00a0{error:.1f}]"


def _paper(value: TableValue) -> str:
    if value.paper is None:
        return ":gray[-]"
    gain = "" if value.paper_gain is None else f" {_plus(value.paper_gain)}"
    return f":gray[{value.paper:.1f}{gain}]"


def _difference(value: TableValue) -> str:
    return "" if value.difference is None else f":gray[*{_plus(value.difference)}*]"


def _signed(gain: float | None) -> str:
    if gain is None:
        return ""
    text = _plus(gain)
    colour = {"+": "green", "-": "red"}.get(text[0], "gray")
    return f":{colour}[{text}]"


def _plus(value: float) -> str:
    """Format a number with its sign and one decimal; without the sign if it rounds to zero."""
    text = f"{value:+z.1f}"
    return "0.0" if text[1:] == "0.0" else text


def gains(result: ResultFile, model: str) -> None:
    """Draw the gain over feedforward against scale, or by variables where there are few scales.

    Arguments:
        result: The result.
        model: The name of the network in it.
    """
    found = against_paper.table_lines(result, model)
    few = len(result.models[model].scales) <= NARROW
    if not any(v.gain is not None for v in all_values(found)):
        return
    papers = any(v.paper_gain is not None for v in all_values(found))
    errors = any(v.error is not None for v in all_values(found))
    keys = ["in points of mIoU"]
    if papers:
        keys += [
            "ours as bars, the paper's as diamonds" if few else "ours solid, the paper's dashed"
        ]
    keys += ["whiskers: standard errors"] if errors else []
    st.markdown(f"**Gain over feedforward** :gray[{'; '.join(keys)}]", help=DATA_SET["gain"].help)
    st.plotly_chart(
        gain_charts.gain_bars(found) if few else gain_charts.gain_curves(found),
        key=f"bench_gains_{result.table}_{model}",
        config={"displaylogo": False},
        alt="Gain of mIoU over feedforward by method and scale, ours and the paper's",
    )
    _cost(found, f"bench_cost_{result.table}_{model}")
    means = [_mean(line.variant, line.mean) for line in found if line.mean is not None]
    if means:
        st.caption(f"Mean gain from {LARGE_SCALE:g}x on: {'; '.join(means)}.")


def _cost(found: list[TableLine], key: str) -> None:
    """Draw accuracy against cost at the largest scale, where methods differ in cost."""
    costs = {against_paper.cost(line) for line in found if not against_paper.needs_truth(line)}
    scales = {scale for line in found for scale in line.values}
    if len(costs) < MIN_COSTS or not scales:
        return
    scale = max(scales)
    st.markdown(
        f"**Accuracy against cost at {scale:g}x** :gray[in forward passes at that scale, counted:"
        " the views by their area, and the updates]",
        help=DATA_SET["cost"].help,
    )
    st.plotly_chart(
        accuracy_against_cost(found, scale),
        key=key,
        config={"displaylogo": False},
        alt="mIoU against cost in forward passes, by method",
    )


def _mean(variant: Variant, mean: TableMeanGain) -> str:
    beside = "" if mean.paper is None else f" (paper {_plus(mean.paper)})"
    return f"{plain(variant_label(variant, True))} {_plus(mean.gain)}{_within(mean.error)}{beside}"


def provenance(result: ResultFile, model: str, file: bytes, name: str) -> None:
    """Draw how a result was measured, what was left out, and the download of its file.

    Arguments:
        result: The result.
        model: The name of the network in it.
        file: The content of the file, JSON.
        name: The name of the file.
    """
    part = result.models[model]
    with st.expander("How it was measured", icon=":material/terminal:"):
        if result.command:
            st.code(result.command, language="bash", wrap_lines=True)
        facts = {"images": f"{part.images:,} of {result.split}", **part.environment}
        st.caption(" · ".join(f"{plain(key)} {plain(str(value))}" for key, value in facts.items()))
        if part.failed:
            st.warning(
                f"{len(part.failed)} images could not be measured and were left out: "
                + "; ".join(plain(failure) for failure in part.failed[:5])
                + ("; and more." if len(part.failed) > 5 else "."),
                icon=":material/image_not_supported:",
            )
        st.download_button(
            "Result as JSON",
            file,
            name,
            "application/json",
            key=f"bench_download_{result.table}",
            icon=":material/download:",
            on_click="ignore",
            help="All numbers, including those of each class and of each image.",
        )


def as_file(result: EvaluationResult) -> bytes:
    """Encode a result as JSON, as the command line writes it."""
    return msgspec.json.encode(result) + b"\n"

"""The paper's Table 1 as a figure: mIoU against scale, ours solid and the paper's dashed."""

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..adapt.method import FEEDFORWARD
from ..evaluation.against_paper import (
    TableLine,
    all_values,
    needs_truth,
    table_lines,
    variant_label,
)
from ..evaluation.results import ResultFile
from ..pictures.method_colours import GREY, method_colours
from .style import STYLE, WIDTH, add_caption, add_legend

__all__ = ["draw_scales"]

ROW_HEIGHT, LEGEND_HEIGHT = 2.2, 0.3  # inches


@rc_context(STYLE)
def draw_scales(result: ResultFile) -> Figure:
    """Draw mIoU, and the gain over feedforward of methods without truth, a row for each network."""
    tables = {model: table_lines(result, model) for model in result.models}
    everything = [line for table in tables.values() for line in table]
    colours = method_colours([line.variant.method for line in everything])
    figure = Figure(figsize=(WIDTH, ROW_HEIGHT * len(tables) + LEGEND_HEIGHT), layout="constrained")
    panels = figure.subfigures(1, 1, squeeze=False)[0, 0]
    axes = panels.subplots(len(tables), 2, squeeze=False)
    for (left, right), (model, table) in zip(axes, tables.items(), strict=True):
        gaining = [
            line for line in table if line.variant.method != FEEDFORWARD and not needs_truth(line)
        ]
        left.set_title(f"{model}: mIoU, %")
        _plot_lines(left, table, "miou", "paper", colours)
        right.set_title(f"{model}: gain over feedforward, points")
        right.axhline(0, color=GREY, linewidth=0.8, zorder=1)
        _plot_lines(right, gaining, "gain", "paper_gain", colours)
        _plot_errors(right, gaining, colours)
        scales = sorted({scale for line in table for scale in line.values})
        for panel in (left, right):
            panel.set_xticks(scales, [f"{scale:g}x" for scale in scales])
            panel.grid(axis="y")
    names = {variant_label(line.variant): colours[line.variant.method] for line in everything}
    add_legend(panels, names, columns=len(names))
    with_errors = any(value.error is not None for value in all_values(everything))
    add_caption(figure, "Table 1 as curves: mIoU against scale.", _caption(result, with_errors))
    return figure


def _plot_lines(
    axes: Axes, table: Sequence[TableLine], ours: str, paper: str, colours: dict[str, str]
) -> None:
    for line in table:
        for key, style in ((paper, "--"), (ours, "-o")):
            points = [(scale, getattr(value, key)) for scale, value in sorted(line.values.items())]
            points = [(scale, value) for scale, value in points if value is not None]
            if points:
                x, y = zip(*points, strict=True)
                axes.plot(
                    x, y, style, color=colours[line.variant.method], linewidth=1.2, markersize=3
                )


def _plot_errors(axes: Axes, table: Sequence[TableLine], colours: dict[str, str]) -> None:
    for line in table:
        points = [(s, v.gain, v.error) for s, v in line.values.items() if v.error is not None]
        if points:
            x, y, error = zip(*points, strict=True)
            colour = colours[line.variant.method]
            axes.errorbar(x, y, error, fmt="none", ecolor=colour, capsize=1.5, elinewidth=0.6)


def _caption(result: ResultFile, with_errors: bool) -> str:
    counts = sorted({part.images for part in result.models.values()})
    images = f"{counts[0]} images" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} images"
    steps = sorted(
        {row.steps for part in result.models.values() for row in part.results if row.steps}
    )
    networks = [
        f"{model} is {part.checkpoint or 'unknown'} ({part.sha256[:8]})"
        for model, part in result.models.items()
    ]
    failed = sum(len(part.failed) for part in result.models.values())
    sentences = [
        f"Solid: ours, on {images} of {result.split}; dashed: the paper's, on its own network.",
        "Whiskers: standard errors over resampled images." if with_errors else "",
        f"{failed} images could not be measured." if failed else "",
        f"Steps: {', '.join(map(str, steps))}." if steps else "",
        f"Checkpoints: {'; '.join(networks)}.",
        f"Made by: {result.command}",
    ]
    return " ".join(filter(None, sentences))

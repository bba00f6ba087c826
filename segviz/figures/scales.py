"""The paper's Table 1 as a figure: mIoU against scale, ours solid and the paper's dashed."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from ..charts.gains import needs_truth
from ..evaluation.against_paper import Line, every, lines, named
from ..evaluation.evaluate import FEEDFORWARD
from ..evaluation.results import Result
from ..pictures.method_colours import GREY, method_colours
from .page_layout import GAP, LINE, MARGIN, MUTED, SMALL, Page

__all__ = ["scale_figure"]

HEIGHT, BETWEEN, INSET = 1.75, 0.3, 0.3  # of charts; the numbers at an axis need the last


def scale_figure(result: Result) -> Page:
    """A row for each network: mIoU, and the gain over feedforward of what needs no truth."""
    page = Page()
    found = {model: lines(result, model) for model in result.parts}
    methods = [line.kind[0] for part in found.values() for line in part]
    palette = method_colours(methods)
    for model, part in found.items():
        _charts(page, model, part, palette)
    names = {named(line.kind): palette[line.kind[0]] for part in found.values() for line in part}
    page.y += page.swatches((MARGIN, page.y), [(c, n) for n, c in names.items()], page.room) + GAP
    title = "Table 1 as curves. mIoU against scale."
    page.text((MARGIN, page.y), title, SMALL + 1, bold=True)
    page.y += page.line(SMALL + 1)
    errors = any(value.error is not None for part in found.values() for value in every(part))
    page.paragraph(_words(result, errors), colour=MUTED)
    return page


def _charts(page: Page, model: str, found: Sequence[Line], palette: dict[str, str]) -> None:
    width = (page.room - BETWEEN) / 2
    gaining = [line for line in found if line.kind[0] != FEEDFORWARD and not needs_truth(line)]
    panels = (
        (f"{model}: mIoU, %", "miou", "paper", found),
        (f"{model}: gain over feedforward, points", "gain", "paper_gain", gaining),
    )
    for place, (title, ours, paper, chosen) in enumerate(panels):
        x = MARGIN + place * (width + BETWEEN)
        page.text((x, page.y), title, room=width)
        axes = page.axes((x + INSET, page.y + page.line() + 0.05, width - INSET, HEIGHT))
        for line in chosen:
            _plot(axes, line, paper, palette[line.kind[0]], ours=False)
            _plot(axes, line, ours, palette[line.kind[0]], ours=True)
        scales = sorted({scale for line in found for scale in line.values})
        axes.set_xticks(scales, [f"{scale:g}x" for scale in scales])
        axes.grid(axis="y", color=LINE, linewidth=0.4)
        axes.set_axisbelow(True)
        if ours == "gain":
            axes.axhline(0, color=GREY, linewidth=0.8, zorder=1)
    page.y += page.line() + 0.05 + HEIGHT + page.line() + 2 * GAP


def _plot(axes: Axes, line: Line, key: str, colour: str, ours: bool) -> None:
    style = "-" if ours else (0, (4, 2.5))
    points = [(scale, getattr(value, key)) for scale, value in sorted(line.values.items())]
    points = [(scale, value) for scale, value in points if value is not None]
    if points:
        x, y = zip(*points, strict=True)
        axes.plot(x, y, color=colour, linewidth=1.2, linestyle=style)
        if ours:
            axes.plot(x, y, "o", color=colour, markersize=3)
    within = [(s, v.gain, v.error) for s, v in line.values.items() if v.error is not None]
    if within and key == "gain":
        x, y, error = zip(*within, strict=True)
        axes.errorbar(x, y, error, fmt="none", ecolor=colour, capsize=1.5, elinewidth=0.6)


def _words(result: Result, errors: bool) -> str:
    counts = sorted({part.images for part in result.parts.values()})
    images = f"{counts[0]} images" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} images"
    steps = sorted({row.steps for part in result.parts.values() for row in part.rows if row.steps})
    networks = []
    for model, part in result.parts.items():
        sha = part.environment.get("sha256", "")[:8]
        networks.append(f"{model} is {part.environment.get('checkpoint', 'unknown')} ({sha})")
    failed = sum(len(part.failed) for part in result.parts.values())
    return (
        f"Solid: ours, on {images} of {result.split}; dashed: the paper's, on its own network."
        + (" Whiskers: standard errors over resampled images." if errors else "")
        + (f" {failed} images could not be measured." if failed else "")
        + (f" Steps: {', '.join(map(str, steps))}." if steps else "")
        + f" Checkpoints: {'; '.join(networks)}. Made by: {result.command}"
    )

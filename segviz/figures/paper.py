"""Counterparts of the paper's figures, drawn from records."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure, SubFigure

from ..pictures import maps
from ..pictures.method_colours import GREY
from ..runs import describe
from ..runs.verdict import score, verdict
from .run_pictures import (
    BAR_HEIGHT,
    LEGEND_HEIGHT,
    RunPair,
    RunStep,
    add_class_legend,
    add_headings,
    field_sizes,
    picture_grid,
    show_entropies,
    show_photo,
    show_predictions,
    show_truth,
)
from .style import MUTED, STYLE, add_caption

__all__ = ["FIGURES", "PaperFigure", "shown_steps"]

ADAPTED = "#1f6fd0"
CURVES_HEIGHT = 1.6
"""Inches for the curves."""
TICKS = [50 * 2**power for power in range(8)]
"""Sizes that the colour bar of receptive fields marks, in input pixels."""
MEASURES = {
    "truth": "IoU: of this photo alone, mean over the classes in truth or prediction.",
    "1x prediction": "Agreement: share of pixels as in the 1x prediction, for want of truth.",
}


@dataclass(frozen=True)
class PaperFigure:
    """A figure of the paper.

    Arguments:
        title: What it shows.
        draw: Draws it from one run pair, or from several, one a row.
        several: Whether it takes several run pairs.
    """

    title: str
    draw: Callable[[Sequence[RunPair]], Figure]
    several: bool


def shown_steps(last: int) -> list[int]:
    """Return the steps that the figure of iterations shows: 0, a 16th, a quarter and the last."""
    return sorted({0, -(-last // 16), -(-last // 4), last})


# === The figures


@rc_context(STYLE)
def _draw_scales(pairs: Sequence[RunPair]) -> Figure:
    (pair,) = pairs
    steps = _compared_steps(pair)
    figure, (panels, _), axes = picture_grid(
        [pair, pair], 1 + len(steps), BAR_HEIGHT + LEGEND_HEIGHT
    )
    show_photo(axes[0, 0], pair, title="photo")
    show_truth(axes[1, 0], pair, title="truth")
    show_predictions(axes[0, 1:], steps)
    show_entropies(panels, axes[1, 1:], steps)
    for panel, each in zip(axes[0, 1:], steps, strict=True):
        panel.set_title(each.title)
    for panel in axes[1, 1:]:
        panel.set_title("entropy")
    add_class_legend(panels, pairs, steps)
    _add_caption(
        figure,
        pairs,
        f"Figure 1. Accuracy and entropy {_across(pair)}",
        f"{pair.title}: prediction (top) and its entropy (below). {verdict(pair.adapted)}",
    )
    return figure


@rc_context(STYLE)
def _draw_iterations(pairs: Sequence[RunPair]) -> Figure:
    (pair,) = pairs
    record = pair.adapted
    steps = [RunStep(f"step {step}", record, step) for step in shown_steps(record.last)]
    figure, (panels, curves), axes = picture_grid(
        [pair, pair], 1 + len(steps), BAR_HEIGHT + LEGEND_HEIGHT, CURVES_HEIGHT
    )
    show_photo(axes[0, 0], pair, title="photo")
    show_truth(axes[1, 0], pair, title="truth")
    show_entropies(panels, axes[0, 1:], steps)
    show_predictions(axes[1, 1:], steps)
    for panel, each in zip(axes[0, 1:], steps, strict=True):
        panel.set_title(each.title)
    add_class_legend(panels, pairs, steps)
    _plot_curves(curves, pair, [each.step for each in steps])
    _add_caption(
        figure,
        pairs,
        f"Figure 3. Iterations at {record.settings.scale:g}x: entropy (top) and prediction"
        " (below).",
        f"{pair.title}. {verdict(record)} Dots: the steps shown; dashed: 1x feedforward.",
    )
    return figure


@rc_context(STYLE)
def _draw_receptive_fields(pairs: Sequence[RunPair]) -> Figure:
    rows = [_compared_steps(pair) for pair in pairs]
    sizes = [[field_sizes(each.record, each.step) for each in row] for row in rows]
    low = min(size.min() for row in sizes for size in row)
    high = max(size.max() for row in sizes for size in row)
    norm = LogNorm(low, max(high, 1.01 * low))
    figure, (panels, _), axes = picture_grid(pairs, 4, BAR_HEIGHT)
    for line, pair, row, row_sizes in zip(axes, pairs, rows, sizes, strict=True):
        show_photo(line[0], pair, label=pair.title)
        for panel, each, size in zip(line[1:], row, row_sizes, strict=True):
            values = maps.to_photo(size, each.record)
            image = panel.imshow(values, cmap=maps.COLOUR_MAPS["sigma"], norm=norm)
            panel.set_xlabel(f"mean {size.mean():.0f} px", loc="right")
    add_headings(axes[0], ["image", *(each.title for each in rows[0])])
    bar = panels.colorbar(image, ax=axes, location="bottom", aspect=80, fraction=0.05)
    inside = [tick for tick in TICKS if 1.1 * low < tick < high / 1.1]
    bar.set_ticks([low, *inside, high], labels=[f"{tick:.0f}" for tick in (low, *inside, high)])
    bar.minorticks_off()
    bar.set_label("receptive field size, input px")
    times = f"{pairs[0].adapted.settings.scale / pairs[0].base.settings.scale:g}"
    _add_caption(
        figure,
        pairs,
        f"Figure 4. Receptive field sizes {_across(pairs[0])}",
        f"{_rows(pairs)} One logarithmic range for all: darker is smaller, brighter is larger."
        f" The unit is pixels of the network's input, of which an object spans {times} times as"
        f" many in (c) and (d) as in (b): sizes that followed the scale would be {times} times"
        " those of (b).",
        measured=False,
    )
    return figure


@rc_context(STYLE)
def _draw_predictions(pairs: Sequence[RunPair]) -> Figure:
    rows = [_compared_steps(pair) for pair in pairs]
    headings = ["image", *(each.title for each in rows[0])]
    if any(pair.truth is not None for pair in pairs):
        headings.append("truth")
    figure, (panels, _), axes = picture_grid(pairs, len(headings), LEGEND_HEIGHT)
    for line, pair, row in zip(axes, pairs, rows, strict=True):
        show_photo(line[0], pair, label=pair.title)
        show_predictions(line[1:4], row)
        for panel in line[4:]:
            show_truth(panel, pair)
    add_headings(axes[0], headings)
    add_class_legend(panels, pairs, [each for row in rows for each in row])
    _add_caption(figure, pairs, f"Figure 5. Predictions {_across(pairs[0])}", _rows(pairs))
    return figure


FIGURES: dict[str, PaperFigure] = {
    "1": PaperFigure("accuracy and entropy across scales", _draw_scales, False),
    "3": PaperFigure("iterations", _draw_iterations, False),
    "4": PaperFigure("receptive field sizes", _draw_receptive_fields, True),
    "5": PaperFigure("predictions", _draw_predictions, True),
}
"""The figures by their numbers in the paper."""


def _plot_curves(panels: SubFigure, pair: RunPair, steps: Sequence[int]) -> None:
    """Plot measures over the steps, with dots at those shown; dashed: 1x feedforward."""
    curves = list(_curves(pair))
    for axes, (title, values, base) in zip(panels.subplots(1, len(curves)), curves, strict=True):
        axes.plot(values, color=ADAPTED, linewidth=1.2)
        axes.plot(
            steps,
            [values[step] for step in steps],
            "o",
            color=ADAPTED,
            markersize=3.5,
            clip_on=False,
        )
        if base is not None:
            axes.axhline(base, color=GREY, linewidth=0.9, dashes=(4, 3))
        axes.set_title(title)
        axes.set_xlabel("step", color=MUTED)
        axes.set_xticks(list(steps))
        axes.grid(axis="y")


def _curves(pair: RunPair) -> Iterator[tuple[str, list[float], float | None]]:
    """Yield the title of each measure, its value at every step, and that of 1x feedforward."""
    base, record = pair.base.steps[0], pair.adapted

    def numbers(key: str) -> list[float]:
        return [float("nan") if value is None else value for value in record.numbers(key)]

    yield "mean entropy, nats", numbers("entropy"), base["entropy"]
    if judged := score(record):
        yield judged[1], numbers(judged[0]), base["iou"] if judged[0] == "iou" else None
    sizes = [float(field_sizes(record, step).mean()) for step in range(record.last + 1)]
    yield "mean receptive field size, input px", sizes, float(field_sizes(pair.base, 0).mean())


# === Words


def _compared_steps(pair: RunPair) -> list[RunStep]:
    """Return 1x feedforward, then the other scale before and after adaptation."""
    base, adapted = (f"{r.settings.scale:g}x" for r in (pair.base, pair.adapted))
    return [
        RunStep(f"{base} feedforward", pair.base, 0),
        RunStep(f"{adapted} feedforward", pair.adapted, 0),
        RunStep(f"{adapted} adapted", pair.adapted, pair.adapted.last),
    ]


def _across(pair: RunPair) -> str:
    base, adapted = (f"{record.settings.scale:g}x" for record in (pair.base, pair.adapted))
    return f"at {base}, at {adapted}, and at {adapted} after adaptation."


def _rows(pairs: Sequence[RunPair]) -> str:
    names = "; ".join(pair.title for pair in pairs)
    return f"From top: {names}." if len(pairs) > 1 else f"{names}."


def _add_caption(
    figure: Figure, pairs: Sequence[RunPair], title: str, text: str, measured: bool = True
) -> None:
    """Write the title, and a caption that ends with the measures and the settings."""
    record = pairs[0].adapted
    references = {pair.adapted.reference for pair in pairs if measured}
    sha = str(record.environment.get("sha256", ""))[:8]
    sentences = [
        text,
        *(sentence for reference, sentence in MEASURES.items() if reference in references),
        f"Settings: {describe.run(record)}.",
        f"Checkpoint {describe.checkpoint_name(record)}{f' ({sha})' if sha else ''}.",
    ]
    add_caption(figure, title, " ".join(sentences))

"""Counterparts of the paper's figures, made of records: pages with captions, as PNG and PDF."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..pictures import maps
from ..runs import describe
from ..runs.verdict import score, verdict
from . import cells
from .cells import HEAD, Cell, Pair, View, extents, views_of
from .page_layout import GAP, LINE, MARGIN, MUTED, SMALL, Page

__all__ = ["FIGURES", "FigureKind", "Pair", "shown_steps"]

BEFORE, AFTER = "#8a8f98", "#1f6fd0"
SIZES = tuple(50 * 2**power for power in range(8))  # marked on the bar, in input pixels
JUDGED = {
    "truth": "IoU: of this photo alone, mean over the classes in truth or prediction.",
    "1x prediction": "Agreement: share of pixels as in the 1x prediction, for want of truth.",
}


@dataclass(frozen=True)
class FigureKind:
    """One of the paper's figures.

    Arguments:
        title: What it shows.
        draw: The page, of one photo or of several.
        several: Whether it takes several photos, a row each.
    """

    title: str
    draw: Callable[[Sequence[Pair]], Page]
    several: bool


def shown_steps(last: int) -> list[int]:
    """The steps of the figure of iterations: 0, a 16th, a quarter and all of them."""
    return sorted({0, -(-last // 16), -(-last // 4), last})


def _scales(pairs: Sequence[Pair]) -> Page:
    (pair,) = pairs
    page, views, photo = Page(), views_of(pair), pair.far.photo
    limits = cells.entropy_limits(views)
    cells.row(page, [cells.photo_cell(pair), *cells.prediction_cells(views)], photo)
    cells.row(page, [cells.truth_cell(pair), *cells.entropy_cells(views, limits)], photo)
    cells.keys(page, pairs, views, limits)
    return _caption(
        page,
        pairs,
        "Figure 1. Accuracy and entropy " + _across(pair),
        f"{describe.one_line(pair.far.title)}: prediction (top) and its entropy (below)."
        f" {verdict(pair.far)}",
    )


def _iterations(pairs: Sequence[Pair]) -> Page:
    (pair,) = pairs
    page, far, photo = Page(), pair.far, pair.far.photo
    steps = shown_steps(far.last)
    views = [View(f"step {step}", far, step) for step in steps]
    limits = cells.entropy_limits(views)
    entropies = [
        cell._replace(title=view.title)
        for view, cell in zip(views, cells.entropy_cells(views, limits), strict=True)
    ]
    predictions = [cell._replace(title="") for cell in cells.prediction_cells(views)]
    cells.row(page, [cells.photo_cell(pair), *entropies], photo)
    cells.row(page, [cells.truth_cell(pair), *predictions], photo)
    cells.keys(page, pairs, views, limits)
    _curves(page, pair, steps)
    return _caption(
        page,
        pairs,
        f"Figure 3. Iterations at {far.settings.scale:g}x: entropy (top) and prediction (below).",
        f"{describe.one_line(far.title)}. {verdict(far)} Dots: the steps shown;"
        " dashed: 1x feedforward.",
    )


def _receptive_fields(pairs: Sequence[Pair]) -> Page:
    page = Page()
    rows = [[(view, extents(view.record, view.step)) for view in views_of(pair)] for pair in pairs]
    sizes = [size for row in rows for _, size in row]
    low, high = float(min(map(np.min, sizes))), float(max(map(np.max, sizes))) + 1e-3
    ends = np.log2(low), np.log2(high)
    cells.headings(page, ["image", *(view.title for view, _ in rows[0])])
    for pair, row in zip(pairs, rows, strict=True):
        shown = [
            Cell(
                "",
                f"mean {size.mean():.0f} px",
                maps.coloured(np.log2(maps.to_photo(size, view.record)), ends, "sigma"),
            )
            for view, size in row
        ]
        photo = cells.photo_cell(pair, describe.one_line(pair.far.title))
        cells.row(page, [photo, *shown], pair.far.photo)
    names = "receptive field size", f"{low:.0f}", f"{high:.0f} input px"
    ticks = [((np.log2(size) - ends[0]) / (ends[1] - ends[0]), size) for size in SIZES]
    inside = [(place, str(size)) for place, size in ticks if 0.03 < place < 0.97]
    page.y += page.bar((MARGIN, page.y), page.room, "sigma", names, inside) + GAP
    times = f"{pairs[0].far.settings.scale / pairs[0].near.settings.scale:g}"
    return _caption(
        page,
        pairs,
        "Figure 4. Receptive field sizes " + _across(pairs[0]),
        f"{_from_top(pairs)} One logarithmic range for all: darker is smaller, brighter is larger."
        f" The unit is pixels of the network's input, of which an object spans {times} times as"
        f" many in (c) and (d) as in (b): sizes that followed the scale would be {times} times"
        " those of (b).",
        judged=False,
    )


def _qualitative(pairs: Sequence[Pair]) -> Page:
    page = Page()
    judged = any(map(cells.has_truth, pairs))
    titles = [view.title for view in views_of(pairs[0])]
    cells.headings(page, ["image", *titles, *(["truth"] if judged else [])])
    for pair in pairs:
        shown = [cells.photo_cell(pair, describe.one_line(pair.far.title))]
        shown += [cell._replace(title="") for cell in cells.prediction_cells(views_of(pair))]
        shown += [cells.truth_cell(pair, "")] if judged else []
        cells.row(page, shown, pair.far.photo)
    cells.keys(page, pairs, [view for pair in pairs for view in views_of(pair)])
    return _caption(page, pairs, "Figure 5. Predictions " + _across(pairs[0]), _from_top(pairs))


FIGURES: dict[str, FigureKind] = {
    "1": FigureKind("accuracy and entropy across scales", _scales, False),
    "3": FigureKind("iterations", _iterations, False),
    "4": FigureKind("receptive field sizes", _receptive_fields, True),
    "5": FigureKind("predictions", _qualitative, True),
}
"""By the paper's own numbers."""


# === Below the pictures


def _curves(page: Page, pair: Pair, steps: Sequence[int]) -> None:
    """Numbers over the steps, with dots at those shown; dashed: 1x feedforward."""
    panels = list(_numbers(pair))
    gap, height = 0.42, 1.1
    width = (page.room - gap * (len(panels) - 1)) / len(panels)
    inset = 0.3  # for the numbers at the axis
    for place, (title, values, before) in enumerate(panels):
        x = MARGIN + place * (width + gap)
        page.text((x, page.y), title, room=width)
        axes = page.axes((x + inset, page.y + page.line() + 0.05, width - inset, height))
        axes.plot(values, color=AFTER, linewidth=1.2)
        axes.plot(
            steps, [values[step] for step in steps], "o", color=AFTER, markersize=3.5, clip_on=False
        )
        if before is not None:
            axes.axhline(before, color=BEFORE, linewidth=0.9, dashes=(4, 3))
        low, high = axes.get_ylim()
        centre, half = (low + high) / 2, max(high - low, 0.02 * abs(high)) / 2
        axes.set_ylim(centre - half, centre + half)
        axes.set_xticks(list(steps))
        axes.grid(axis="y", color=LINE, linewidth=0.4)
        axes.set_axisbelow(True)
        middle = x + (width + inset - page.width("step", SMALL - 0.5)) / 2
        page.text((middle, page.y + page.line() + height + 0.2), "step", SMALL - 0.5, MUTED)
    page.y += 2 * page.line() + height + 0.2 + GAP


def _numbers(pair: Pair) -> Iterator[tuple[str, list[float], float | None]]:
    """Title, value at every step, and 1x feedforward where it is worth a line."""
    near, far = pair.near.steps[0], pair.far

    def numbers(key: str) -> list[float]:
        return [float("nan") if value is None else value for value in far.numbers(key)]

    yield "mean entropy, nats", numbers("entropy"), near["entropy"]
    if judged := score(far):
        yield judged[1], numbers(judged[0]), near["iou"] if judged[0] == "iou" else None
    sizes = [float(extents(far, step).mean()) for step in range(far.last + 1)]
    yield "mean receptive field size, input px", sizes, float(extents(pair.near, 0).mean())


def _from_top(pairs: Sequence[Pair]) -> str:
    names = [describe.one_line(pair.far.title) for pair in pairs]
    return ("From top: " if len(pairs) > 1 else "") + "; ".join(names) + "."


def _across(pair: Pair) -> str:
    near, far = (f"{record.settings.scale:g}x" for record in (pair.near, pair.far))
    return f"at {near}, at {far}, and at {far} after adaptation."


def _caption(page: Page, pairs: Sequence[Pair], title: str, text: str, judged: bool = True) -> Page:
    """Title, what there is to say, and the settings."""
    far = pairs[0].far
    page.text((MARGIN, page.y), title, HEAD + 0.5, bold=True, room=page.room)
    page.y += page.line(HEAD + 0.5)
    sentences = [text]
    sha = str(far.environment.get("sha256", ""))[:8]
    kinds = {pair.far.reference for pair in pairs if judged}
    sentences += [text for kind, text in JUDGED.items() if kind in kinds]
    sentences.append(
        f"Settings: {describe.run(far)}."
        f" Checkpoint {describe.checkpoint_name(far)}{f' ({sha})' if sha else ''}."
    )
    page.paragraph(" ".join(filter(None, sentences)), colour=MUTED)
    return page

"""What figures are put together from: views of runs as pictures with words above them, in rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..data.classes import IGNORE, PALETTE
from ..network.extent import extent
from ..pictures import maps
from ..runs.record import Record
from ..runs.verdict import score
from .page_layout import GAP, MARGIN, MUTED, SMALL, Page, hex_colour

__all__ = [
    "HEAD",
    "Cell",
    "Pair",
    "View",
    "entropy_cells",
    "entropy_limits",
    "extents",
    "has_truth",
    "headings",
    "keys",
    "photo_cell",
    "prediction_cells",
    "row",
    "truth_cell",
    "views_of",
]

HEAD = 7.5
"""The height of headings, in points."""
SMALLEST = 6.0
"""That of titles that would not fit otherwise."""


@dataclass(frozen=True)
class Pair:
    """The two runs on a photo that all figures are made of.

    Arguments:
        near: Feedforward at scale 1.
        far: The adaptation, at another scale.
    """

    near: Record
    far: Record


class View(NamedTuple):
    """A step of a run, and what it is called."""

    title: str
    record: Record
    step: int


def views_of(pair: Pair) -> list[View]:
    """1x feedforward, then the other scale before and after adaptation."""
    near, far = f"{pair.near.settings.scale:g}x", f"{pair.far.settings.scale:g}x"
    return [
        View(f"{near} feedforward", pair.near, 0),
        View(f"{far} feedforward", pair.far, 0),
        View(f"{far} adapted", pair.far, pair.far.last),
    ]


def extents(record: Record, step: int) -> np.ndarray:
    """Receptive field sizes of a step on the feature grid, shape (h, w), float32, input pixels."""
    return extent(record.sigma[step] / record.stride, record.stride)


class Cell(NamedTuple):
    """A picture (H, W, 3) uint8 or none; above it, left its title and right its measure."""

    title: str
    measure: str
    picture: np.ndarray | None
    exact: bool = False


def has_truth(pair: Pair) -> bool:
    """Whether the runs were judged by truth."""
    return pair.far.reference == "truth"


def photo_cell(pair: Pair, title: str = "photo") -> Cell:
    """The photo."""
    return Cell(title, "", pair.far.photo)


def truth_cell(pair: Pair, title: str = "truth") -> Cell:
    """The truth; nothing where there is none."""
    if not has_truth(pair):
        return Cell("", "", None)
    assert pair.far.truth is not None, "a run that was judged by truth keeps it"
    return Cell(title, "", maps.label_picture(pair.far.truth), True)


def prediction_cells(views: Sequence[View]) -> list[Cell]:
    """Predictions, and what they are judged by."""
    return [
        Cell(view.title, _measure(view), maps.label_picture(view.record.labels[view.step]), True)
        for view in views
    ]


def _measure(view: View) -> str:
    judged = score(view.record)
    value = view.record.steps[view.step][judged[0]] if judged else None
    if judged is None or value is None:
        return ""
    if judged[0] == "agreement" and view.record.settings.scale == 1 and view.step == 0:
        return "the reference"
    return f"{judged[0].replace('iou', 'IoU')} {value:.3f}"


def entropy_cells(views: Sequence[View], limits: tuple[float, float]) -> list[Cell]:
    """Entropy maps over one range, and their means."""
    return [
        Cell(
            "entropy",
            f"mean {view.record.steps[view.step]['entropy'] or 0:.3f} nats",
            maps.entropy_picture(view.record, view.step, limits),
        )
        for view in views
    ]


def entropy_limits(views: Sequence[View]) -> tuple[float, float]:
    """One range for all that is shown."""
    return 0.0, max(maps.limits_of(view.record.entropy, view.step)[1] for view in views)


# === In rows


def headings(page: Page, titles: Sequence[str]) -> None:
    """The titles of columns, lettered."""
    width = _column(page, len(titles))
    for place, title in enumerate(titles):
        x = MARGIN + place * (width + GAP)
        page.text((x, page.y), f"({'abcdefgh'[place]}) {title}", HEAD, bold=True, room=width)
    page.y += page.line(HEAD) + GAP / 2


def row(page: Page, cells: Sequence[Cell], photo: np.ndarray) -> None:
    """Cells side by side over the page's width, as tall as the photo needs, at most as wide."""
    width = _column(page, len(cells))
    height = width * min(photo.shape[0] / photo.shape[1], 1)
    for place, cell in enumerate(cells):
        x = MARGIN + place * (width + GAP)
        measured = page.width(cell.measure) if cell.measure else -GAP / 2
        page.text((x + width, page.y), cell.measure, colour=MUTED, align="right")
        room = width - measured - GAP / 2
        size = min(SMALL, max(SMALLEST, 0.99 * SMALL * room / max(page.width(cell.title), 1e-3)))
        page.text((x, page.y), cell.title, size, room=room)
        if cell.picture is not None:
            page.picture((x, page.y + page.line(), width, height), cell.picture, cell.exact)
    page.y += page.line() + height + GAP


def _column(page: Page, count: int) -> float:
    return (page.room - GAP * (count - 1)) / count


def keys(
    page: Page,
    pairs: Sequence[Pair],
    views: Sequence[View],
    limits: tuple[float, float] | None = None,
) -> None:
    """The classes that views and truth show, and the bar of entropy if its range is given."""
    left = 0.0
    if limits is not None:
        left = 2.1
        ends = f"{limits[0]:g}", f"{limits[1]:.2f} nats"
        page.bar((MARGIN, page.y), left - 2 * GAP, "entropy", ("entropy", *ends))
    shown = [view.record.labels[view.step] for view in views]
    shown += [pair.far.truth for pair in pairs if has_truth(pair) and pair.far.truth is not None]
    present = {id for labels in shown for id in np.unique(labels).tolist()}
    names = dict(enumerate(pairs[0].far.classes)) | {IGNORE: "ignored in truth"}
    entries = [(hex_colour(PALETTE[id].tolist()), names[id]) for id in sorted(present)]
    used = page.swatches((MARGIN + left, page.y), entries, page.room - left)
    page.y += max(used, page.line()) + GAP

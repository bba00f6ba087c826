"""The contact sheet: chosen steps of a run on one picture, as for a paper or a poster."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from ..errors import InputError
from ..pictures import panels as panels_
from ..pictures.lettering import MUTED, PAPER, Lettering
from ..pictures.panels import PANELS
from ..runs import describe
from ..runs.record import Record

__all__ = ["SHOWN", "contact_sheet", "magnified", "spread"]

SHOWN = 5
"""Steps, where nobody chose any."""

ROWS = ("photo", "prediction", "entropy", "receptive-field", "truth", "right-wrong")
SMALLEST = 240  # pixels of a panel's longer side, or its title would not fit
GAP = 12
MAX_CELLS = 400


def spread(record: Record, steps: Sequence[int] = ()) -> list[int]:
    """The steps chosen, ascending; without a choice, `SHOWN` of them from first to last.

    Raises:
        InputError: If the record has no such step.
    """
    for step in steps:
        if not 0 <= step <= record.last:
            raise InputError(
                f"there is no step {step}: this run has steps 0 to {record.last}; choose of them."
            )
    even = np.linspace(0, record.last, SHOWN).round().astype(int).tolist()
    return sorted(set(steps or even))


def magnified(record: Record) -> int:
    """How often each pixel of a small photo is repeated, so that text fits beside it."""
    return max(1, SMALLEST // max(record.photo.shape[:2]))


def contact_sheet(
    record: Record, steps: Sequence[int] = (), names: Sequence[str] = ()
) -> np.ndarray:
    """Panels (rows) at steps (columns), in true pixels, with keys and a caption.

    Panels that do not change over the steps stand once, in a column of their own.

    Arguments:
        record: The record.
        steps: Which steps; none: `spread` chooses.
        names: Which of `PANELS`; none: photo, prediction, entropy, receptive field, and with truth
            that and the right-wrong map.

    Returns:
        Shape (H', W', 3), uint8.

    Raises:
        InputError: If there is no such step or panel, or there are too many.
    """
    shown = spread(record, steps)
    there = panels_.choose(record)
    chosen = panels_.choose(record, names or [name for name in ROWS if name in there])
    moving = [name for name in chosen if PANELS[name].changes]
    still = [name for name in chosen if not PANELS[name].changes]
    shown = shown if moving else []
    if len(shown) * len(moving) > MAX_CELLS:
        raise InputError(
            f"{len(shown)} steps of {len(moving)} panels are too many for one sheet,"
            f" which holds {MAX_CELLS} pictures; choose fewer."
        )
    return _Sheet(record, shown, moving, still).drawn()


class _Sheet:
    def __init__(
        self, record: Record, steps: list[int], moving: list[str], still: list[str]
    ) -> None:
        self.record, self.steps, self.moving, self.still = record, steps, moving, still
        self.times = magnified(record)
        height, width = (self.times * side for side in record.photo.shape[:2])
        size = int(np.clip(width / 20, 12, 22))
        self.line = round(1.5 * size)
        self.cell = height, max(width, 9 * size)
        self.key = 12 * size if moving else 0
        self.margin = 2 * size
        columns = len(steps) + bool(still)
        self.rows = max(len(moving), len(still))
        self.row = self.line + height + GAP
        self.room = max(columns * (self.cell[1] + GAP) + self.key, 30 * size)
        probe = Lettering(Image.new("RGB", (1, 1)), size)
        legend = panels_.legend(record)
        below = probe.swatches((0, 0), legend, self.room, dry=True) + 2 * self.line
        self.head = 3 * self.line + (2 * self.line if steps else 0)
        full = self.head + self.rows * self.row + below + 2 * self.margin
        self.picture = Image.new("RGB", (self.room + 2 * self.margin, full), PAPER)
        self.pen = Lettering(self.picture, size)
        self.title = Lettering(self.picture, round(1.35 * size))
        self.legend = legend

    def drawn(self) -> np.ndarray:
        record, pen, x, y = self.record, self.pen, self.margin, self.margin
        self.title.text((x, y), describe.one_line(record.title), self.room, bold=True)
        y += round(1.3 * self.line)
        pen.text((x, y), describe.run(record), self.room, MUTED)
        y = self.margin + 3 * self.line
        for column, step in enumerate(self.steps):
            self._header(step, self._left(column), y)
        y += 2 * self.line if self.steps else 0
        for row, name in enumerate(self.still):
            top = y + row * self.row
            pen.text((x, top), PANELS[name].title, self.cell[1], MUTED)
            self._paste(name, 0, x, top)
        for row, name in enumerate(self.moving):
            top = y + row * self.row
            pen.text((self._left(0), top), PANELS[name].title, self.cell[1], MUTED)
            for column, step in enumerate(self.steps):
                self._paste(name, step, self._left(column), top)
            self._key(name, self._left(len(self.steps)), top + self.line)
        y += self.rows * self.row + self.line // 2
        y += pen.swatches((x, y), self.legend, self.room)
        pen.text((x, y + self.line // 2), describe.origin(record), self.room, MUTED)
        return np.array(self.picture)

    def _left(self, column: int) -> int:
        return self.margin + (column + bool(self.still)) * (self.cell[1] + GAP)

    def _header(self, step: int, x: int, y: int) -> None:
        self.pen.text((x, y), f"step {step}", self.cell[1], bold=True)
        measures = describe.measures(self.record, step)
        line = ", ".join(
            measures[key] for key in ("iou", "agreement", "entropy") if key in measures
        )
        self.pen.text((x, y + self.line), line, self.cell[1], MUTED)

    def _paste(self, name: str, step: int, x: int, top: int) -> None:
        picture = PANELS[name].picture(self.record, step)
        picture = picture.repeat(self.times, axis=0).repeat(self.times, axis=1)
        self.picture.paste(Image.fromarray(picture), (x, top + self.line))

    def _key(self, name: str, x: int, y: int) -> None:
        size, height = self.pen.size, self.cell[0]
        if name == "right-wrong":
            self.pen.swatches((x, y), panels_.outcomes(), self.key)
        if bar := panels_.bar(self.record, name):
            colours, (low, high), unit = bar
            self.pen.bar((x, y, size, height), colours)
            after = x + size + size // 2
            room = self.key - (after - x)
            self.pen.text((after, y - self.line // 4), f"{high:.3g} {unit}", room)
            self.pen.text((after, y + height - self.line * 3 // 4), f"{low:.3g}", room)

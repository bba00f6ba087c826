"""Panels side by side with a line of numbers: one frame of an animation."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ..pictures import panels as panels_
from ..pictures.lettering import INK, LINE, MUTED, PAPER, Lettering
from ..pictures.panels import PANELS
from ..runs import describe
from ..runs.record import Record
from .contact_sheet import magnified

__all__ = ["Stage", "columns_for"]

SHAPE = 16 / 9
"""Width over height of the frame that the grid of panels comes as near to as it can."""
GAP = 8


def columns_for(count: int, height: int, width: int) -> int:
    """Columns of a grid of `count` cells of one size that come nearest to `SHAPE`."""

    def miss(columns: int) -> float:
        rows = math.ceil(count / columns)
        return abs(math.log(columns * width / (rows * height) / SHAPE)) + (
            (rows * columns - count) / count
        )

    return min(range(1, count + 1), key=miss)


class Stage:
    """The layout of a run's frames: all that stays is drawn once.

    Arguments:
        record: The record.
        names: Which of `PANELS`, in order.

    Attributes:
        bytes: What a frame takes.
    """

    def __init__(self, record: Record, names: Sequence[str]) -> None:
        self.record, self.names = record, list(names)
        self.times = magnified(record)
        self.size = size = int(np.clip(max(record.photo.shape[:2]) * self.times / 32, 12, 16))
        self.line = line = round(1.6 * size)
        height, width = (self.times * side for side in record.photo.shape[:2])
        cell = line + height + GAP, max(width, 11 * size) + GAP
        columns = columns_for(len(names), cell[0], cell[1])
        rows = math.ceil(len(names) / columns)
        self.margin = 12
        self.room = max(columns * cell[1] - GAP, 36 * size)
        self.keys = panels_.legend(record)
        if "right-wrong" in names:
            colours = {colour for colour, _ in self.keys}
            self.keys += [entry for entry in panels_.outcomes() if entry[0] not in colours]
        probe = Lettering(Image.new("RGB", (1, 1)), size)
        legend = probe.swatches((0, 0), self.keys, self.room, dry=True)
        self.caption = line + GAP  # the numbers, and under them how far the run is
        self.top = self.margin + line + self.caption
        bottom = self.top + rows * cell[0]
        # Even sides: video players and converters want them.
        full = _even(bottom + legend + self.margin), _even(self.room + 2 * self.margin)
        self.bytes = 3 * full[0] * full[1]
        self.picture = Image.new("RGB", (full[1], full[0]), PAPER)
        self.places = [
            (self.margin + i % columns * cell[1], self.top + i // columns * cell[0] + line)
            for i in range(len(names))
        ]
        self._draw(bottom, cell[1] - GAP)

    def _draw(self, bottom: int, width: int) -> None:
        pen, record = Lettering(self.picture, self.size), self.record
        x = self.margin
        title = describe.one_line(record.title)
        x += pen.text((x, self.margin), title, self.room // 2, INK, bold=True) + self.size
        pen.text((x, self.margin), describe.run(record), self.room + self.margin - x, MUTED)
        for name, (left, top) in zip(self.names, self.places, strict=True):
            place = left, top - self.line
            shown = pen.text(place, PANELS[name].title, width, MUTED)
            if bar := panels_.bar(record, name):
                self._bar(pen, bar, left + shown + self.size, place[1], left + width)
        pen.swatches((self.margin, bottom), self.keys, self.room)

    def _bar(self, pen: Lettering, bar: panels_.Bar, left: int, top: int, right: int) -> None:
        """A colour bar with its range and unit, flush right; only what there is room for."""
        colours, (low, high), unit = bar
        size, half = self.size, self.size // 2
        texts = f"{low:.2g}", f"{high:.3g} {unit}"
        low_width, high_width = map(pen.width, texts)
        strip = right - left - low_width - high_width - 2 * half
        if strip < size:
            return
        pen.text((left, top), texts[0], low_width, MUTED)
        at = left + low_width + half
        pen.bar((at, top + (self.line - half) // 2, strip, half), colours)
        pen.text((right - high_width, top), texts[1], high_width, MUTED)

    def frame(self, step: int, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """The frame of a step.

        Arguments:
            step: The step that the line of numbers tells of.
            pictures: Of every name, shape (H, W, 3), uint8.

        Returns:
            Shape (H', W', 3), uint8.
        """
        picture = self.picture.copy()
        pen, x, y = Lettering(picture, self.size), self.margin, self.margin + self.line
        pen.text((x, y), describe.caption(self.record, step), self.room)
        done = round(self.room * (step / self.record.last if self.record.last else 1))
        y += self.line
        pen.draw.rectangle((x, y, x + self.room - 1, y + 2), LINE)
        if done:
            pen.draw.rectangle((x, y, x + done - 1, y + 2), MUTED)
        pixels = np.array(picture)
        for (left, top), panel in zip(self.places, pictures, strict=True):
            panel = panel.repeat(self.times, axis=0).repeat(self.times, axis=1)
            pixels[top : top + panel.shape[0], left : left + panel.shape[1]] = panel
        return pixels


def _even(length: int) -> int:
    return length + length % 2

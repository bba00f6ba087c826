"""The frames of an animation: panels side by side, with the numbers of a step above."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ..pictures import panels
from ..pictures.lettering import LINE, MUTED, PAPER, Lettering
from ..pictures.panels import PANELS
from ..runs import describe
from ..runs.record import Record
from .contact_sheet import magnification

__all__ = ["FrameLayout", "grid_columns"]

ASPECT_RATIO = 16 / 9
"""The width over the height that the grid of panels approximates."""
GAP, MARGIN = 8, 12
"""Pixels between panels, and around a frame."""


def grid_columns(count: int, height: int, width: int) -> int:
    """Return the columns of a grid of `count` cells (height, width) nearest to `ASPECT_RATIO`."""

    def penalty(columns: int) -> float:
        rows = math.ceil(count / columns)
        ratio = columns * width / (rows * height)
        return abs(math.log(ratio / ASPECT_RATIO)) + (rows * columns - count) / count

    return min(range(1, count + 1), key=penalty)


class FrameLayout:
    """The layout of the frames of a run; what all frames share is drawn once.

    Arguments:
        record: The record.
        names: Names of `PANELS`, in order.

    Attributes:
        legend: RGB colours and names of the classes, and of the right-wrong map if it is shown.
        magnification: Frame pixels to each pixel of the photo.
        positions: The left and top pixel of each panel.
        bytes: The size of a frame.
    """

    def __init__(self, record: Record, names: Sequence[str]) -> None:
        self.record, self.names = record, list(names)
        self.magnification = magnification(record)
        height, width = (self.magnification * side for side in record.photo.shape[:2])
        self._size = size = int(np.clip(max(height, width) / 32, 12, 16))
        self._line = line = round(1.6 * size)
        cell_height, cell_width = line + height + GAP, max(width, 11 * size) + GAP
        columns = grid_columns(len(names), cell_height, cell_width)
        rows = math.ceil(len(names) / columns)
        self._width = max(columns * cell_width - GAP, 36 * size)
        self.legend = panels.legend(record)
        if "right-wrong" in names:
            colours = {colour for colour, _ in self.legend}
            self.legend += [entry for entry in panels.outcomes() if entry[0] not in colours]
        probe = Lettering(Image.new("RGB", (1, 1)), size)
        legend_height = probe.legend((0, 0), self.legend, self._width, measure_only=True)
        top = MARGIN + 2 * line + GAP  # below the title, the numbers and the progress bar
        bottom = top + rows * cell_height
        self.positions = [
            (MARGIN + i % columns * cell_width, top + i // columns * cell_height + line)
            for i in range(len(names))
        ]
        # Video players and converters need even sides.
        full_width = _even(self._width + 2 * MARGIN)
        full_height = _even(bottom + legend_height + MARGIN)
        self.bytes = 3 * full_height * full_width
        self._background = Image.new("RGB", (full_width, full_height), PAPER)
        self._draw_background(bottom, cell_width - GAP)

    def _draw_background(self, bottom: int, panel_width: int) -> None:
        lettering, record = Lettering(self._background, self._size), self.record
        title = describe.one_line(record.title)
        x = MARGIN + lettering.text((MARGIN, MARGIN), title, self._width // 2, bold=True)
        x += self._size
        lettering.text((x, MARGIN), describe.run(record), self._width + MARGIN - x, MUTED)
        for name, (left, top) in zip(self.names, self.positions, strict=True):
            y = top - self._line
            shown = lettering.text((left, y), PANELS[name].title, panel_width, MUTED)
            if bar := panels.bar(record, name):
                self._draw_bar(lettering, bar, left + shown + self._size, y, left + panel_width)
        lettering.legend((MARGIN, bottom), self.legend, self._width)

    def _draw_bar(
        self, lettering: Lettering, bar: panels.Bar, left: int, top: int, right: int
    ) -> None:
        """Draw a colour bar with its range and unit, flush right, if there is enough space."""
        colours, (low, high), unit = bar
        height = self._size // 2
        low_text, high_text = f"{low:.2g}", f"{high:.3g} {unit}"
        low_width, high_width = lettering.width(low_text), lettering.width(high_text)
        bar_width = right - left - low_width - high_width - 2 * height
        if bar_width < self._size:
            return
        lettering.text((left, top), low_text, low_width, MUTED)
        x = left + low_width + height
        lettering.colour_bar((x, top + (self._line - height) // 2, bar_width, height), colours)
        lettering.text((right - high_width, top), high_text, high_width, MUTED)

    def frame(self, step: int, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """Return the frame of a step, shape (H', W', 3), uint8.

        Arguments:
            step: The step whose numbers are written.
            pictures: The picture of every panel, shape (H, W, 3), uint8.
        """
        picture = self._background.copy()
        lettering, y = Lettering(picture, self._size), MARGIN + self._line
        lettering.text((MARGIN, y), describe.caption(self.record, step), self._width)
        done = round(self._width * (step / self.record.last if self.record.last else 1))
        y += self._line
        lettering.draw.rectangle((MARGIN, y, MARGIN + self._width - 1, y + 2), LINE)
        if done:
            lettering.draw.rectangle((MARGIN, y, MARGIN + done - 1, y + 2), MUTED)
        pixels = np.array(picture)
        for (left, top), panel in zip(self.positions, pictures, strict=True):
            large = panel.repeat(self.magnification, axis=0).repeat(self.magnification, axis=1)
            pixels[top : top + large.shape[0], left : left + large.shape[1]] = large
        return pixels


def _even(length: int) -> int:
    return length + length % 2

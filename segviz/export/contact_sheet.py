"""The contact sheet: the panels of chosen steps in one picture, for a paper or a poster."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from ..errors import InputError
from ..pictures import panels
from ..pictures.lettering import MUTED, PAPER, Lettering
from ..pictures.panels import PANELS
from ..runs import describe
from ..runs.record import Record

__all__ = ["choose_steps", "contact_sheet", "magnification"]

DEFAULT_STEPS = 5
DEFAULT_PANELS = ("photo", "prediction", "entropy", "receptive-field", "truth", "right-wrong")
MIN_SIDE = 240
"""The fewest pixels of the longer side of a panel: its title needs them."""
GAP = 12
MAX_PICTURES = 400


def choose_steps(record: Record, steps: Sequence[int] = ()) -> list[int]:
    """Return the chosen steps, ascending; without a choice, `DEFAULT_STEPS` evenly spaced ones.

    Raises:
        InputError: If the record has no such step.
    """
    for step in steps:
        if not 0 <= step <= record.last:
            raise InputError(
                f"there is no step {step}: this run has steps 0 to {record.last};"
                " choose among those."
            )
    even = np.linspace(0, record.last, DEFAULT_STEPS).round().astype(int).tolist()
    return sorted(set(steps or even))


def magnification(record: Record) -> int:
    """Return how often each pixel of a small photo is repeated, so that titles fit above it."""
    return max(1, MIN_SIDE // max(record.photo.shape[:2]))


def contact_sheet(
    record: Record, steps: Sequence[int] = (), names: Sequence[str] = ()
) -> np.ndarray:
    """Draw panels (rows) at steps (columns) in true pixels, with keys and a caption.

    Panels that do not change over the steps appear once, in a column of their own.

    Arguments:
        record: The record.
        steps: The steps; none = `choose_steps`.
        names: Names of `PANELS`; none = photo, prediction, entropy, receptive field, and with truth
            the truth and the right-wrong map.

    Returns:
        Shape (H', W', 3), uint8.

    Raises:
        InputError: If there is no such step or panel, or there are too many.
    """
    chosen_steps = choose_steps(record, steps)
    available = panels.choose(record)
    chosen = panels.choose(record, names or [name for name in DEFAULT_PANELS if name in available])
    changing = [name for name in chosen if PANELS[name].changes]
    constant = [name for name in chosen if not PANELS[name].changes]
    chosen_steps = chosen_steps if changing else []
    if len(chosen_steps) * len(changing) > MAX_PICTURES:
        raise InputError(
            f"{len(chosen_steps)} steps of {len(changing)} panels are too many for one sheet,"
            f" which holds {MAX_PICTURES} pictures; choose fewer."
        )
    return _Sheet(record, chosen_steps, changing, constant).draw()


class _Sheet:
    """The layout of a contact sheet."""

    def __init__(
        self, record: Record, steps: list[int], changing: list[str], constant: list[str]
    ) -> None:
        self.record, self.steps = record, steps
        self.changing, self.constant = changing, constant
        self.magnification = magnification(record)
        height, width = (self.magnification * side for side in record.photo.shape[:2])
        size = int(np.clip(width / 20, 12, 22))
        self.line = round(1.5 * size)
        self.cell_height, self.cell_width = height, max(width, 9 * size)
        self.key_width = 12 * size if changing else 0
        self.margin = 2 * size
        columns = len(steps) + bool(constant)
        rows = max(len(changing), len(constant))
        self.row_height = self.line + height + GAP
        self.grid_height = rows * self.row_height
        self.width = max(columns * (self.cell_width + GAP) + self.key_width, 30 * size)
        self.legend = panels.legend(record)
        probe = Lettering(Image.new("RGB", (1, 1)), size)
        legend_height = probe.legend((0, 0), self.legend, self.width, measure_only=True)
        self.head_height = (5 if steps else 3) * self.line
        full_height = (
            self.head_height + self.grid_height + legend_height + 2 * self.line + 2 * self.margin
        )
        self.picture = Image.new("RGB", (self.width + 2 * self.margin, full_height), PAPER)
        self.lettering = Lettering(self.picture, size)
        self.title_lettering = Lettering(self.picture, round(1.35 * size))

    def draw(self) -> np.ndarray:
        record, lettering, x, y = self.record, self.lettering, self.margin, self.margin
        self.title_lettering.text((x, y), describe.one_line(record.title), self.width, bold=True)
        lettering.text((x, y + round(1.3 * self.line)), describe.run(record), self.width, MUTED)
        for column, step in enumerate(self.steps):
            self._draw_step(step, self._left(column), y + 3 * self.line)
        y += self.head_height
        for row, name in enumerate(self.constant):
            self._draw_row(name, [0], [x], y + row * self.row_height)
        lefts = [self._left(column) for column in range(len(self.steps))]
        for row, name in enumerate(self.changing):
            top = y + row * self.row_height
            self._draw_row(name, self.steps, lefts, top)
            self._draw_key(name, self._left(len(self.steps)), top + self.line)
        y += self.grid_height + self.line // 2
        y += lettering.legend((x, y), self.legend, self.width)
        lettering.text((x, y + self.line // 2), describe.origin(record), self.width, MUTED)
        return np.array(self.picture)

    def _left(self, column: int) -> int:
        return self.margin + (column + bool(self.constant)) * (self.cell_width + GAP)

    def _draw_step(self, step: int, x: int, y: int) -> None:
        self.lettering.text((x, y), f"step {step}", self.cell_width, bold=True)
        measures = describe.measures(self.record, step)
        shown = [measures[key] for key in ("iou", "agreement", "entropy") if key in measures]
        self.lettering.text((x, y + self.line), ", ".join(shown), self.cell_width, MUTED)

    def _draw_row(self, name: str, steps: Sequence[int], lefts: Sequence[int], top: int) -> None:
        self.lettering.text((lefts[0], top), PANELS[name].title, self.cell_width, MUTED)
        for step, left in zip(steps, lefts, strict=True):
            picture = PANELS[name].picture(self.record, step)
            large = picture.repeat(self.magnification, axis=0).repeat(self.magnification, axis=1)
            self.picture.paste(Image.fromarray(large), (left, top + self.line))

    def _draw_key(self, name: str, x: int, y: int) -> None:
        lettering, height = self.lettering, self.cell_height
        if name == "right-wrong":
            lettering.legend((x, y), panels.outcomes(), self.key_width)
        if bar := panels.bar(self.record, name):
            colours, (low, high), unit = bar
            lettering.colour_bar((x, y, lettering.size, height), colours)
            left = x + lettering.size + lettering.size // 2
            width = self.key_width - (left - x)
            lettering.text((left, y - self.line // 4), f"{high:.3g} {unit}", width)
            lettering.text((left, y + height - self.line * 3 // 4), f"{low:.3g}", width)

"""A printed page: pictures, words, colour bars and axes at places in inches, as PNG or PDF."""

import io
import warnings
from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D

from ..pictures import lettering
from ..pictures.maps import colour_table

__all__ = [
    "DPI",
    "FORMATS",
    "GAP",
    "INK",
    "LINE",
    "MARGIN",
    "MUTED",
    "SMALL",
    "WIDTH",
    "Page",
    "hex_colour",
]

WIDTH, MARGIN, GAP = 7.2, 0.12, 0.08  # inches
DPI = 200
FORMATS = ("png", "pdf")
SMALL, LEAD = 7.0, 1.5  # the height of letters in points, and of a line as its multiple
FAMILY = "DejaVu Sans"  # comes with matplotlib, and has many alphabets


def hex_colour(rgb: Sequence[int]) -> str:
    """A colour of three bytes as matplotlib spells it."""
    return "#" + bytes(rgb).hex()


INK, MUTED, LINE = map(hex_colour, (lettering.INK, lettering.MUTED, lettering.LINE))


class Page:
    """A page that grows downwards; all places are in inches from its top left corner.

    Attributes:
        figure: The matplotlib figure.
        y: How far down the page is full, in inches.
    """

    def __init__(self) -> None:
        self.figure = Figure(figsize=(WIDTH, WIDTH), dpi=DPI, facecolor="white")
        self.y = MARGIN
        self._down = Affine2D()  # from the top left; set once the height is known
        self._inches = self._down + self.figure.dpi_scale_trans
        self._boxes: list[tuple[Axes, tuple[float, float, float, float]]] = []
        self._pictures: list[tuple[AxesImage, str]] = []

    @property
    def room(self) -> float:
        """The width between the margins."""
        return WIDTH - 2 * MARGIN

    def axes(self, box: tuple[float, float, float, float]) -> Axes:
        """Axes in a box (x, y, width, height): two thin lines and small numbers."""
        axes = self.figure.add_axes((0, 0, 1, 1), label=str(len(self._boxes)))
        self._boxes.append((axes, box))
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("bottom", "left"):
            axes.spines[side].set(color=LINE, linewidth=0.6)
        axes.tick_params(
            labelsize=SMALL - 0.5, labelcolor=MUTED, color=LINE, width=0.6, length=2.5, pad=2
        )
        axes.tick_params(labelfontfamily=FAMILY)
        axes.margins(0.04)
        return axes

    def picture(
        self, box: tuple[float, float, float, float], pixels: np.ndarray, exact: bool = False
    ) -> None:
        """A picture (H, W, 3) uint8, as large as its box (x, y, width, height) allows, centred.

        Arguments:
            box: Where.
            pixels: The picture; a PDF holds it as it is.
            exact: Whether a PNG, too, has none but its colours.
        """
        x, y, width, height = box
        size = min(width / pixels.shape[1], height / pixels.shape[0])
        w, h = size * pixels.shape[1], size * pixels.shape[0]
        axes = self.axes((x + (width - w) / 2, y + (height - h) / 2, w, h))
        axes.set_axis_off()
        shown = axes.imshow(pixels, aspect="auto", interpolation="none")
        self._pictures.append((shown, "nearest" if exact else "antialiased"))

    def text(
        self,
        at: tuple[float, float],
        words: str,
        size: float = SMALL,
        colour: str = INK,
        bold: bool = False,
        align: Literal["left", "right"] = "left",
        room: float | None = None,
    ) -> float:
        """Words on the line whose top is at (x, y); returns the width they take.

        Arguments:
            at: Where the line begins, or ends.
            words: The words.
            size: The height of the letters in points.
            colour: Their colour.
            bold: Whether they are.
            align: Whether `at` is its left or right end.
            room: Words that need more are cut, with an ellipsis.
        """
        if room is not None and self.width(words, size, bold) > room:
            while words and self.width(f"{words}…", size, bold) > room:
                words = words[:-1]
            words = f"{words.rstrip()}…" if words else ""
        x, y = at[0], at[1] + 0.76 * self.line(size)
        self.figure.add_artist(
            Text(
                x,
                y,
                words,
                color=colour,
                fontproperties=_font(size, bold),
                horizontalalignment=align,
                verticalalignment="baseline",
                transform=self._inches,
                parse_math=False,
            )
        )
        return self.width(words, size, bold)

    @staticmethod
    def width(words: str, size: float = SMALL, bold: bool = False) -> float:
        """The width that words take on a line, in inches."""
        fine = 10  # hinting at print size would round
        renderer = RendererAgg(1, 1, 72 * fine)
        return renderer.get_text_width_height_descent(words, _font(size, bold), False)[0] / (
            72 * fine
        )

    @staticmethod
    def line(size: float = SMALL) -> float:
        """The height of a line, in inches."""
        return LEAD * size / 72

    def paragraph(self, words: str, size: float = SMALL, colour: str = INK) -> None:
        """Words on as many lines as they need, at the bottom of the page."""
        lines = [""]
        for word in words.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self.width(longer, size) > self.room:
                lines.append(word)
            else:
                lines[-1] = longer
        for line in lines:
            self.text((MARGIN, self.y), line, size, colour, room=self.room)
            self.y += self.line(size)

    def bar(
        self,
        at: tuple[float, float],
        width: float,
        name: str,
        words: tuple[str, str, str],
        ticks: Sequence[tuple[float, str]] = (),
    ) -> float:
        """A colour bar on one line: title, low end, colours, high end with its unit.

        Arguments:
            at: Where its line begins.
            width: Of all of it, in inches.
            name: A map of `maps.COLOUR_MAPS`.
            words: Title, low end and high end.
            ticks: Places along the colours from 0 to 1, and what to write below them.

        Returns:
            The height in inches.
        """
        x, y = at
        title, low, high = words
        left = x + self.text(at, title) + GAP
        left += self.text((left, y), low, colour=MUTED) + GAP / 2
        right = x + width - self.width(high)
        self.text((right, y), high, colour=MUTED)
        line, height, across = self.line(), 0.09, right - left - GAP / 2
        axes = self.axes((left, y + (line - height) / 2, across, height))
        axes.set_axis_off()
        axes.imshow(colour_table(name)[None], aspect="auto", interpolation="none")
        for place, label in ticks:
            middle = left + place * across
            self.text((middle - self.width(label) / 2, y + 0.8 * line), label, colour=MUTED)
        return line * (1.8 if ticks else 1)

    def swatches(
        self, at: tuple[float, float], entries: Sequence[tuple[str, str]], room: float
    ) -> float:
        """Colours and their names, in as many lines as they need; returns the height in inches."""
        x, y = at
        line, box = self.line(), 0.09
        for colour, name in entries:
            width = box + 0.05 + self.width(name)
            if x > at[0] and x + width > at[0] + room:
                x, y = at[0], y + line
            corner = (x, y + (line - box) / 2)
            self.figure.add_artist(
                Rectangle(
                    corner, box, box, facecolor=colour, edgecolor=LINE, linewidth=0.5,
                    transform=self._inches,
                )
            )  # fmt: skip
            self.text((x + box + 0.05, y), name, colour=MUTED)
            x += width + 0.14
        return y + line - at[1] if entries else 0.0

    def words(self) -> list[str]:
        """All that is written, but for numbers at axes."""
        return [text.get_text() for text in self.figure.findobj(Text) if text.get_text()]

    def bytes(self, format: str, title: str = "") -> bytes:
        """The page as a file, the same bytes for the same page.

        Arguments:
            format: One of `FORMATS`: png at 200 pixels an inch, or pdf with text as text.
            title: What the file says it is.
        """
        height = self.y + MARGIN
        self.figure.set_size_inches(WIDTH, height)
        self._down.clear().scale(1, -1).translate(0, height)
        for axes, (x, y, w, h) in self._boxes:
            axes.set_position((x / WIDTH, 1 - (y + h) / height, w / WIDTH, h / height))
        for shown, interpolation in self._pictures:
            shown.set_interpolation("none" if format == "pdf" else interpolation)
        metadata: dict[str, str | None] = {"Title": title}
        metadata |= {"Creator": "segviz", "CreationDate": None} if format == "pdf" else {}
        buffer = io.BytesIO()
        with warnings.catch_warnings(), rc_context({"pdf.fonttype": 42}):
            warnings.filterwarnings("ignore", "Glyph")  # a file name in an alphabet without font
            self.figure.savefig(buffer, format=format, dpi=DPI, metadata=metadata)
        return buffer.getvalue()


def _font(size: float, bold: bool) -> FontProperties:
    return FontProperties(family=FAMILY, size=size, weight="bold" if bold else "normal")

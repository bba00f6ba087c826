"""Text, colour bars and legends on pictures."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .maps import colour_table

__all__ = ["INK", "MUTED", "PAPER", "Lettering"]

# Pure greys: a GIF needs few palette entries for them, however smooth the letters.
PAPER = (255, 255, 255)
INK = (24, 24, 24)
MUTED = (108, 108, 108)
LINE = (208, 208, 208)


@lru_cache(maxsize=16)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    import matplotlib

    # matplotlib's own font: it has more alphabets than Pillow's, and file names are written in all.
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size)


class Lettering:
    """Draws on one picture in place; sizes are multiples of its text height.

    Arguments:
        picture: An RGB image.
        size: The text height in pixels.
    """

    def __init__(self, picture: Image.Image, size: int) -> None:
        self.picture = picture
        self.draw = ImageDraw.Draw(picture)
        self.size = size
        self.line = round(1.5 * size)

    def width(self, text: str, bold: bool = False) -> int:
        """Pixels that a text takes."""
        return round(_font(self.size, bold).getlength(text))

    def fitted(self, text: str, room: int, bold: bool = False) -> str:
        """As much of a text as fits into `room` pixels, with an ellipsis where it is cut."""
        if self.width(text, bold) <= room:
            return text
        while text and self.width(f"{text}…", bold) > room:
            text = text[:-1]
        return f"{text.rstrip()}…" if text else ""

    def text(
        self,
        at: tuple[int, int],
        text: str,
        room: int,
        colour: tuple[int, int, int] = INK,
        bold: bool = False,
    ) -> int:
        """Write on the line whose top left is `at`, within `room` pixels; returns its width."""
        text = self.fitted(text, room, bold)
        x, y = at[0], at[1] + self.line // 2
        self.draw.text((x, y), text, colour, _font(self.size, bold), anchor="lm")
        return self.width(text, bold)

    def wrapped(
        self, at: tuple[int, int], text: str, room: int, colour: tuple[int, int, int] = INK
    ) -> int:
        """Write words on as many lines as they need; returns the height in pixels."""
        lines = [""]
        for word in text.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self.width(longer) > room:
                lines.append(word)
            else:
                lines[-1] = longer
        for number, line in enumerate(lines):
            self.text((at[0], at[1] + number * self.line), line, room, colour)
        return len(lines) * self.line

    def bar(self, box: tuple[int, int, int, int], name: str) -> None:
        """A map of `COLOUR_MAPS` from low to high, along the longer side of (x, y, w, h)."""
        x, y, w, h = box
        row = colour_table(name)[np.linspace(0, 255, max(w, h)).round().astype(int)]
        strip = (
            np.broadcast_to(row, (h, w, 3))
            if w >= h
            else row[::-1, None].repeat(w, 1)  # high is up
        )
        self.picture.paste(Image.fromarray(np.ascontiguousarray(strip)), (x, y))

    def swatches(
        self,
        at: tuple[int, int],
        entries: Sequence[tuple[tuple[int, int, int], str]],
        room: int,
        dry: bool = False,
    ) -> int:
        """Colours and their names in rows `room` pixels wide; returns the height in pixels.

        Arguments:
            at: The top left corner.
            entries: Colours and names.
            room: The width to fill.
            dry: Only measure.
        """
        box, gap = round(0.9 * self.size), round(0.5 * self.size)
        x, y = at
        for colour, name in entries:
            name = self.fitted(name, room - box - gap)
            width = box + gap + self.width(name)
            if x > at[0] and x + width > at[0] + room:
                x, y = at[0], y + self.line
            if not dry:
                top = y + (self.line - box) // 2
                corners = (x, top, x + box - 1, top + box - 1)
                self.draw.rectangle(corners, colour, outline=LINE)
                self.text((x + box + gap, y), name, width)
            x += width + 3 * gap
        return y - at[1] + (self.line if entries else 0)

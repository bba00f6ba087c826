"""Text, colour bars and legends on pictures."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .maps import colour_table

__all__ = ["INK", "LINE", "MUTED", "PAPER", "Lettering"]

# Pure greys, so that a GIF needs few palette entries for antialiased text.
PAPER = (255, 255, 255)
INK = (24, 24, 24)
MUTED = (108, 108, 108)
LINE = (208, 208, 208)


@lru_cache(maxsize=16)
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    import matplotlib

    # The font of matplotlib has more alphabets than that of Pillow; file names use them all.
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size)


class Lettering:
    """Draws on a picture in place, in sizes relative to its text height.

    Arguments:
        picture: An RGB picture.
        size: The text height in pixels.

    Attributes:
        line: The height of a line in pixels.
    """

    def __init__(self, picture: Image.Image, size: int) -> None:
        self.picture = picture
        self.draw = ImageDraw.Draw(picture)
        self.size = size
        self.line = round(1.5 * size)

    def width(self, text: str, bold: bool = False) -> int:
        """Return the width of a text in pixels."""
        return round(_font(self.size, bold).getlength(text))

    def fit(self, text: str, width: int, bold: bool = False) -> str:
        """Return a text shortened to `width` pixels, with an ellipsis where it is cut."""
        if self.width(text, bold) <= width:
            return text
        while text and self.width(f"{text}…", bold) > width:
            text = text[:-1]
        return f"{text.rstrip()}…" if text else ""

    def text(
        self,
        position: tuple[int, int],
        text: str,
        width: int,
        colour: tuple[int, int, int] = INK,
        bold: bool = False,
    ) -> int:
        """Write a text on one line, shortened to `width` pixels.

        Arguments:
            position: The top left corner of the line.
            text: The text.
            width: The available width.
            colour: The RGB colour.
            bold: Whether it is bold.

        Returns:
            The width of what was written, in pixels.
        """
        text = self.fit(text, width, bold)
        middle = position[0], position[1] + self.line // 2
        self.draw.text(middle, text, colour, _font(self.size, bold), anchor="lm")
        return self.width(text, bold)

    def colour_bar(self, box: tuple[int, int, int, int], name: str) -> None:
        """Draw a map of `COLOUR_MAPS` in a box (x, y, w, h): low is left, or at the bottom."""
        x, y, w, h = box
        colours = colour_table(name)[np.linspace(0, 255, max(w, h)).round().astype(int)]
        strip = colours[None].repeat(h, 0) if w >= h else colours[::-1, None].repeat(w, 1)
        self.picture.paste(Image.fromarray(strip), (x, y))

    def legend(
        self,
        position: tuple[int, int],
        entries: Sequence[tuple[tuple[int, int, int], str]],
        width: int,
        measure_only: bool = False,
    ) -> int:
        """Draw colours and their names in rows.

        Arguments:
            position: The top left corner.
            entries: RGB colours and names.
            width: The available width in pixels.
            measure_only: Whether to return the height without drawing.

        Returns:
            The height in pixels.
        """
        box, gap = round(0.9 * self.size), round(0.5 * self.size)
        left, y = position
        x = left
        for colour, name in entries:
            name = self.fit(name, width - box - gap)
            name_width = self.width(name)
            if x > left and x + box + gap + name_width > left + width:
                x, y = left, y + self.line
            if not measure_only:
                top = y + (self.line - box) // 2
                corners = (x, top, x + box - 1, top + box - 1)
                self.draw.rectangle(corners, colour, outline=LINE)
                self.text((x + box + gap, y), name, name_width)
            x += box + name_width + 4 * gap
        return y - position[1] + (self.line if entries else 0)

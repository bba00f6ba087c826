"""Palettes for pictures of at most 256 colours: chosen colours exactly, the rest to fit."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

__all__ = ["palette_for", "reduce_colours"]

MAX_COLOURS = 255
"""One less than the format allows: a GIF needs an entry for pixels that do not change."""

WHITE, NEARLY_WHITE = (255, 255, 255), 244


def palette_for(exact: Sequence[tuple[int, int, int]], picture: Image.Image | None) -> Image.Image:
    """Return a palette image that holds colours and white exactly, and others that fit a picture.

    Arguments:
        exact: Colours to keep, fewer than `MAX_COLOURS`. Pillow finds a palette entry by the upper
            6 bits of each channel, so only multiples of 4 are matched exactly: class colours are.
        picture: An RGB picture that fills the rest of the palette; None = leave it empty.
    """
    colours = np.array([*dict.fromkeys(exact), WHITE], np.uint8)
    if picture is not None:
        room = MAX_COLOURS - len(colours)
        fitted = picture.quantize(room, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        others = np.array(fitted.getpalette(), np.uint8).reshape(-1, 3)
        others[(others >= NEARLY_WHITE).all(1)] = WHITE  # or paper would take these
        colours = np.concatenate([colours, others])
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.tobytes())
    return palette


def reduce_colours(picture: np.ndarray | Image.Image, palette: Image.Image) -> Image.Image:
    """Return a picture (H, W, 3) uint8 in the nearest colours of a palette, without dithering."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    return image.quantize(palette=palette, dither=Image.Dither.NONE)

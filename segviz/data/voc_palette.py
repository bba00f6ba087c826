"""VOC's palette: the colour of each class id, from ids to colours and back."""

from collections.abc import Sequence

import numpy as np

__all__ = ["PALETTE", "Colour", "colourise", "ids_of_colours", "pack_rgb", "palette_of"]

Colour = tuple[int, int, int]


def _palette() -> np.ndarray:
    ids = np.arange(256, dtype=np.uint8)
    palette = np.zeros((256, 3), dtype=np.uint8)
    for bit in range(8):
        # Bit 3 n + c of the id is the n-th highest bit of channel c.
        palette[:, bit % 3] |= (ids >> bit & 1) << (7 - bit // 3)
    palette.setflags(write=False)
    return palette


PALETTE = _palette()
"""VOC's colour of each id, shape (256, 3), uint8 RGB, read-only."""


def palette_of(colours: Sequence[Colour] | None) -> np.ndarray:
    """Return the colour of each label, with those of some classes in place of VOC's first.

    Arguments:
        colours: The colours of classes 0..K-1; None = VOC's.

    Returns:
        Shape (256, 3), uint8 RGB.
    """
    if colours is None:
        return PALETTE
    palette = PALETTE.copy()
    palette[: len(colours)] = colours
    return palette


def colourise(labels: np.ndarray, palette: np.ndarray = PALETTE) -> np.ndarray:
    """Return class ids in VOC's colours, or in others.

    Arguments:
        labels: Shape (H, W), any integer type, 0..255; 255 = ignore.
        palette: The colour of each id, shape (256, 3), uint8 RGB.

    Returns:
        Shape (H, W, 3), uint8 RGB.

    Raises:
        IndexError: If an id is outside -256..255.
    """
    return palette[labels]


def ids_of_colours(colours: np.ndarray) -> np.ndarray:
    """Return the class ids of VOC's colours, the inverse of `colourise`.

    Arguments:
        colours: Shape (..., 3), uint8 RGB.

    Returns:
        Shape (...), int16, 0..255; -1 where VOC does not use the colour.
    """
    known, wanted = pack_rgb(PALETTE), pack_rgb(colours)
    order = np.argsort(known)
    ids = order[np.searchsorted(known, wanted, sorter=order).clip(max=len(known) - 1)]
    return np.where(known[ids] == wanted, ids, -1).astype(np.int16)


def pack_rgb(colours: np.ndarray) -> np.ndarray:
    """Return each colour as one integer, `red << 16 | green << 8 | blue`.

    Arguments:
        colours: Shape (..., 3), uint8 RGB.

    Returns:
        Shape (...), int32, 0..2^24 - 1.
    """
    red, green, blue = np.moveaxis(colours.astype(np.int32), -1, 0)
    return red << 16 | green << 8 | blue

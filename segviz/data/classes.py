"""The classes of PASCAL VOC, their ids and their colours."""

import numpy as np

__all__ = ["CLASSES", "IGNORE", "PALETTE", "colourise", "ids_of_colours", "pack_rgb"]

CLASSES: tuple[str, ...] = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)
"""The names of VOC's classes; the index is the class id."""

IGNORE = 255
"""The id of pixels that are not evaluated."""


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


def colourise(labels: np.ndarray) -> np.ndarray:
    """Return class ids in VOC's colours.

    Arguments:
        labels: Shape (H, W), any integer type, 0..255; 255 = ignore.

    Returns:
        Shape (H, W, 3), uint8 RGB.

    Raises:
        IndexError: If an id is outside -256..255.
    """
    return PALETTE[labels]


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

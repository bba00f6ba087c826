"""The classes of PASCAL VOC, their ids and their colours."""

__all__ = ["CLASSES", "IGNORE", "PALETTE", "colourise", "match"]

import numpy as np

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
IGNORE = 255


def _palette() -> np.ndarray:
    ids = np.arange(256, dtype=np.uint8)
    palette = np.zeros((256, 3), dtype=np.uint8)
    for bit in range(8):
        # Bit 3 n + c of the id is the n-th highest bit of channel c.
        palette[:, bit % 3] |= (ids >> bit & 1) << (7 - bit // 3)
    palette.setflags(write=False)
    return palette


PALETTE = _palette()


def colourise(labels: np.ndarray) -> np.ndarray:
    r"""Paints class ids in the colours of VOC.

    Arguments:
        labels: Class ids (H, W), any integer type, in [0, 255]; 255 is ignore.

    Returns:
        The colours (H, W, 3) uint8 RGB.

    Raises:
        IndexError: If an id is outside [-256, 255].
    """
    return PALETTE[labels]


def match(colours: np.ndarray) -> np.ndarray:
    r"""Finds the class ids of VOC's colours, the inverse of `colourise`.

    Arguments:
        colours: Colours (..., 3) uint8 RGB.

    Returns:
        The ids (...) int16, in [0, 255], or -1 where VOC does not use the colour.
    """
    table = np.full(1 << 24, -1, dtype=np.int16)
    table[_code(PALETTE)] = np.arange(256)
    return table[_code(colours)]


def _code(colours: np.ndarray) -> np.ndarray:
    r, g, b = np.moveaxis(colours.astype(np.int32), -1, 0)
    return r << 16 | g << 8 | b

"""Lists of classes with their colours, and those of PASCAL VOC."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError

__all__ = [
    "CLASSES",
    "IGNORE",
    "PALETTE",
    "VOC_CLASSES",
    "ClassList",
    "Colour",
    "colourise",
    "comparable",
    "ids_of_colours",
    "pack_rgb",
    "palette_of",
]

Colour = tuple[int, int, int]

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

MAX_CLASSES = IGNORE
"""The largest number of classes: labels are bytes, and one of them stands for ignore."""


@dataclass(frozen=True)
class ClassList:
    """The classes of a data set or of a network, in the order of their ids 0..K-1.

    Arguments:
        names: The K names.
        colours: Their colours, RGB, 0..255; None = VOC's colour of each id.
        mask_ids: The ids that masks hold in place of 0..K-1; None = the same.

    Raises:
        InputError: If there are fewer than 2 or more than 255 classes, if names, colours or ids
            occur twice, or if their numbers differ.
    """

    names: tuple[str, ...]
    colours: tuple[Colour, ...] | None = None
    mask_ids: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        count = len(self.names)
        if not 2 <= count <= MAX_CLASSES:
            raise InputError(
                f"there must be 2 to {MAX_CLASSES} classes, got {count}; give one name for each."
            )
        if not all(name.strip() for name in self.names):
            raise InputError("a class has an empty name; give each class a name.")
        _check_distinct("name", [comparable(name) for name in self.names])
        for noun, values in (("colour", self.colours), ("mask id", self.mask_ids)):
            if values is not None:
                if len(values) != count:
                    raise InputError(
                        f"there are {count} classes, but {len(values)} {noun}s; give one for each."
                    )
                _check_distinct(noun, values)
        for colour in self.colours or ():
            if len(colour) != 3 or not all(0 <= value <= 255 for value in colour):
                raise InputError(f"a colour must be three numbers from 0 to 255, got {colour}.")

    def __len__(self) -> int:
        return len(self.names)

    @property
    def palette(self) -> np.ndarray:
        """The colours of the classes, shape (K, 3), uint8 RGB."""
        if self.colours is None:
            return PALETTE[: len(self)]
        return np.array(self.colours, np.uint8)


def comparable(name: str) -> str:
    """Return the name of a class without case, spaces, hyphens and underscores."""
    return "".join(name.casefold().replace("-", " ").replace("_", " ").split())


def _check_distinct(noun: str, values: Sequence[object]) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise InputError(f"two classes have the {noun} {value}; give each its own.")
        seen.add(value)


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


VOC_CLASSES = ClassList(CLASSES)
"""The classes of PASCAL VOC."""

"""Lists of classes with their colours, and those of PASCAL VOC."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .voc_palette import PALETTE, Colour

__all__ = [
    "CLASSES",
    "IGNORE",
    "VOC_CLASSES",
    "ClassList",
    "comparable",
]

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


VOC_CLASSES = ClassList(CLASSES)
"""The classes of PASCAL VOC."""

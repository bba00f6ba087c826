"""Look over the masks of a folder before work begins: which classes they hold, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .classes import IGNORE
from .folders import FolderImages
from .masks import is_binary
from .splits import subset

__all__ = ["MaskSurvey", "survey_masks"]

MAX_MASKS = 300
"""The largest number of masks that are read."""

MAX_LISTED = 12


@dataclass(frozen=True)
class MaskSurvey:
    """The pixels of each class in the masks that were read.

    Arguments:
        data: The images.
        masks: The number of masks that were read.
        pixels: The pixels of each class, and of ignored ones last, shape (K + 1,), int64.
    """

    data: FolderImages
    masks: int
    pixels: np.ndarray

    def share(self, label: int) -> float:
        """Return the fraction of the pixels that have a class, or 255 = are ignored."""
        return float(self.pixels[-1 if label == IGNORE else label] / self.pixels.sum())

    def describe(self) -> str:
        """Return the histogram in one line: the classes that occur, the most frequent first."""
        names, count = self.data.classes.names, len(self.data.ids)
        order = [int(label) for label in np.argsort(-self.pixels[:-1], kind="stable")]
        found = [label for label in order if self.pixels[label]]
        shares = [f"{label} {names[label]} {self.share(label):.1%}" for label in found[:MAX_LISTED]]
        if len(found) > MAX_LISTED:
            shares.append(f"{len(found) - MAX_LISTED} more")
        if self.pixels[-1]:
            shares.append(f"ignored {self.share(IGNORE):.1%}")
        absent = [names[label] for label in range(len(names)) if not self.pixels[label]]
        never = f"; in no mask: {', '.join(absent[:MAX_LISTED])}" if absent else ""
        never += ", ..." if len(absent) > MAX_LISTED else ""
        some = f"{self.masks} of {count}" if self.masks < count else f"{count}"
        return f"classes in {some} masks: {', '.join(shares)}{never}."


def survey_masks(data: FolderImages, ids: Sequence[str] | None = None) -> MaskSurvey:
    """Read the masks of a data set, at most 300, and count the pixels of each class.

    Arguments:
        data: The images.
        ids: Those to read; None = all.

    Raises:
        InputError: If a mask cannot be read or holds an unknown class, if the masks hold nothing
            but 0 and 255, or if all pixels are ignored.
    """
    chosen = subset(data.ids if ids is None else ids, MAX_MASKS)
    pixels = np.zeros(IGNORE + 1, np.int64)
    ids_found: set[int] = set()
    by_colour = False
    for id in chosen:
        mask = data.mask(id)
        pixels += np.bincount(mask.labels.ravel(), minlength=IGNORE + 1)
        ids_found |= mask.ids
        by_colour |= not mask.ids
    if not by_colour and is_binary(ids_found, data.format):
        raise InputError(
            f"the masks in {data.masks} hold only 0 and 255, as binary masks do, and 255 would be"
            ' ignored; name both with --classes FILE, JSON such as {"0": "background", "255":'
            ' "object"}, or give --ignore 255 if 255 is no object.'
        )
    pixels = np.append(pixels[: len(data.classes)], pixels[IGNORE])
    if not pixels[:-1].any():
        raise InputError(
            f"all pixels of the masks in {data.masks} are ignored; check --ignore,"
            " --reduce-zero-label and --classes."
        )
    return MaskSurvey(data, len(chosen), pixels)

"""What training and evaluation need of a data set; VOC and folders of images provide it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from .classes import ClassList

__all__ = ["DataSet"]


class DataSet(Protocol):
    """Photos with ids, and the truth of each, if there is any."""

    @property
    def name(self) -> str:
        """What results call it, such as the name of a split."""

    @property
    def ids(self) -> Sequence[str]:
        """The ids of the photos, each once."""

    @property
    def classes(self) -> ClassList:
        """The classes of the truth."""

    @property
    def has_truth(self) -> bool:
        """Whether the photos have truth."""

    def photo(self, id: str) -> np.ndarray:
        """Return a photo, shape (H, W, 3), uint8 RGB.

        Raises:
            InputError: If the photo is missing or cannot be read.
        """

    def truth(self, id: str) -> np.ndarray | None:
        """Return the truth of a photo, or None if there is none.

        Returns:
            Class ids, shape (H, W), int64, 0..K-1 or 255 = ignore.

        Raises:
            InputError: If the mask cannot be read, or is not of the size of its photo.
        """

    def row_key(self, id: str) -> str:
        """Return what names a photo and its truth in stored measurements."""

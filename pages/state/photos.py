"""The photos of a visit: the VOC folder in use, and photos by their source."""

import os
from pathlib import Path

from segviz.data import sources, voc
from segviz.data.sources import Photo
from segviz.errors import InputError

from . import controls

__all__ = ["VOC_FOLDER", "load_photo", "voc_folder", "voc_root"]

VOC_FOLDER = "voc_folder"
"""The name of the control that holds the folder."""


def voc_folder() -> str:
    """Return the folder as typed; before that, the one of SEGVIZ_VOC_ROOT."""
    return controls.get(VOC_FOLDER, os.environ.get("SEGVIZ_VOC_ROOT", "")).strip()


def voc_root() -> Path:
    """Return the folder VOC2012.

    Raises:
        InputError: If no folder is given, or it does not hold VOC2012.
    """
    given = voc_folder() or os.environ.get("SEGVIZ_VOC_ROOT", "")
    if not given:
        raise InputError(
            "the photo is an image of VOC, but the server has no VOC folder yet; give it under"
            " Choose a photo, PASCAL VOC, or set SEGVIZ_VOC_ROOT before the start."
        )
    return voc.find_root(given)


def load_photo(key: str) -> Photo:
    """Load a photo by its address, such as "sample:cat" or "voc:2007_000123".

    Raises:
        InputError: If it cannot be loaded.
    """
    return sources.load(key, voc_root=voc_root() if key.startswith("voc:") else None)

"""The VOC folder of a visit: the server's, until another is typed."""

import os
from pathlib import Path

from segviz.data import voc
from segviz.errors import InputError

from . import controls

__all__ = ["CONTROL", "voc_folder", "voc_root"]

CONTROL = "voc_folder"
"""The name of the control that holds it."""


def voc_folder() -> str:
    """Return the folder as typed, or that of the environment variable SEGVIZ_VOC_ROOT."""
    return controls.get(CONTROL, os.environ.get("SEGVIZ_VOC_ROOT", ""))


def voc_root() -> Path:
    """Return the folder VOC2012.

    Raises:
        InputError: If no folder is given, or there is no VOC2012 in it.
    """
    given = voc_folder().strip() or os.environ.get("SEGVIZ_VOC_ROOT", "")
    if not given:
        raise InputError(
            "the photo is an image of VOC, but this server has no VOC folder; set SEGVIZ_VOC_ROOT"
            " before the start, or give the folder where photos are chosen."
        )
    return voc.find_root(given)

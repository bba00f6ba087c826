"""What a mask means: its picture in the colours of the classes, and their names and shares."""

from collections.abc import Iterable
from html import escape

import numpy as np
import streamlit as st

from segviz.data.classes import IGNORE, ClassList, comparable
from segviz.data.voc_palette import colourise, palette_of

from ..state.text import plain

__all__ = ["class_legend", "shows_object", "truth_classes", "truth_picture"]

MAX_LISTED = 8
"""The number of classes that are named."""


def truth_picture(truth: np.ndarray, classes: ClassList) -> np.ndarray:
    """Return truth, (H, W) integer, in the colours of classes, (H, W, 3) uint8."""
    return colourise(truth, palette_of(classes.colours))


def class_legend(classes: ClassList, labels: Iterable[int]) -> None:
    """Draw colour and name of some classes.

    Arguments:
        classes: All classes.
        labels: The labels of those to draw.
    """
    swatches = (
        '<span style="white-space: nowrap; margin-right: 0.9em"><span style="display: inline-block;'
        " width: 0.8em; height: 0.8em; margin-right: 0.35em; border: 1px solid gray; background:"
        f' rgb({red} {green} {blue})"></span>{escape(classes.names[label])}</span>'
        for label in labels
        for red, green, blue in [classes.palette[label].tolist()]
    )
    st.html(f'<div style="font-size: 0.875rem; line-height: 1.8">{" ".join(swatches)}</div>')


def truth_classes(truth: np.ndarray, classes: ClassList) -> str:
    """Return the names of the classes in a mask with their shares, the largest first."""
    ids, counts = np.unique(truth, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    parts = [
        f"{'ignored' if ids[i] == IGNORE else plain(classes.names[ids[i]])}"
        f" {100 * counts[i] / truth.size:.3g} %"
        for i in order[:MAX_LISTED]
    ]
    return ", ".join(
        [*parts, *([f"{len(ids) - MAX_LISTED} more"] if len(ids) > MAX_LISTED else [])]
    )


def shows_object(truth: np.ndarray, classes: ClassList) -> bool:
    """Return whether a mask has a class beside background and ignored pixels."""
    background = {0} if comparable(classes.names[0]) == "background" else set()
    return bool(set(np.unique(truth).tolist()) - background - {IGNORE})

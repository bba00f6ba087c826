"""Find a photo by the name that a user gives it: pixels, truth and title at VOC's resolution."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from . import images, masks, samples, voc
from .decode import MAX_RATIO, MIN_SIDE

__all__ = ["SourcePhoto", "load_source"]


class SourcePhoto(NamedTuple):
    """A photo that is ready for a run."""

    pixels: np.ndarray  # (H, W, 3) uint8, long side at most `images.LONG_SIDE`
    truth: np.ndarray | None  # (H, W) int64 class ids, 255 = ignore
    title: str
    factor: float  # by which the sides were multiplied, 1 where nothing was reduced


def load_source(
    source: str | Path | np.ndarray,
    truth: str | Path | np.ndarray | None = None,
    voc_root: str | Path | None = None,
) -> SourcePhoto:
    """Load a photo with its truth, and reduce both to VOC's resolution.

    Arguments:
        source: A path, `sample:NAME`, `voc:ID`, or RGB pixels of shape (H, W, 3), uint8.
        truth: A mask's path, or class ids of shape (H, W), integer, 255 = ignore; None takes that
            of a sample or of VOC.
        voc_root: The folder VOC2012, or one above it, for `voc:ID`.

    Raises:
        InputError: If the photo or the truth cannot be found or used, or their sizes differ.
    """
    pixels, labels, title = _photo(source, voc_root)
    if isinstance(truth, np.ndarray):
        labels = _check_labels(truth)
    elif truth is not None:
        labels = masks.load_labels(Path(truth), pixels.shape[:2])
    pixels, labels, factor = images.fit(pixels, labels)
    return SourcePhoto(pixels, labels, title, factor)


def _photo(
    source: str | Path | np.ndarray, voc_root: str | Path | None
) -> tuple[np.ndarray, np.ndarray | None, str]:
    if isinstance(source, np.ndarray):
        return _check_pixels(source), None, "photo"
    kind, _, name = str(source).partition(":")
    if kind == "sample":
        return *samples.load(name), samples.SAMPLES[name].title
    if kind == "voc":
        if voc_root is None:
            raise InputError(f"{source} is an image of VOC; give the folder of VOC (--voc-root).")
        root = voc.find_root(voc_root)
        return voc.read_photo(root, name), voc.read_truth(root, name), name
    return images.load_photo(Path(source)), None, Path(source).name


def _check_pixels(photo: np.ndarray) -> np.ndarray:
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise InputError(
            f"photo must be uint8 of shape (H, W, 3), got {photo.dtype} of shape {photo.shape};"
            " convert it to 8-bit RGB."
        )
    height, width = photo.shape[:2]
    if min(height, width) < MIN_SIDE or max(height, width) > MAX_RATIO * min(height, width):
        raise InputError(
            f"photo must have sides of at least {MIN_SIDE} pixels and at most {MAX_RATIO} to 1, got"
            f" {width} x {height}; choose another photo or crop it."
        )
    return photo


def _check_labels(truth: np.ndarray) -> np.ndarray:
    if truth.ndim != 2 or truth.dtype.kind not in "iu":
        raise InputError(
            f"truth must be integers of shape (H, W), got {truth.dtype} of shape {truth.shape};"
            " give class ids, 255 = ignore."
        )
    return truth.astype(np.int64)

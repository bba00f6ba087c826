"""Find a photo and its truth by their source, at the resolution of VOC."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import images, masks, samples, voc
from .classes import IGNORE, VOC_CLASSES
from .decode import MAX_RATIO, MIN_SIDE
from .masks import VOC_FORMAT, MaskFormat

__all__ = ["Photo", "from_pixels", "from_upload", "load"]


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo to adapt to, at the resolution of VOC.

    Arguments:
        key: Its source, such as "sample:cat", "voc:2007_000123" or "upload:HASH".
        title: What it is called.
        pixels: RGB, shape (H, W, 3), uint8.
        truth: Class ids, shape (H, W), int64, 255 = ignore; None if unknown.
        note: A sentence about what was changed or is missing; empty if nothing.
    """

    key: str
    title: str
    pixels: np.ndarray
    truth: np.ndarray | None
    note: str = ""


def load(
    source: str | Path,
    truth: Path | np.ndarray | None = None,
    voc_root: Path | None = None,
    format: MaskFormat = VOC_FORMAT,
) -> Photo:
    """Load a photo.

    Arguments:
        source: `sample:NAME`, `voc:ID` or the path of an image.
        truth: A mask in place of the source's own truth, see `from_pixels`.
        voc_root: The folder VOC2012, for `voc:ID`.
        format: The classes of the truth. The truth of samples and of VOC has VOC's classes: for
            others, they have none.

    Raises:
        InputError: If there is no such photo, or photo or mask cannot be used.
    """
    kind, _, name = str(source).partition(":")
    if kind == "sample":
        pixels, own = samples.load(name)
        title, key = samples.SAMPLES[name].title, f"sample:{name}"
        if truth is None and own is not None and not _is_voc(format):
            return replace(from_pixels(pixels, None, title, key), note=OTHER_CLASSES)
        return from_pixels(pixels, own if truth is None else truth, title, key, format)
    if kind == "voc":
        return _from_voc(name, truth, voc_root, format)
    path = Path(source)
    return from_pixels(images.load_photo(path), truth, path.name, f"file:{path.name}", format)


def from_upload(name: str, data: bytes, mask: bytes | None = None) -> Photo:
    """Decode an uploaded photo and its mask.

    Arguments:
        name: The name of the photo's file.
        data: The file of the photo.
        mask: The file of the mask, if there is one.

    Raises:
        InputError: If a file cannot be decoded or the sizes differ.
    """
    pixels = images.load_photo(data)
    truth = None if mask is None else masks.load_labels(mask, pixels.shape[:2])
    digest = hashlib.sha256(data + (mask or b"")).hexdigest()[:16]
    return from_pixels(pixels, truth, name, f"upload:{digest}")


def from_pixels(
    pixels: np.ndarray,
    truth: Path | np.ndarray | None = None,
    title: str = "photo",
    key: str = "pixels",
    format: MaskFormat = VOC_FORMAT,
) -> Photo:
    """Bring a photo, and its truth, to the resolution of VOC.

    Arguments:
        pixels: RGB, shape (H, W, 3), uint8.
        truth: The path of a mask or class ids, shape (H, W), integer, 255 = ignore.
        title: What the photo is called.
        key: Its source.
        format: The classes of the truth, and how a mask holds them.

    Raises:
        InputError: If dtype, shape or size of the photo do not fit, the mask cannot be read, its
            size is not that of the photo, or it has ids outside the classes.
    """
    height, width = _check_pixels(pixels).shape[:2]
    if isinstance(truth, Path):
        labels: np.ndarray | None = masks.load_labels(truth, (height, width), format)
    else:
        labels = None if truth is None else _check_labels(truth, len(format.classes))
    pixels, labels, factor = images.fit(pixels, labels)
    note = ""
    if factor < 1:
        size = f"{pixels.shape[1]} x {pixels.shape[0]}"
        note = f"the photo was reduced from {width} x {height} to {size}, the resolution of VOC."
    return Photo(key, title, pixels, labels, note)


OTHER_CLASSES = "the photo's own truth has VOC's classes, which this network does not have."


def _is_voc(format: MaskFormat) -> bool:
    return format.classes.names == VOC_CLASSES.names


def _from_voc(
    id: str, truth: Path | np.ndarray | None, root: Path | None, format: MaskFormat
) -> Photo:
    if root is None:
        raise InputError(
            f"voc:{id} is an image of VOC, but no VOC folder is given; give one with --voc-root,"
            " or the path of the image."
        )
    pixels, missing = voc.read_photo(root, id), ""
    if truth is None and not _is_voc(format):
        missing = OTHER_CLASSES
    elif truth is None:
        try:
            truth = voc.read_truth(root, id)
        except InputError as error:  # as for the images of the test split
            missing = str(error)
    photo = from_pixels(pixels, truth, id, f"voc:{id}", format)
    return Photo(photo.key, photo.title, photo.pixels, photo.truth, missing or photo.note)


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


def _check_labels(truth: np.ndarray, classes: int) -> np.ndarray:
    if truth.ndim != 2 or truth.dtype.kind not in "iu":
        raise InputError(
            f"truth must be integers of shape (H, W), got {truth.dtype} of shape {truth.shape};"
            " give class ids, 255 = ignore."
        )
    found = np.unique(truth)
    strange = found[((found < 0) | (found >= classes)) & (found != IGNORE)]
    if strange.size:
        raise InputError(
            f"truth holds the class ids {', '.join(map(str, strange[:8]))}, which are neither 0 to"
            f" {classes - 1} nor {IGNORE} (ignore); give the ids of the network's classes."
        )
    return truth.astype(np.int64)

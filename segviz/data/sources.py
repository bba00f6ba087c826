"""Find a photo and its truth by their source, at the resolution of VOC."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError, printable
from . import images, masks, samples, voc
from .class_map import ClassMap, known_targets
from .classes import IGNORE, VOC_CLASSES, ClassList
from .dataset_folder import CLASS_MAP, DatasetFolder
from .decode import MAX_RATIO, MIN_SIDE

__all__ = [
    "VOC_TRUTH",
    "Photo",
    "TruthFormat",
    "from_folder",
    "from_pixels",
    "from_upload",
    "load",
]


MAX_NAME = 200
"""The largest number of characters of the name of an uploaded file that are kept."""


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


@dataclass(frozen=True)
class TruthFormat:
    """How truth becomes labels of a network.

    Arguments:
        network: The classes of the network.
        mask_format: How masks in files say which class a pixel has; None = by the ids or colours of
            `network`.
        given: The name of the network's class for some classes of the masks, None = ignore.
    """

    network: ClassList = VOC_CLASSES
    mask_format: masks.MaskFormat | None = None
    given: Mapping[str, str | None] | None = None

    def read(
        self,
        source: bytes | Path,
        size: tuple[int, int],
        long_side: int | None = images.LONG_SIDE,
    ) -> np.ndarray:
        """Return the labels in a mask file, int64, 0..K-1 of the network or 255 = ignore.

        Arguments:
            source: The bytes of a file, or its path.
            size: The size (H, W) of the photo. A mask made before or after the photo was reduced
                fits, too.
            long_side: What the long side of photos is reduced to; None = nothing.

        Returns:
            Shape (H, W), or the reduced size.

        Raises:
            InputError: If the mask cannot be read, is not of the size, or marks an object by 255,
                or if the network knows none of its classes.
        """
        format = self.mask_format or masks.MaskFormat(self.network)
        mask = masks.read_mask(source, None, format)
        found, reduced = mask.labels.shape, images.fitted_size(size, long_side)
        fitted = images.fitted_size(found, long_side)
        if found != size and fitted == reduced and reduced in (found, size):
            mask = mask._replace(labels=images.fit_labels(mask.labels, reduced))
        else:
            masks.check_size(found, size, masks.subject_of(source))
        if masks.is_binary(mask.ids, format):
            raise InputError(
                "the mask holds nothing but 255, or 0 and 255, as binary masks do, and 255 would be"
                " ignored; give the object the id of its class, such as 15 for person, or on the"
                ' command line name both with --classes FILE, JSON such as {"0": "background",'
                ' "255": "cat"}, or give --ignore 255 if 255 is no object.'
            )
        return ClassMap.by_name(format.classes, self.network, self.given).apply(mask.labels)


VOC_TRUTH = TruthFormat()
"""Truth for a network of VOC's classes."""


def load(
    source: str | Path,
    truth: Path | np.ndarray | None = None,
    voc_root: Path | None = None,
    format: TruthFormat = VOC_TRUTH,
    long_side: int | None = images.LONG_SIDE,
) -> Photo:
    """Load a photo.

    Arguments:
        source: `sample:NAME`, `voc:ID` or the path of an image.
        truth: A mask in place of the source's own truth, see `from_pixels`.
        voc_root: The folder VOC2012, for `voc:ID`.
        format: How truth becomes labels of the network. Of the truth of samples and of VOC, classes
            that the network does not know are ignored.
        long_side: What the long side is reduced to; None = nothing.

    Raises:
        InputError: If there is no such photo, or photo or mask cannot be used.
    """
    kind, _, name = str(source).partition(":")
    if kind == "sample":
        pixels, own = samples.load(name)
        title = samples.SAMPLES[name].title
        key = f"sample:{name}"
        if truth is not None:
            return from_pixels(pixels, truth, title, key, format, long_side)
        photo = from_pixels(pixels, own, title, key, long_side=long_side)
        return _in_classes_of(photo, format)
    if kind == "voc":
        return _from_voc(name, truth, voc_root, format)
    path = Path(source)
    name = printable(path.name)  # which may hold bytes that are not UTF-8
    return from_pixels(images.load_photo(path), truth, name, f"file:{name}", format, long_side)


def from_upload(
    name: str,
    data: bytes,
    mask: bytes | None = None,
    format: TruthFormat = VOC_TRUTH,
    long_side: int | None = images.LONG_SIDE,
) -> Photo:
    """Decode an uploaded photo and its mask.

    Arguments:
        name: The name of the photo's file.
        data: The file of the photo.
        mask: The file of the mask, if there is one.
        format: How the mask becomes labels of the network.
        long_side: What the long side is reduced to; None = nothing.

    Raises:
        InputError: If a file cannot be decoded or the sizes differ.
    """
    pixels = images.load_photo(data)
    truth = None if mask is None else format.read(mask, pixels.shape[:2], long_side)
    digest = hashlib.sha256(data + (mask or b"")).hexdigest()[:16]
    title = printable(name)[:MAX_NAME]
    return from_pixels(pixels, truth, title, f"upload:{digest}", format, long_side)


def from_folder(
    folder: DatasetFolder,
    id: str,
    key: str,
    network: ClassList,
    long_side: int | None = images.LONG_SIDE,
) -> Photo:
    """Load an image of a folder, its truth in the classes of a network, as far as it knows them.

    Arguments:
        folder: The folder.
        id: The id of the image.
        key: The source of the photo.
        network: The classes of the network.
        long_side: What the long side is reduced to; None = nothing.

    Raises:
        InputError: If there is no such image, or the photo cannot be used. A mask that cannot be
            used is left out, with a note.
    """
    data = folder.images
    if id not in data.files:
        raise InputError(f"there is no photo {id[:80]!r} in {data.images}; choose another.")
    given = known_targets(folder.given, network)
    format = TruthFormat(network, data.format if folder.has_classes else None, given)
    photo, mask = data.files[id]
    pixels = images.load_photo(photo)
    plain = from_pixels(pixels, None, id, key, long_side=long_side)
    if mask is None:
        return plain
    if folder.has_classes:
        try:
            folder.class_map(network)
        except InputError:
            note = (
                "the masks of the folder have none of the network's classes; map their names by a"
                f" file {CLASS_MAP} in the folder."
            )
            return replace(plain, note=note)
    try:
        return from_pixels(pixels, mask, id, key, format, long_side)
    except InputError as error:
        return replace(plain, note=str(error))


def from_pixels(
    pixels: np.ndarray,
    truth: Path | np.ndarray | None = None,
    title: str = "photo",
    key: str = "pixels",
    format: TruthFormat = VOC_TRUTH,
    long_side: int | None = images.LONG_SIDE,
) -> Photo:
    """Bring a photo, and its truth, to the resolution of VOC, or to another.

    Arguments:
        pixels: RGB, shape (H, W, 3), uint8.
        truth: The path of a mask or class ids, shape (H, W), integer, 255 = ignore.
        title: What the photo is called.
        key: Its source.
        format: How the mask becomes labels of the network; class ids are those of the network.
        long_side: What the long side is reduced to; None = nothing.

    Raises:
        InputError: If dtype, shape or size of the photo do not fit, the mask cannot be read, its
            size is not that of the photo, or it holds other ids.
    """
    height, width = _check_pixels(pixels).shape[:2]
    if isinstance(truth, Path):
        labels: np.ndarray | None = format.read(truth, (height, width), long_side)
    else:
        labels = None if truth is None else _check_labels(truth, len(format.network))
    reduced, _, factor = images.fit(pixels, long_side=long_side)
    if labels is not None and labels.shape != reduced.shape[:2]:
        labels = images.fit(pixels, labels, long_side)[1]
    pixels = reduced
    note = ""
    if factor < 1:
        size = f"{pixels.shape[1]} x {pixels.shape[0]}"
        note = f"the photo was reduced from {width} x {height} to {size}"
        note += ", the resolution of VOC." if long_side == images.LONG_SIDE else "."
    return Photo(key, title, pixels, labels, note)


def _from_voc(
    id: str, truth: Path | np.ndarray | None, root: Path | None, format: TruthFormat
) -> Photo:
    if root is None:
        raise InputError(
            f"voc:{id} is an image of VOC, but no VOC folder is given; give one with --voc-root,"
            " or the path of the image."
        )
    pixels, key = voc.read_photo(root, id), f"voc:{id}"
    if truth is not None:
        return from_pixels(pixels, truth, id, key, format)
    try:
        truth = voc.read_truth(root, id)
    except InputError as error:  # as for the images of the test split
        return replace(from_pixels(pixels, None, id, key), note=str(error))
    return _in_classes_of(from_pixels(pixels, truth, id, key), format)


def _in_classes_of(photo: Photo, format: TruthFormat) -> Photo:
    """Return a photo with VOC's truth in the classes of a network, as far as it knows them."""
    if photo.truth is None or format.network.names == VOC_CLASSES.names:
        return photo
    try:
        map = ClassMap.by_name(VOC_CLASSES, format.network, format.given)
    except InputError:
        note = "the photo's own truth has VOC's classes, which this network does not have."
        return replace(photo, truth=None, note=note)
    labels = map.apply(photo.truth)
    if (labels == IGNORE).all():
        note = "the photo's own truth has none of the network's classes."
        return replace(photo, truth=None, note=note)
    unknown = [map.data.names[label] for label in map.ignored if (photo.truth == label).any()]
    note = photo.note
    if unknown:
        note = f"its truth has {', '.join(unknown)}, which the network does not know: ignored."
    return replace(photo, truth=labels, note=note)


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

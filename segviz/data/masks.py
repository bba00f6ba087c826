"""Load truth masks as class ids, and make palette images of class ids."""

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image

from ..errors import InputError
from .classes import IGNORE, VOC_CLASSES, ClassList
from .decode import DecodedImage, decode, guard_pixels, stored_values
from .voc_palette import PALETTE, colourise, ids_of_colours, pack_rgb

__all__ = [
    "VOC_FORMAT",
    "Mask",
    "MaskFormat",
    "check_size",
    "is_binary",
    "load_labels",
    "palette_image",
    "read_mask",
    "subject_of",
]

MAX_ID = 65535

BAND = 512
"""The number of rows whose colours are looked up at a time."""

Meaning = Literal["ids", "VOC ids", "labels"]
"""What the values of a mask are: ids in a file, VOC's ids by their colours, or labels 0..K-1."""


@dataclass(frozen=True)
class MaskFormat:
    """How masks say which class a pixel has.

    Arguments:
        classes: The classes, whose `mask_ids` and `colours` masks hold.
        ignore: The id of pixels to ignore, 0..65535; None = 255, unless it is the id of a class.
        reduce_zero_label: Whether id 0 is ignored and id k stands for class k - 1.

    Raises:
        InputError: If an id is out of its range, or two of these values contradict each other.
    """

    classes: ClassList = VOC_CLASSES
    ignore: int | None = None
    reduce_zero_label: bool = False

    def __post_init__(self) -> None:
        if self.ignore is not None and not 0 <= self.ignore <= MAX_ID:
            raise InputError(f"--ignore must be an id from 0 to {MAX_ID}, got {self.ignore}.")
        ids = self.classes.mask_ids
        if ids is not None and self.ignore in ids:
            raise InputError(
                f"the id {self.ignore} is to be ignored, but is that of the class"
                f" {self.classes.names[ids.index(self.ignore)]!r}; change --ignore or --classes."
            )
        if ids is not None and self.reduce_zero_label:
            raise InputError(
                "the file of classes gives the ids of masks, and --reduce-zero-label others; leave"
                " one of them out."
            )

    @property
    def ignored_id(self) -> int:
        """The id of pixels to ignore; -1 if none is."""
        if self.ignore is not None:
            return self.ignore
        return -1 if IGNORE in (self.classes.mask_ids or ()) else IGNORE

    def label(self, id: int) -> int | None:
        """Return the class 0..K-1 of a mask's id, or 255 = ignore; None for an unknown id."""
        if id == self.ignored_id:
            return IGNORE
        if self.classes.mask_ids is not None:
            ids = self.classes.mask_ids
            return ids.index(id) if id in ids else None
        if self.reduce_zero_label:
            if id == 0:
                return IGNORE
            id -= 1
        return id if 0 <= id < len(self.classes) else None

    @property
    def known_ids(self) -> str:
        """What ids a mask may hold, for messages."""
        ids = self.classes.mask_ids
        if ids is not None:
            known = ", ".join(map(str, ids[:8])) + (", ..." if len(ids) > 8 else "")
        else:
            first = int(self.reduce_zero_label)
            known = f"{first} to {len(self.classes) - 1 + first}"
        ignored = [f"{self.ignored_id} (ignore)"] if self.ignored_id >= 0 else []
        return " nor ".join([known, *(["0 (ignore)"] if self.reduce_zero_label else []), *ignored])


VOC_FORMAT = MaskFormat()
"""The format of VOC's masks."""


class Mask(NamedTuple):
    """A truth mask."""

    labels: np.ndarray  # classes 0..K-1 or 255 = ignore, (H, W), int64
    ids: frozenset[int]  # the ids in the file; empty where colours give the classes


def load_labels(
    source: bytes | Path, size: tuple[int, int] | None = None, format: MaskFormat = VOC_FORMAT
) -> np.ndarray:
    """Load a truth mask as class ids, shape (H, W), int64, see `read_mask`."""
    return read_mask(source, size, format).labels


def read_mask(
    source: bytes | Path, size: tuple[int, int] | None = None, format: MaskFormat = VOC_FORMAT
) -> Mask:
    """Read a truth mask from bytes or from a file.

    Accepted are a palette image in the colours of the classes, ids in a greyscale image of up to 16
    bits (or in a palette of other colours), and an image in the colours of the classes only.

    Arguments:
        source: The bytes of a PNG, WebP, BMP or TIFF file, or its path.
        size: The size (H, W) of the upright photo, if the mask must match it.
        format: The classes, and how the mask says which one a pixel has.

    Raises:
        InputError: If `segviz.data.decode` refuses the file, or it is a JPEG; if it holds other
            ids, other colours, transparent pixels or several frames, or stores inverted values; if
            its size is not `size`.
    """
    subject = subject_of(source)
    decoded = decode(source, "mask")
    _check_storage(decoded, subject)
    if size is not None:
        check_size((decoded.image.height, decoded.image.width), size, subject)
    return guard_pixels(lambda decoded: _labels(decoded, format, subject), decoded, subject)


def _labels(decoded: DecodedImage, format: MaskFormat, subject: str) -> Mask:
    values, meaning = _values(decoded, format, subject)
    if meaning == "labels":
        return Mask(values.astype(np.int64), frozenset())
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > MAX_ID:
        raise InputError(
            f"{subject} holds ids from {low} to {high}, but ids are from 0 to {MAX_ID}; save the"
            " mask as a PNG of class ids."
        )
    found = np.unique(values)
    labels = {int(id): format.label(int(id)) for id in found}
    strange = [id for id, label in labels.items() if label is None]
    if strange:
        listed = ", ".join(map(str, strange[:8])) + (", ..." if len(strange) > 8 else "")
        raise InputError(
            f"{subject} holds the class ids {listed}, which are neither {format.known_ids}; correct"
            " it, or give all classes with --classes and the id to ignore with --ignore."
        )
    table = np.zeros(high + 1, np.int64)
    table[found] = np.array(list(labels.values()))
    return Mask(table[values], frozenset(found.tolist() if meaning == "ids" else ()))


def subject_of(source: bytes | Path) -> str:
    """Return what errors call a mask: by its path, if it has one."""
    return "the mask" if isinstance(source, bytes) else f"the mask {source}"


def is_binary(ids: Set[int], format: MaskFormat) -> bool:
    """Return whether masks hold no id but 255 and perhaps 0, and none is said to be ignored.

    Such masks mark an object by 255, which would be ignored by default.
    """
    return format.ignore is None and format.ignored_id == IGNORE and ids in ({0, 255}, {255})


def check_size(mask: tuple[int, ...], photo: tuple[int, ...], subject: str = "the mask") -> None:
    """Raise an error unless mask and photo have the same size (H, W).

    Raises:
        InputError: If the sizes differ.
    """
    if tuple(mask) != tuple(photo):
        raise InputError(
            f"{subject} is {mask[1]} x {mask[0]} pixels (width x height) and the photo "
            f"{photo[1]} x {photo[0]}; save the mask at the photo's own size and orientation."
        )


def palette_image(labels: np.ndarray, palette: np.ndarray = PALETTE) -> Image.Image:
    """Return class ids, shape (H, W), uint8, as a palette image, in VOC's colours or in others."""
    image = Image.fromarray(labels)
    image.putpalette(palette.tobytes())
    return image


def _check_storage(decoded: DecodedImage, subject: str) -> None:
    """Refuse files whose values Pillow does not return as they were meant."""
    if decoded.lossy:
        raise InputError(
            f"{subject} is a JPEG or compressed as one, which changes class ids along every border;"
            " save the mask as a PNG."
        )
    remedy = "save the mask as a PNG of class ids"
    if decoded.white_is_zero:
        raise InputError(f"{subject} is a TIFF that stores white as 0 (WhiteIsZero); {remedy}.")
    if decoded.several:
        raise InputError(
            f"{subject} is a TIFF of several frames, as of one-hot labels, and only the first would"
            f" be read; {remedy}."
        )
    if ";16" in decoded.raw_mode and not decoded.image.mode.startswith("I"):
        raise InputError(
            f"{subject} stores {decoded.image.mode} colours of 16 bits, of which 8 would be lost;"
            f" {remedy}."
        )


def _values(decoded: DecodedImage, format: MaskFormat, subject: str) -> tuple[np.ndarray, Meaning]:
    """Return values, shape (H, W), any integer type, and what they are."""
    image = decoded.image
    if image.getbands()[-1] in ("A", "a"):
        if np.array(image)[..., -1].min() < 255:
            raise InputError(
                f"{subject} has transparent pixels, which stand for no class; "
                "save it without transparency, ignored pixels as 255."
            )
        image = image.getchannel(0) if image.mode == "LA" else image.convert("RGB")
    if image.mode == "P":
        return _of_palette(image, format, subject)
    if image.mode == "RGB":
        return _of_colours(np.array(image), format, subject)
    if image.mode == "1" and len(format.classes) == 2:
        return np.array(image).astype(np.uint8), "ids"
    if image.mode == "L":
        # Pillow stretches 2 and 4 bits to 0..255.
        stretched = {"L;2": 85, "L;4": 17}.get(decoded.raw_mode, 1)
        return _of_grey(np.array(image) // stretched, format)
    if image.mode.startswith("I"):
        return stored_values(decoded), "ids"
    raise InputError(
        f"{subject} has the colour mode {image.mode}, which holds no ids of"
        f" {len(format.classes)} classes; save the classes' colours or plain class ids as a"
        " greyscale PNG of 8 or 16 bits."
    )


def _of_palette(image: Image.Image, format: MaskFormat, subject: str) -> tuple[np.ndarray, Meaning]:
    indices = np.array(image)
    entries = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
    used = np.unique(indices)
    if used[-1] >= len(entries):
        return indices, "ids"
    own = format.classes.colours is not None
    ids = _labels_of_colours(entries[used], format) if own else ids_of_colours(entries[used])
    if (ids < 0).any():
        # Black, and the colour of ignore, are in palettes of all kinds.
        common = (ids < 0) | (ids == IGNORE) | ~entries[used].any(axis=1)
        if own and not common.all():
            strange = tuple(entries[used][ids < 0][0].tolist())
            raise InputError(
                f"{subject} has some colours of the classes and others, such as {strange}, in its"
                " palette; correct it, or leave the colours out of --classes to read its ids."
            )
        return indices, "ids"
    # Paint programs and optimisers reorder palettes: the colour gives the class.
    table = np.zeros(256, dtype=np.int16)
    table[used] = ids
    return table[indices], "labels" if own else "VOC ids"


def _of_colours(pixels: np.ndarray, format: MaskFormat, subject: str) -> tuple[np.ndarray, Meaning]:
    own = format.classes.colours is not None
    ids = np.empty(pixels.shape[:2], np.int16)
    for top in range(0, len(pixels), BAND):  # colours packed to integers take much memory
        band = pixels[top : top + BAND]
        ids[top : top + BAND] = _labels_of_colours(band, format) if own else ids_of_colours(band)
    strange = ids < 0
    if not strange.any():
        return ids, "labels" if own else "VOC ids"
    if (pixels == pixels[..., :1]).all():
        return pixels[..., 0], "ids"
    colour = tuple(int(value) for value in pixels[strange][0])
    whose = "the classes'" if own else "VOC's"
    raise InputError(
        f"{subject} has {strange.sum():,} pixels ({strange.mean():.1%}) in colours that are not "
        f"{whose}, such as {colour}; save it as a palette PNG without antialiasing, or give the"
        " colours with --classes."
    )


def _of_grey(values: np.ndarray, format: MaskFormat) -> tuple[np.ndarray, Meaning]:
    """Return grey values as ids, unless they are grey colours of classes and no ids."""
    classes = format.classes
    if classes.colours is None or classes.mask_ids is not None or values.max() < len(classes):
        return values, "ids"
    labels = _labels_of_colours(np.repeat(values[..., None], 3, axis=-1), format)
    return (values, "ids") if (labels < 0).any() else (labels, "labels")


def _labels_of_colours(colours: np.ndarray, format: MaskFormat) -> np.ndarray:
    """Return the classes 0..K-1 of colours (..., 3), 255 for VOC's colour of ignore, -1 else."""
    known = np.append(pack_rgb(format.classes.palette), pack_rgb(colourise(np.array([IGNORE]))))
    wanted = pack_rgb(colours)
    order = np.argsort(known, kind="stable")
    places = order[np.searchsorted(known, wanted, sorter=order).clip(max=len(known) - 1)]
    labels = np.where(places < len(format.classes), places, IGNORE)
    return np.where(known[places] == wanted, labels, -1).astype(np.int16)

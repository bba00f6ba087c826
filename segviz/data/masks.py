"""Load truth masks as class ids, and make palette images of class ids."""

from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import InputError
from .classes import CLASSES, IGNORE, PALETTE, ids_of_colours
from .decode import decode

__all__ = ["check_size", "load_labels", "palette_image"]


def load_labels(
    source: bytes | Path,
    size: tuple[int, int] | None = None,
    classes: int = len(CLASSES),
) -> np.ndarray:
    """Load a truth mask from bytes or from a file.

    Accepted are a palette image in VOC's colours, class ids in a greyscale image of 8 or 16 bits
    (or in a palette of other colours), and an RGB image in VOC's colours only.

    Arguments:
        source: The bytes of a PNG, WebP, BMP or TIFF file, or its path.
        size: The size (H, W) of the upright photo, if the mask must match it.
        classes: The number of classes K.

    Returns:
        Class ids, shape (H, W), int64, 0..K-1 or 255 = ignore.

    Raises:
        InputError: If `segviz.data.decode` refuses the file, or it is a JPEG; if it holds other
            ids, other colours or transparent pixels; if its size is not `size`.
    """
    image, form = decode(source, "mask")
    if form in ("JPEG", "MPO"):
        raise InputError(
            "the mask is a JPEG, whose compression changes class ids along every border; "
            "save the mask as a PNG."
        )
    if size is not None:
        check_size((image.height, image.width), size)
    labels = _ids(image)
    found = np.unique(labels)
    strange = found[((found < 0) | (found >= classes)) & (found != IGNORE)]
    if strange.size:
        listed = ", ".join(map(str, strange[:8])) + (", ..." if strange.size > 8 else "")
        raise InputError(
            f"the mask holds the class ids {listed}, which are neither 0 to {classes - 1} nor "
            f"{IGNORE} (ignore); save VOC's palette or plain class ids as a PNG."
        )
    return labels.astype(np.int64)


def check_size(mask: tuple[int, ...], photo: tuple[int, ...]) -> None:
    """Raise an error unless mask and photo have the same size (H, W).

    Raises:
        InputError: If the sizes differ.
    """
    if tuple(mask) != tuple(photo):
        raise InputError(
            f"the mask is {mask[1]} x {mask[0]} pixels (width x height) and the photo "
            f"{photo[1]} x {photo[0]}; save the mask at the photo's own size and orientation."
        )


def palette_image(labels: np.ndarray) -> Image.Image:
    """Return class ids, shape (H, W), uint8, as a palette image in VOC's colours."""
    image = Image.fromarray(labels)
    image.putpalette(PALETTE.tobytes())
    return image


def _ids(image: Image.Image) -> np.ndarray:
    """Return the class ids, shape (H, W), any integer type, not checked against the classes."""
    if image.getbands()[-1] in ("A", "a"):
        if np.array(image)[..., -1].min() < 255:
            raise InputError(
                "the mask has transparent pixels, which stand for no class; "
                "save it without transparency, ignored pixels as 255."
            )
        image = image.getchannel(0) if image.mode == "LA" else image.convert("RGB")
    if image.mode == "P":
        return _palette_ids(image)
    if image.mode == "RGB":
        return _colour_ids(np.array(image))
    if image.mode == "L" or image.mode.startswith("I"):
        return np.array(image)
    raise InputError(
        f"the mask has the colour mode {image.mode}, which holds no class ids; save VOC's palette "
        f"or plain class ids as a greyscale PNG of 8 or 16 bits."
    )


def _palette_ids(image: Image.Image) -> np.ndarray:
    indices = np.array(image)
    entries = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
    used = np.unique(indices)
    if used[-1] >= len(entries) or (entries[used] == PALETTE[used]).all():
        return indices
    ids = ids_of_colours(entries[used])
    if (ids < 0).any():
        return indices
    # Paint programs and optimisers reorder palettes: the colour gives the class.
    table = np.zeros(256, dtype=np.int16)
    table[used] = ids
    return table[indices]


def _colour_ids(pixels: np.ndarray) -> np.ndarray:
    ids = ids_of_colours(pixels)
    strange = ids < 0
    if not strange.any():
        return ids
    if (pixels == pixels[..., :1]).all():
        return pixels[..., 0]
    colour = tuple(int(value) for value in pixels[strange][0])
    raise InputError(
        f"the mask has {strange.sum():,} pixels ({strange.mean():.1%}) in colours that are not "
        f"VOC's, such as {colour}; save it as a palette PNG without antialiasing."
    )

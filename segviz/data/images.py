"""Untrusted bytes to a photo or to labels, or one clear error."""

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_RATIO",
    "MIN_SIDE",
    "fit",
    "load_labels",
    "load_photo",
    "thumbnail",
]

from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import InputError
from .classes import IGNORE, PALETTE, match
from .decode import FORMATS, MAX_BYTES, MAX_PIXELS, MAX_RATIO, MIN_SIDE, decode


def load_photo(source: bytes | Path) -> np.ndarray:
    r"""Reads a photo from bytes or from a file.

    The EXIF orientation is applied, transparency is laid on white, 16-bit and floating-point
    grey is brought to 8 bits, and of an animation the first frame is taken.

    Arguments:
        source: The bytes of a JPEG, PNG, WebP, BMP or TIFF file, or its path.

    Returns:
        The photo (H, W, 3) uint8 RGB.

    Raises:
        InputError: If there is no such file; if it is empty, truncated or none of these formats;
            if the bytes are more than `MAX_BYTES`, the pixels more than `MAX_PIXELS`, a side less
            than `MIN_SIDE` or the long side more than `MAX_RATIO` times the short one (all found
            before decoding).
    """
    return np.array(_rgb(decode(source, "photo")[0]))


def load_labels(
    source: bytes | Path,
    size: tuple[int, int] | None = None,
    classes: int = 21,
) -> np.ndarray:
    r"""Reads a truth mask from bytes or from a file.

    Accepted are a palette image in VOC's colours, plain class ids in a grey image of 8 or 16 bits
    (or in a palette of other colours), and an RGB image that has VOC's colours only.

    Arguments:
        source: The bytes of a PNG, WebP, BMP or TIFF file, or its path.
        size: The size (H, W) of the photo after its EXIF orientation, if the mask must match it.
        classes: The number of classes K.

    Returns:
        The class ids (H, W) int64, in [0, K - 1] or 255 for ignore.

    Raises:
        InputError: If the file is one that `load_photo` would refuse or a JPEG; if it holds ids
            outside the range, other colours or transparent pixels; if its size is not `size`.
    """
    image, form = decode(source, "mask")
    if form in ("JPEG", "MPO"):
        raise InputError(
            "The mask is a JPEG, whose compression changes class ids along every border; "
            "save the mask as a PNG."
        )
    if size is not None and (image.height, image.width) != tuple(size):
        raise InputError(
            f"The mask is {image.width} x {image.height} pixels (width x height) and the photo "
            f"{size[1]} x {size[0]}; save the mask at the photo's own size and orientation."
        )
    labels = _ids(image)
    found = np.unique(labels)
    strange = found[((found < 0) | (found >= classes)) & (found != IGNORE)]
    if strange.size:
        listed = ", ".join(map(str, strange[:8])) + (", ..." if strange.size > 8 else "")
        raise InputError(
            f"The mask holds the class ids {listed}, which are neither 0 to {classes - 1} nor "
            f"{IGNORE} (ignore); save VOC's palette or plain class ids as a PNG."
        )
    return labels.astype(np.int64)


def fit(
    photo: np.ndarray,
    truth: np.ndarray | None = None,
    long_side: int = 500,
) -> tuple[np.ndarray, np.ndarray | None, float]:
    r"""Brings a larger photo, and its truth, down to the resolution of VOC.

    Smaller photos are never enlarged. The photo is resized with antialiasing (bicubic), the truth
    takes the nearest pixel.

    Arguments:
        photo: The photo (H, W, 3) uint8.
        truth: The class ids (H, W) of the same size, if there are any.
        long_side: The largest side allowed, in pixels.

    Returns:
        The photo (h, w, 3) uint8, the truth (h, w) or None, and the factor in (0, 1] by which
        the sides were multiplied, before rounding to whole pixels.

    Raises:
        InputError: If photo and truth differ in size.
    """
    height, width = photo.shape[:2]
    if truth is not None and truth.shape != (height, width):
        raise InputError(
            f"The mask is {truth.shape[1]} x {truth.shape[0]} pixels (width x height) and the "
            f"photo {width} x {height}; give a mask of the photo's own size."
        )
    factor = long_side / max(height, width)
    if factor >= 1:
        return photo, truth, 1.0
    h, w = max(1, round(height * factor)), max(1, round(width * factor))
    small = np.array(Image.fromarray(photo).resize((w, h), Image.Resampling.BICUBIC))
    if truth is not None:
        rows = (2 * np.arange(h) + 1) * height // (2 * h)
        columns = (2 * np.arange(w) + 1) * width // (2 * w)
        truth = truth[rows[:, None], columns]
    return small, truth, factor


def thumbnail(photo: np.ndarray, side: int) -> np.ndarray:
    r"""Returns the photo (H, W, 3) uint8 with its long side reduced to at most `side` pixels."""
    return fit(photo, long_side=side)[0]


def _rgb(image: Image.Image) -> Image.Image:
    mode = image.mode
    if mode.startswith(("I", "F")):
        return Image.fromarray(_grey(np.array(image))).convert("RGB")
    try:
        if not image.has_transparency_data:
            return image.convert("RGB")
        if mode in ("La", "RGBa"):
            image = image.convert("LA" if mode == "La" else "RGBA")
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    except (ValueError, OSError) as error:
        raise InputError(
            f"The photo has the colour mode {mode}, which cannot be turned into RGB; "
            f"save it as an RGB PNG or JPEG."
        ) from error


def _grey(values: np.ndarray) -> np.ndarray:
    """Brings grey (H, W) of 16 or 32 bits or in floating point to uint8.

    White is 1 if no value is above it and the values are floats; else the largest value of the
    smallest depth of 8, 10, 12, 14 or 16 bits that holds them all, as cameras and microscopes
    store 12 bits in 16. Negative or still larger values are stretched from the least to the most.
    """
    grey = values.astype(np.float64)
    np.nan_to_num(grey, copy=False, posinf=0.0, neginf=0.0)
    low, high = 0.0, grey.max()
    if grey.min() < 0 or high > 65535:
        low = grey.min()
    elif values.dtype.kind == "f" and high <= 1:
        high = 1.0
    else:
        high = next(white for white in (255, 1023, 4095, 16383, 65535) if white >= high)
    grey -= low
    grey *= 255 / (high - low or 1)
    return np.rint(grey, out=grey).astype(np.uint8)


def _ids(image: Image.Image) -> np.ndarray:
    """Reads class ids (H, W), any integer type, not yet checked against the classes."""
    if image.getbands()[-1] in ("A", "a"):
        if np.array(image)[..., -1].min() < 255:
            raise InputError(
                "The mask has transparent pixels, which stand for no class; "
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
        f"The mask has the colour mode {image.mode}, which holds no class ids; save VOC's palette "
        f"or plain class ids as a greyscale PNG of 8 or 16 bits."
    )


def _palette_ids(image: Image.Image) -> np.ndarray:
    indices = np.array(image)
    entries = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
    used = np.unique(indices)
    if used[-1] >= len(entries) or (entries[used] == PALETTE[used]).all():
        return indices
    ids = match(entries[used])
    if (ids < 0).any():
        return indices
    # Paint programs and optimisers reorder palettes: there the colour is the class.
    table = np.zeros(256, dtype=np.int16)
    table[used] = ids
    return table[indices]


def _colour_ids(pixels: np.ndarray) -> np.ndarray:
    ids = match(pixels)
    strange = ids < 0
    if not strange.any():
        return ids
    if (pixels == pixels[..., :1]).all():
        return pixels[..., 0]
    colour = tuple(int(value) for value in pixels[strange][0])
    raise InputError(
        f"The mask has {strange.sum():,} pixels ({strange.mean():.1%}) in colours that are not "
        f"VOC's, such as {colour}; save it as a palette PNG without antialiasing."
    )

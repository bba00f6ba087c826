"""Load photos and bring them to the resolution of the network's training data."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ..errors import InputError
from .decode import decode
from .masks import check_size

__all__ = ["LONG_SIDE", "fit", "load_photo", "thumbnail", "upright_rgb"]

LONG_SIDE = 500
"""The long side of VOC's photos in pixels."""


def load_photo(source: bytes | Path) -> np.ndarray:
    """Load a photo from bytes or from a file.

    The EXIF orientation is applied, transparency is composited on white, 16-bit and floating-point
    greyscale is converted to 8 bits, and of an animation the first frame is taken.

    Arguments:
        source: The bytes of a JPEG, PNG, WebP, BMP or TIFF file, or its path.

    Returns:
        Shape (H, W, 3), uint8 RGB.

    Raises:
        InputError: If the file is missing, empty, damaged or in another format, exceeds one of the
            limits in `segviz.data.decode`, or stores colours of 12 bits in 16.
    """
    decoded = decode(source, "photo")
    pixels = np.array(_rgb(decoded.image))
    if decoded.white_is_zero and decoded.image.mode.startswith("I"):
        pixels = 255 - pixels  # of 8 bits, Pillow inverts them itself
    if decoded.raw_mode.startswith("RGB") and ";16" in decoded.raw_mode and pixels.max() <= 15:
        # Pillow takes the high byte of each colour.
        raise InputError(
            "the photo stores colours of at most 12 bits in 16, and would be nearly black; save it"
            " as an RGB PNG or JPEG of 8 bits."
        )
    return pixels


def upright_rgb(image: Image.Image) -> np.ndarray:
    """Return a PIL image as pixels, as `load_photo` does: shape (H, W, 3), uint8 RGB."""
    return np.array(_rgb(ImageOps.exif_transpose(image)))


def fit(
    photo: np.ndarray, truth: np.ndarray | None = None, long_side: int = LONG_SIDE
) -> tuple[np.ndarray, np.ndarray | None, float]:
    """Reduce a large photo, and its truth, to a long side; smaller photos are not enlarged.

    The photo is resized by bicubic interpolation with antialiasing, the truth by nearest neighbour.

    Arguments:
        photo: Shape (H, W, 3), uint8.
        truth: Class ids, shape (H, W), or None.
        long_side: The largest side allowed, in pixels.

    Returns:
        The photo, shape (h, w, 3), uint8; the truth, shape (h, w), or None; and the factor of the
        sides before rounding to whole pixels, in (0, 1].

    Raises:
        InputError: If photo and truth differ in size.
    """
    height, width = photo.shape[:2]
    if truth is not None:
        check_size(truth.shape, (height, width))
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
    """Return a photo, shape (H, W, 3), uint8, with its long side reduced to at most `side`."""
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
            f"the photo has the colour mode {mode}, which cannot be converted to RGB; "
            f"save it as an RGB PNG or JPEG."
        ) from error


def _grey(values: np.ndarray) -> np.ndarray:
    """Convert greyscale, shape (H, W), of 16 or 32 bits or floating point to uint8.

    White is 1 for floats of at most 1, else the largest value of the smallest bit depth (8, 10, 12,
    14 or 16) that holds all values: cameras and microscopes store 12 bits in 16. Values that are
    negative or larger are stretched from the minimum to the maximum.
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

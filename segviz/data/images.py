"""Load photos and bring them to the resolution of the network's training data."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ..errors import InputError
from .decode import DecodedImage, decode, guard_pixels, stored_values
from .masks import check_size

__all__ = [
    "LONG_SIDE",
    "fit",
    "fit_labels",
    "fitted_size",
    "load_photo",
    "long_side_text",
    "thumbnail",
    "upright_rgb",
]

LONG_SIDE = 500
"""The long side of VOC's photos in pixels."""

BAND = 512
"""The number of rows that are converted at a time."""


def load_photo(source: bytes | Path) -> np.ndarray:
    """Load a photo from bytes or from a file.

    The EXIF orientation is applied, transparency is composited on white, 16-bit and floating-point
    greyscale is converted to 8 bits, and of an animation the first frame is taken.

    Arguments:
        source: The bytes of a JPEG, PNG, WebP, BMP or TIFF file, or its path; of a HEIC file, too,
            where the package pillow-heif is installed.

    Returns:
        Shape (H, W, 3), uint8 RGB.

    Raises:
        InputError: If the file is missing, empty, damaged or in another format, exceeds one of the
            limits in `segviz.data.decode`, or stores colours of 14 bits or fewer in
            16.
    """
    subject = "the photo" if isinstance(source, bytes) else f"the photo {source}"
    return guard_pixels(_pixels, decode(source, "photo"), subject)


def upright_rgb(image: Image.Image) -> np.ndarray:
    """Return a PIL image as pixels, as `load_photo` does: shape (H, W, 3), uint8 RGB."""
    upright = ImageOps.exif_transpose(image)
    grey = upright.mode.startswith(("I", "F"))  # whose range is that of the whole image
    return np.array(_opaque(upright)) if grey else _rgb(upright)


def fit(
    photo: np.ndarray, truth: np.ndarray | None = None, long_side: int | None = LONG_SIDE
) -> tuple[np.ndarray, np.ndarray | None, float]:
    """Reduce a large photo, and its truth, to a long side; smaller photos are not enlarged.

    The photo is resized by bicubic interpolation with antialiasing, the truth by nearest neighbour.

    Arguments:
        photo: Shape (H, W, 3), uint8.
        truth: Class ids, shape (H, W), or None.
        long_side: The largest side allowed, in pixels; None = any.

    Returns:
        The photo, shape (h, w, 3), uint8; the truth, shape (h, w), or None; and the factor of the
        sides before rounding to whole pixels, in (0, 1].

    Raises:
        InputError: If photo and truth differ in size.
    """
    height, width = photo.shape[:2]
    if truth is not None:
        check_size(truth.shape, (height, width))
    factor = 1.0 if long_side is None else long_side / max(height, width)
    if factor >= 1:
        return photo, truth, 1.0
    h, w = fitted_size((height, width), long_side)
    small = np.array(Image.fromarray(photo).resize((w, h), Image.Resampling.BICUBIC))
    return small, None if truth is None else fit_labels(truth, (h, w)), factor


def long_side_text(long_side: int | None) -> str:
    """Return a long side as commands and records spell it, such as "500" or "native"."""
    return "native" if long_side is None else str(long_side)


def fitted_size(size: tuple[int, ...], long_side: int | None = LONG_SIDE) -> tuple[int, int]:
    """Return the size (H, W) that `fit` brings a size (H, W) to."""
    height, width = size
    factor = 1.0 if long_side is None else min(1.0, long_side / max(height, width))
    return max(1, round(height * factor)), max(1, round(width * factor))


def fit_labels(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return labels (H, W) at a smaller size (h, w), by nearest neighbour."""
    (height, width), (h, w) = labels.shape, size
    rows = (2 * np.arange(h) + 1) * height // (2 * h)
    columns = (2 * np.arange(w) + 1) * width // (2 * w)
    return labels[rows[:, None], columns]


def thumbnail(photo: np.ndarray, side: int) -> np.ndarray:
    """Return a photo, shape (H, W, 3), uint8, with its long side reduced to at most `side`."""
    return fit(photo, long_side=side)[0]


def _pixels(decoded: DecodedImage) -> np.ndarray:
    image = decoded.image
    if image.mode.startswith(("I", "F")):
        grey = _grey(stored_values(decoded))
        if decoded.white_is_zero:
            grey = 255 - grey  # of 8 bits, Pillow inverts them itself
        return np.repeat(grey[..., None], 3, axis=-1)
    pixels = _rgb(image)
    if decoded.raw_mode.startswith("RGB") and ";16" in decoded.raw_mode and pixels.max() <= 63:
        # Pillow takes the high byte of each colour.
        raise InputError(
            "the photo stores colours of at most 14 bits in 16, and would be too dark; save it"
            " as an RGB PNG or JPEG of 8 bits."
        )
    return pixels


def _rgb(image: Image.Image) -> np.ndarray:
    """Return an image in RGB, transparency on white, shape (H, W, 3), uint8."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, BAND):  # of large images, copies take much memory
        box = (0, top, image.width, min(top + BAND, image.height))
        pixels[top : top + BAND] = np.asarray(_opaque(image.crop(box)))
    return pixels


def _opaque(image: Image.Image) -> Image.Image:
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
    bands = [values[top : top + BAND] for top in range(0, len(values), BAND)]
    low = min(_finite(band).min() for band in bands)
    high = max(_finite(band).max() for band in bands)
    if low >= 0 and high <= 65535:
        low = 0.0
        if values.dtype.kind == "f" and high <= 1:
            high = 1.0
        else:
            high = next(white for white in (255, 1023, 4095, 16383, 65535) if white >= high)
    grey = np.empty(values.shape, np.uint8)
    for band, result in zip(bands, np.split(grey, range(BAND, len(grey), BAND)), strict=True):
        result[:] = np.rint((_finite(band) - low) * (255 / (high - low or 1)))
    return grey


def _finite(values: np.ndarray) -> np.ndarray:
    """Return values as float64, what is not finite as 0."""
    return np.nan_to_num(values.astype(np.float64), copy=False, posinf=0.0, neginf=0.0)

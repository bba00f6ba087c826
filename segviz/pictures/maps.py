"""Turn maps into pictures: VOC colours for labels, perceptually uniform colours for numbers."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from ..data.classes import IGNORE
from ..data.voc_palette import PALETTE, colourise
from ..runs.record import Quantised, Record

__all__ = [
    "BELOW_THRESHOLD",
    "COLOUR_MAPS",
    "DIFFERENT_BACKGROUND",
    "OUTCOMES",
    "classes_in",
    "colour_table",
    "coloured",
    "confidence",
    "confident_picture",
    "data_url",
    "difference_picture",
    "entropy_picture",
    "label_picture",
    "letterbox",
    "limits_of",
    "outcome_picture",
    "overlay",
    "png",
    "receptive_field_picture",
    "safe_palette",
    "scale_picture",
    "to_photo",
]

COLOUR_MAPS = {"entropy": "magma", "sigma": "viridis", "sizes": "cividis", "probability": "plasma"}
OUTCOMES = {
    "still right": (176, 188, 204),
    "still wrong": (60, 68, 80),
    "wrong to right": (0, 160, 116),
    "right to wrong": (212, 60, 20),
    "ignored": (224, 224, 192),
}
"""The outcomes of a pixel since step 0, and their colours. The two changes differ in lightness too,
for readers who cannot tell red from green; ignored pixels have the colour that VOC gives them."""

BELOW_THRESHOLD = (120, 124, 130)
"""The colour of pixels whose confidence is below the threshold."""

DIFFERENT_BACKGROUND = (210, 214, 220)
"""The colour of pixels that have become background, which is black elsewhere, in differences."""


SAFE_COLOURS = (
    *((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0)),
    *((204, 121, 167), (170, 170, 170), (136, 34, 85), (153, 221, 255), (187, 204, 51)),
)
"""Colours that readers of all kinds of colour vision tell apart (Okabe and Ito 2008, then Tol)."""


def safe_palette(present: Sequence[int], count: int, background: int | None) -> np.ndarray:
    """Return a palette of `SAFE_COLOURS` for the classes of a photo, shape (count, 3), uint8.

    Arguments:
        present: The classes to tell apart; colours repeat after the eleventh.
        count: The number of all classes.
        background: The class that is black, if there is one.
    """
    shown = [id for id in present if id < count and id != background]
    order = shown + [id for id in range(count) if id not in shown and id != background]
    palette = np.zeros((count, 3), np.uint8)
    for place, id in enumerate(order):
        palette[id] = SAFE_COLOURS[place % len(SAFE_COLOURS)]
    return palette


def to_photo(maps: np.ndarray, record: Record) -> np.ndarray:
    """Return a map (h, w) of the feature grid at the photo's size, bilinear, (H, W) float32."""
    import torch  # takes seconds, while pages can already be drawn

    from ..network.resampling import resample

    rows, columns = (torch.from_numpy(positions) for positions in record.positions)
    return resample(torch.from_numpy(maps.astype(np.float32)), rows, columns).numpy()


def label_picture(labels: np.ndarray, palette: np.ndarray = PALETTE) -> np.ndarray:
    """Return class ids (H, W) in VOC's colours or those of a palette (256, 3), (H, W, 3) uint8."""
    return colourise(labels, palette)


def overlay(
    photo: np.ndarray,
    labels: np.ndarray,
    opacity: float,
    palette: np.ndarray = PALETTE,
    background: int | None = 0,
) -> np.ndarray:
    """Return the photo under labels, (H, W, 3) uint8; the background stays clear.

    Arguments:
        photo: Shape (H, W, 3), uint8.
        labels: Class ids, shape (H, W).
        opacity: The opacity of the labels, 0..1.
        palette: The colour of each id, shape (256, 3), uint8 RGB.
        background: The id of the background; None = none.
    """
    clear = labels == IGNORE if background is None else (labels == IGNORE) | (labels == background)
    weight = opacity * ~clear[..., None]
    return np.rint((1 - weight) * photo + weight * palette[labels]).astype(np.uint8)


def entropy_picture(record: Record, step: int, limits: tuple[float, float]) -> np.ndarray:
    """Return the entropy of a step at the photo's size, coloured over `limits` in nats."""
    return coloured(to_photo(record.entropy[step], record), limits, "entropy")


def receptive_field_picture(record: Record, step: int, limits: tuple[float, float]) -> np.ndarray:
    """Return sigma of a step at the photo's size, coloured over `limits` in input pixels."""
    assert record.sigma is not None, "panels that need sigma are chosen only where there is sigma"
    return coloured(to_photo(record.sigma[step], record), limits, "sigma")


def scale_picture(record: Record, step: int, limits: tuple[float, float]) -> np.ndarray:
    """Return the scale read of a step at the photo's size, coloured over `limits`."""
    assert record.sizes is not None, "a single view is read at one scale"
    return coloured(to_photo(record.sizes[step], record), limits, "sizes")


def confidence(record: Record, step: int) -> np.ndarray:
    """Return the probability of the predicted class at each pixel, (H, W) float32, 0..1."""
    logs = record.log_probabilities[step]
    labels, likely = record.labels[step], np.flatnonzero(logs.max(axis=(1, 2)) > logs.min())
    total = np.zeros(labels.shape, np.float32)
    own = np.zeros(labels.shape, np.float32)
    for id in likely:
        odds = np.exp(to_photo(logs[id], record))
        total += odds
        own[labels == id] = odds[labels == id]
    return own / np.maximum(total, np.finfo(np.float32).tiny)


def confident_picture(record: Record, step: int, threshold: float) -> np.ndarray:
    """Return the labels of a step, grey where the confidence is below a threshold, (H, W, 3)."""
    picture = label_picture(record.labels[step], record.palette)
    picture[confidence(record, step) < threshold] = BELOW_THRESHOLD
    return picture


def difference_picture(record: Record, step: int, labels: np.ndarray) -> np.ndarray:
    """Return where a step predicts otherwise than `labels` (H, W), (H, W, 3) uint8.

    These pixels have the colour of the class that the step predicts; the others are a third as
    bright as the photo, in grey.
    """
    now = record.labels[step]
    colours = record.palette.copy()
    if record.background is not None:
        colours[record.background] = DIFFERENT_BACKGROUND
    grey = (record.photo.sum(axis=2, dtype=np.uint16) // 9).astype(np.uint8)
    return np.where((now != labels)[..., None], colours[now], grey[..., None])


def classes_in(record: Record) -> list[int]:
    """Return the class ids that any step predicts or the truth has, ascending, without ignore."""
    first, moved = record.labels[0], record.labels[1:] != record.labels[:-1]
    counts = np.bincount(first.ravel(), minlength=256)
    counts += np.bincount(record.labels[1:][moved], minlength=256)  # far fewer than all
    if record.truth is not None:
        counts += np.bincount(record.truth.ravel(), minlength=256)
    return [id for id in np.flatnonzero(counts).tolist() if id != IGNORE]


def outcome_picture(truth: np.ndarray, first: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the outcome of every pixel since step 0, in the colours of `OUTCOMES`.

    Arguments:
        truth: Shape (H, W), 255 = ignore.
        first: The prediction of step 0, shape (H, W).
        labels: The prediction of the step shown, shape (H, W).

    Returns:
        Shape (H, W, 3), uint8.
    """
    before, now = first == truth, labels == truth
    outcome = np.select([truth == IGNORE, before & now, ~before & ~now, now], [4, 0, 1, 2], 3)
    return np.array(list(OUTCOMES.values()), np.uint8)[outcome]


def limits_of(maps: Quantised | None, step: int | None = None) -> tuple[float, float]:
    """Return the colour range of a step, or of all steps: from the low end to the largest value.

    Without maps it is 0 to 1.
    """
    if maps is None:
        return 0.0, 1.0
    codes = maps.codes if step is None else maps.codes[step]
    top = maps.low + (maps.high - maps.low) * int(codes.max()) / 255
    return maps.low, max(top, maps.low + 1e-3)


def letterbox(picture: np.ndarray, ratio: float) -> np.ndarray:
    """Return a picture (H, W, 3) centred on a clear canvas (H', W', 4) with W' / H' = ratio."""
    height, width = picture.shape[:2]
    full = max(height, round(width / ratio)), max(width, round(height * ratio))
    canvas = np.zeros((*full, 4), np.uint8)
    top, left = (full[0] - height) // 2, (full[1] - width) // 2
    canvas[top : top + height, left : left + width, :3] = picture
    canvas[top : top + height, left : left + width, 3] = 255
    return canvas


def colour_table(name: str) -> np.ndarray:
    """Return the colours of a map of `COLOUR_MAPS` from low to high, shape (256, 3), uint8."""
    import matplotlib

    colours = matplotlib.colormaps[COLOUR_MAPS[name]](np.arange(256))[:, :3]
    return (colours * 255).round().astype(np.uint8)


def png(picture: np.ndarray) -> bytes:
    """Return a picture (H, W, 3) or (H, W, 4) uint8 as a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def data_url(picture: np.ndarray) -> str:
    """Return a picture as a data URL: RGB (H, W, 3) uint8 as JPEG, RGBA (H, W, 4) as PNG."""
    buffer = io.BytesIO()
    format = "PNG" if picture.shape[2] == 4 else "JPEG"
    Image.fromarray(picture).save(buffer, format, quality=90)
    return f"data:image/{format.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def coloured(values: np.ndarray, limits: tuple[float, float], name: str) -> np.ndarray:
    """Return values (H, W) over `limits` in the colours of a map of `COLOUR_MAPS`, (H, W, 3)."""
    low, high = limits
    codes = np.clip(np.rint((values - low) * (255 / (high - low))), 0, 255)
    return colour_table(name)[codes.astype(np.uint8)]

"""PNGs of few colours, a third of the size: for documents that are looked at on the web."""

import io

import numpy as np
from PIL import Image

from ..data.classes import PALETTE

__all__ = ["few_colours"]

COLOURS = 192
"""In all. Smooth maps look no better with 256, and weigh more."""
AREA = 64
"""A label's colour of so many pixels is kept exactly, and so are the `OFTEN` most frequent ones."""
OFTEN = 48
NEAR = 8
"""Levels that a colour may be off before it is dithered: smooth maps need that rarely."""


def few_colours(png: bytes) -> bytes:
    """A PNG of at most `COLOURS`: paper, ink and labels as they are, the rest dithered.

    Arguments:
        png: The bytes of a PNG.
    """
    image = Image.open(io.BytesIO(png)).convert("RGB")
    codes = _codes(np.asarray(image))
    found, counts = np.unique(codes, return_counts=True)
    labels = found[np.isin(found, _codes(PALETTE)) & (counts >= AREA)]
    often = found[np.argsort(-counts, kind="stable")[:OFTEN]]
    exact = np.unique(np.concatenate([labels, often]))
    kept = np.zeros(1 << 24, bool)
    kept[exact] = True
    kept = kept[codes]
    rest = codes[~kept]
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(exact)] = _colours(exact)
    if len(rest):
        room = COLOURS - len(exact)
        cut = Image.fromarray(_colours(rest)[None]).quantize(
            room, Image.Quantize.MEDIANCUT, kmeans=1
        )
        colours = np.array(cut.getpalette(), np.uint8).reshape(-1, 3)[:room]
        palette[len(exact) : len(exact) + len(colours)] = colours
    table = Image.new("P", (1, 1))
    table.putpalette(palette.tobytes())
    chosen, dithered = (
        np.array(image.quantize(palette=table, dither=dither))
        for dither in (Image.Dither.NONE, Image.Dither.FLOYDSTEINBERG)
    )
    far = np.abs(palette[chosen].astype(np.int16) - np.asarray(image)).max(-1) > NEAR
    chosen[far] = dithered[far]
    # Pillow looks colours up in a coarse table: those kept are not left to it.
    chosen[kept] = np.searchsorted(exact, codes[kept])
    small = Image.fromarray(chosen)
    small.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    small.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _codes(colours: np.ndarray) -> np.ndarray:
    return colours.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)


def _colours(codes: np.ndarray) -> np.ndarray:
    return np.stack([codes >> 16, codes >> 8 & 255, codes & 255], -1).astype(np.uint8)

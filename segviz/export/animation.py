"""A run as an animation: GIF for every program, WebP for every colour."""

import io
from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from ..pictures import maps, panels
from ..pictures.gif_palette import palette_for, reduce_colours
from ..pictures.panels import PANELS
from ..runs.record import Record
from .animation_frame import FrameLayout
from .contact_sheet import choose_steps

__all__ = ["HOLD_MS", "STEP_MS", "frames_of", "gif", "webp"]

STEP_MS = 120
"""The time of a step."""
HOLD_MS = 1500
"""The time of the first and of the last step."""
DEFAULT_PANELS = ("photo", "prediction", "truth", "entropy", "receptive-field", "right-wrong")
PHOTO_PANELS = ("photo", "overlay")
SHADES = 48
"""Palette entries of a GIF for each colour map."""
MAX_FRAMES, MAX_BYTES = 129, 256 << 20
"""Limits of the frames of an animation; 33 steps always fit."""


def gif(record: Record, steps: Sequence[int] = (), names: Sequence[str] = ()) -> bytes:
    """Return an animated GIF that loops and pauses at the first and at the last step.

    Its palette holds the colours of classes and of the right-wrong map exactly, `SHADES` shades for
    entropy and for sigma, and colours that fit the photo. Long runs are thinned out evenly.

    Arguments:
        record: The record.
        steps: The steps; none = all.
        names: Names of `PANELS`; none = photo, prediction, entropy and receptive field, and with
            truth the truth and the right-wrong map.

    Raises:
        InputError: If there is no such step or panel.
    """
    layout, shown = _layout(record, steps, names)
    palette = _palette(layout, shown)
    images = [reduce_colours(frame, palette) for frame in _frames(layout, shown)]
    return _save(images, "GIF", optimize=False)


def webp(record: Record, steps: Sequence[int] = (), names: Sequence[str] = ()) -> bytes:
    """Return a lossless animated WebP: all panels have the exact colours of the record.

    The arguments and errors are those of `gif`.
    """
    layout, shown = _layout(record, steps, names)
    images = [Image.fromarray(frame) for frame in _frames(layout, shown)]
    # Method 1 would make files half as large, but take five times as long. With kmax 0, all frames
    # but the first hold only what changed.
    return _save(images, "WEBP", lossless=True, quality=0, method=0, kmax=0)


def frames_of(
    record: Record, steps: Sequence[int] = (), names: Sequence[str] = ()
) -> Iterator[np.ndarray]:
    """Yield the frames of an animation, each (H, W, 3) uint8 with even sides.

    The arguments and errors are those of `gif`.
    """
    yield from _frames(*_layout(record, steps, names))


def _save(images: Sequence[Image.Image], format: str, **options: bool | int) -> bytes:
    ends = 0, len(images) - 1
    buffer = io.BytesIO()
    images[0].save(
        buffer,
        format,
        save_all=True,
        append_images=images[1:],
        duration=[HOLD_MS if i in ends else STEP_MS for i in range(len(images))],
        loop=0,
        **options,
    )
    return buffer.getvalue()


def _layout(
    record: Record, steps: Sequence[int], names: Sequence[str]
) -> tuple[FrameLayout, list[int]]:
    available = panels.choose(record)
    chosen = panels.choose(record, names or [name for name in DEFAULT_PANELS if name in available])
    layout = FrameLayout(record, chosen)
    shown = choose_steps(record, steps or range(record.last + 1))
    most = max(2, min(MAX_FRAMES, MAX_BYTES // layout.bytes))
    if len(shown) > most:
        shown = [shown[i] for i in np.linspace(0, len(shown) - 1, most).round().astype(int)]
    return layout, shown


def _frames(layout: FrameLayout, steps: Sequence[int]) -> Iterator[np.ndarray]:
    record = layout.record
    constant = {
        name: PANELS[name].picture(record, 0) for name in layout.names if not PANELS[name].changes
    }
    for step in steps:
        pictures = [
            constant[name] if name in constant else PANELS[name].picture(record, step)
            for name in layout.names
        ]
        yield layout.frame(step, pictures)


def _palette(layout: FrameLayout, steps: Sequence[int]) -> Image.Image:
    """Return the palette of all frames of a GIF."""
    record, names = layout.record, layout.names
    colours = [colour for colour, _ in layout.legend]
    colours += [(grey, grey, grey) for grey in range(0, 240, 20)]
    for name in names:
        if bar := panels.bar(record, name):
            places = np.linspace(0, 255, SHADES).round().astype(int)
            colours += map(tuple, maps.colour_table(bar[0])[places].tolist())
    photos = [
        PANELS[name].picture(record, step)
        for name in names
        if name in PHOTO_PANELS
        for step in sorted({steps[0], steps[len(steps) // 2], steps[-1]})
    ]
    return palette_for(colours, Image.fromarray(np.concatenate(photos)) if photos else None)

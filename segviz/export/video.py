"""A run as MP4 (H.264), for slides and video players; needs the optional package imageio-ffmpeg."""

import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..runs.record import Record
from . import animation

__all__ = ["has_encoder", "mp4"]

PACKAGE = "imageio_ffmpeg"
QUALITY = 18
"""The constant rate factor of H.264: 0 = lossless, 18 = no visible loss, 51 = worst."""


def has_encoder() -> bool:
    """Return whether the package that encodes videos is installed."""
    return find_spec(PACKAGE) is not None


def mp4(record: Record, steps: Sequence[int] = (), names: Sequence[str] = ()) -> bytes:
    """Return an MP4 that pauses at the first and at the last step.

    Colours are those of a video: 4:2:0 and not exact; `animation.webp` keeps them.

    Arguments:
        record: The record.
        steps: The steps; none = all.
        names: Names of `PANELS`; none = the panels of `animation.gif`.

    Raises:
        InputError: If there is no such step or panel, or imageio-ffmpeg is not installed.
    """
    if not has_encoder():
        raise InputError(
            "MP4 needs the package imageio-ffmpeg, which is not installed; run"
            " pip install imageio-ffmpeg, or choose webp or gif."
        )
    import imageio_ffmpeg

    frames = animation.frames_of(record, steps, names)
    first = next(frames)
    height, width = first.shape[:2]
    hold = round(animation.HOLD_MS / animation.STEP_MS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.mp4"
        writer = imageio_ffmpeg.write_frames(
            str(path),
            (width, height),
            fps=1000 / animation.STEP_MS,
            codec="libx264",
            quality=None,
            macro_block_size=2,
            output_params=["-crf", str(QUALITY), "-preset", "veryfast"],
        )
        writer.send(None)
        try:
            last = first
            for _ in range(hold):
                writer.send(np.ascontiguousarray(first))
            for last in frames:
                writer.send(np.ascontiguousarray(last))
            for _ in range(hold - 1):
                writer.send(np.ascontiguousarray(last))
        finally:
            writer.close()
        return path.read_bytes()

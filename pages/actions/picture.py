"""A small picture of a run, kept beside its record."""

import io

from PIL import Image

from segviz.data.images import thumbnail
from segviz.pictures import maps
from segviz.runs.record import Record

__all__ = ["run_thumbnail"]

SIDE = 160
"""The long side in pixels: a table shows it at half of that, sharp on fine screens, too."""


def run_thumbnail(record: Record) -> bytes:
    """Return the last prediction over the photo, as a WebP of some kilobytes."""
    pixels = maps.overlay(record.photo, record.labels[-1], 0.6, record.palette, record.background)
    buffer = io.BytesIO()
    Image.fromarray(thumbnail(pixels, SIDE)).save(buffer, "WEBP", quality=80)
    return buffer.getvalue()

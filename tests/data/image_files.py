"""Image files in memory, and what is common to refusals."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from segviz.data.images import load_photo
from segviz.data.voc_palette import PALETTE
from segviz.errors import InputError


def encode(image, form="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def scene(width=40, height=30):
    """A photo without symmetries: red grows rightwards, green downwards; a blue corner."""
    y, x = np.mgrid[:height, :width]
    blue = 200 * ((x < width // 3) & (y < height // 3))
    return np.stack([x * 255 // width, y * 255 // height, blue], axis=-1).astype(np.uint8)


def labels(width=40, height=30):
    ids = np.zeros((height, width), dtype=np.uint8)
    ids[5:20, 5:20], ids[10:25, 22:35], ids[5:7, 5:20] = 15, 8, 255
    return ids


def mask(ids, palette=PALETTE):
    image = Image.fromarray(ids)
    image.putpalette(palette.tobytes())
    return image


def assert_refused(pattern, source, load=load_photo, **options):
    with pytest.raises(InputError, match=pattern) as caught:
        load(source, **options)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def png_header(width, height):
    """A PNG of that size whose pixels are missing."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body

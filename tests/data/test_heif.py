"""HEIC photos, with and without the package that decodes them."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

from segviz.data import heif
from segviz.data.images import load_photo
from segviz.data.masks import read_mask
from segviz.errors import InputError

HEADER = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64)


@pytest.fixture
def fresh():
    heif.has_decoder.cache_clear()
    yield
    heif.has_decoder.cache_clear()


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (HEADER, True),
        (HEADER[:12], True),
        (HEADER[:11], False),
        (b"\x00\x00\x00\x18ftypmp42", False),
        (b"\x89PNG\r\n\x1a\n", False),
        (b"", False),
    ],
)
def test_files_are_known_by_their_brand(header, known):
    assert heif.is_heif(header) is known


def test_without_the_package_an_error_says_what_to_install(fresh, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "photo.heic"
    path.write_bytes(HEADER)
    for source in (HEADER, path):
        with pytest.raises(InputError, match=r"HEIC.*pip install pillow-heif.*JPEG"):
            load_photo(source)


@pytest.fixture
def heic(fresh):
    pillow_heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:, 32:] = (200, 40, 90)
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(buffer, quality=95)
    return pixels, buffer.getvalue()


def test_heic_photos_are_read(heic):
    pixels, data = heic
    read = load_photo(data)
    assert read.shape == pixels.shape
    assert np.abs(read.astype(int) - pixels)[:, [8, 56]].max() < 12


def test_damaged_heic_is_refused(heic):
    _, data = heic
    with pytest.raises(InputError, match="damaged"):
        load_photo(data[:200])


def test_masks_are_no_heic(heic):
    _, data = heic
    with pytest.raises(InputError):
        read_mask(data)

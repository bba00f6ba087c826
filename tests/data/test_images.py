import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from segviz.data.images import fit, load_photo, thumbnail
from segviz.data.masks import load_labels
from segviz.data.voc_palette import colourise
from segviz.errors import InputError
from tests.data.image_files import assert_refused, encode, labels, mask, scene


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey(mode):
    image = Image.fromarray(scene()).convert(mode)
    photo = load_photo(encode(image))
    assert (photo == photo[..., :1]).all()
    np.testing.assert_array_equal(photo[..., 0], np.array(image.convert("L")))


def test_palette():
    image = Image.fromarray(scene()).quantize(32)
    np.testing.assert_array_equal(load_photo(encode(image)), np.array(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode):
    image = Image.fromarray(scene()).convert(mode)
    alpha = np.full((30, 40), 255, dtype=np.uint8)
    alpha[:10], alpha[10:20] = 0, 128
    image.putalpha(Image.fromarray(alpha))
    photo = load_photo(encode(image))
    opaque = np.array(Image.fromarray(scene()).convert(mode).convert("RGB")).astype(int)
    assert (photo[:10] == 255).all()
    np.testing.assert_allclose(photo[10:20], (opaque[10:20] + 255) / 2, atol=2)
    np.testing.assert_array_equal(photo[20:], opaque[20:])


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_palette_with_transparency(form):
    image = mask(labels())
    data = encode(image, transparency=15)
    if form == "WEBP":
        data = encode(Image.open(io.BytesIO(data)).convert("RGBA"), "WEBP", lossless=True)
    photo = load_photo(data)
    expected = colourise(labels())
    expected[labels() == 15] = 255
    np.testing.assert_array_equal(photo, expected)


@pytest.mark.parametrize(("mode", "key"), [("L", 0), ("RGB", (0, 0, 0))])
def test_transparent_colour(mode, key):
    image = Image.new(mode, (20, 20))
    image.paste("white" if mode == "L" else "red", (10, 0, 20, 20))
    photo = load_photo(encode(image, transparency=key))
    assert (photo[:, :10] == 255).all()
    assert (photo[:, 10:] == ((255,) * 3 if mode == "L" else (255, 0, 0))).all()


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk(form):
    image = Image.new("CMYK", (20, 20), (0, 255, 255, 0))
    photo = load_photo(encode(image, form))
    assert (photo[..., 0] > 200).all() and (photo[..., 1:] < 60).all()


def test_ycbcr_tiff():
    image = Image.fromarray(scene()).convert("YCbCr")
    photo = load_photo(encode(image, "TIFF"))
    assert np.abs(photo.astype(int) - scene()).mean() < 4


@pytest.mark.parametrize(
    ("dtype", "form", "white", "bright"),
    [
        (np.uint16, "PNG", 65535, 255),
        (np.uint16, "TIFF", 65535, 255),
        (np.uint16, "PNG", 4095, 255),
        (np.uint16, "PNG", 3000, 187),
        (np.uint16, "PNG", 255, 255),
        (np.int32, "TIFF", 65535, 255),
        (np.int32, "TIFF", 10**9, 255),
        (np.float32, "TIFF", 1.0, 255),
        (np.float32, "TIFF", 0.5, 128),
        (np.float32, "TIFF", 255, 255),
        (np.float32, "TIFF", 1e30, 255),
    ],
)
def test_deep_grey(dtype, form, white, bright):
    values = np.linspace(0, white, 400).reshape(20, 20).astype(dtype)
    photo = load_photo(encode(Image.fromarray(values), form))
    assert photo.shape == (20, 20, 3)
    np.testing.assert_allclose(
        photo[..., 1], np.linspace(0, bright, 400).reshape(20, 20), atol=1.01
    )


def unsigned_tiff(values):
    """A TIFF of unsigned integers of 32 bits, which Pillow does not write."""
    data = bytearray(encode(Image.fromarray(values.view(np.int32)), "TIFF"))
    place = data.index(struct.pack("<HHI", 339, 3, 1))  # the format of the samples
    data[place + 8 : place + 10] = struct.pack("<H", 1)
    return bytes(data)


def test_unsigned_integers_of_32_bits_are_no_negative_numbers():
    values = np.linspace(0, 2**32 - 1, 400).reshape(20, 20).astype(np.uint32)
    photo = load_photo(unsigned_tiff(values))
    np.testing.assert_allclose(photo[..., 0], np.linspace(0, 255, 400).reshape(20, 20), atol=0.51)
    ids = np.full((20, 20), 15, np.uint32)
    assert (load_labels(unsigned_tiff(ids)) == 15).all()
    ids[0, 0] = 2**32 - 1
    assert_refused("ids from 15 to 4294967295", unsigned_tiff(ids), load_labels)


def test_deep_grey_with_odd_values():
    values = np.zeros((20, 20), dtype=np.float32)
    values[0, :4] = [np.nan, np.inf, -np.inf, -1]
    values[10:] = 3
    photo = load_photo(encode(Image.fromarray(values), "TIFF"))
    assert photo[15, 0, 0] == 255 and photo[0, 3, 0] == 0 and photo[0, 0, 0] == 64
    assert not load_photo(encode(Image.fromarray(np.zeros_like(values)), "TIFF")).any()


def test_mode_without_a_way_to_rgb(monkeypatch):
    def no_way(*_):
        raise ValueError("conversion not supported")

    data = encode(Image.new("CMYK", (20, 20)), "TIFF")
    monkeypatch.setattr(Image.Image, "convert", no_way)
    assert_refused("colour mode CMYK, which cannot be converted to RGB", data)


def test_fit_leaves_small_photos():
    photo, truth = scene(), labels().astype(np.int64)
    assert fit(photo, truth) == (photo, truth, 1.0)
    assert fit(scene(500, 30))[2] == 1.0


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1000, 750), (500, 375)), ((333, 1000), (166, 500)), ((6000, 300), (500, 25))],
)
def test_fit(size, expected):
    photo, truth = scene(*size), labels(*size).astype(np.int64)
    small, small_truth, factor = fit(photo, truth)
    assert small.shape == (*expected[::-1], 3) and small.dtype == np.uint8
    assert small_truth.shape == expected[::-1] and small_truth.dtype == np.int64
    assert factor == 500 / max(size)
    assert set(np.unique(small_truth)) <= {0, 8, 15, 255}
    assert fit(photo)[1] is None


def test_fit_keeps_photo_and_truth_aligned():
    truth = np.zeros((900, 1200), dtype=np.int64)
    truth[300:600, 400:1000] = 15
    photo = np.repeat((truth == 15)[..., None], 3, axis=-1).astype(np.uint8) * 255
    small, small_truth, _ = fit(photo, truth)
    np.testing.assert_array_equal(small[..., 0] > 127, small_truth == 15)


def test_fit_antialiases():
    stripes = np.zeros((600, 1000, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    small = fit(stripes)[0]
    assert abs(small[:, 5:-5].astype(int) - 127).max() < 8


def test_fit_refuses_another_size():
    with pytest.raises(InputError, match=r"40 x 30 .* 30 x 40"):
        fit(scene(30, 40), labels())


def test_thumbnail():
    assert thumbnail(scene(400, 300), 64).shape == (48, 64, 3)
    assert thumbnail(scene(40, 30), 64).shape == (30, 40, 3)


def test_inverted_grey_of_16_bits():
    grey = np.arange(400, dtype=np.uint16).reshape(20, 20) * 150
    inverted = load_photo(encode(Image.fromarray(grey), "TIFF", tiffinfo={262: 0}))
    plain = load_photo(encode(Image.fromarray(grey), "TIFF"))
    np.testing.assert_array_equal(inverted, 255 - plain)


@pytest.mark.parametrize("bits", [9, 10, 12, 14])
def test_colours_of_few_bits_in_16(bits):
    header = struct.pack(">IIBBBBB", 20, 20, 16, 2, 0, 0, 0)
    rows = b"".join(b"\0" + struct.pack(">60H", *range(2**bits - 60, 2**bits)) for _ in range(20))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )
    assert_refused("at most 14 bits in 16.*8 bits", data)

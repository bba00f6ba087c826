import io
import os
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segviz.data import decode, images
from segviz.data.classes import PALETTE, colourise, match
from segviz.data.images import fit, load_labels, load_photo, thumbnail
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


def refused(pattern, source, load=load_photo, **options):
    with pytest.raises(InputError, match=pattern) as caught:
        load(source, **options)
    text = str(caught.value)
    assert text[0].isupper() and text.endswith(".") and "\n" not in text


def png_header(width, height):
    """A PNG of that size whose pixels are missing."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


# Photos: what is accepted


@pytest.mark.parametrize("form", ["PNG", "BMP", "TIFF"])
def test_lossless_formats(form, tmp_path):
    data = encode(Image.fromarray(scene()), form)
    (tmp_path / "photo").write_bytes(data)
    for source in (data, tmp_path / "photo"):
        photo = load_photo(source)
        assert photo.dtype == np.uint8 and photo.flags.writeable
        np.testing.assert_array_equal(photo, scene())


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_lossy_formats(form):
    photo = load_photo(encode(Image.fromarray(scene()), form, quality=95))
    assert photo.shape == (30, 40, 3)
    assert np.abs(photo.astype(int) - scene()).mean() < 8


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation(orientation, form):
    # The stored pixels are those which the EXIF rule turns back into the scene.
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }[orientation](scene())
    exif = Image.Exif()
    exif[274] = orientation
    options = {"JPEG": {"quality": 95}, "WEBP": {"lossless": True}}.get(form, {})
    image = Image.fromarray(np.ascontiguousarray(stored))
    photo = load_photo(encode(image, form, exif=exif, **options))
    assert photo.shape == (30, 40, 3)
    assert np.abs(photo.astype(int) - scene()).mean() < 8


def test_broken_exif_is_no_obstacle():
    data = encode(Image.fromarray(scene()), "PNG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    np.testing.assert_array_equal(load_photo(data), scene())


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


def test_deep_grey_with_odd_values():
    values = np.zeros((20, 20), dtype=np.float32)
    values[0, :4] = [np.nan, np.inf, -np.inf, -1]
    values[10:] = 3
    photo = load_photo(encode(Image.fromarray(values), "TIFF"))
    assert photo[15, 0, 0] == 255 and photo[0, 3, 0] == 0 and photo[0, 0, 0] == 64
    assert not load_photo(encode(Image.fromarray(np.zeros_like(values)), "TIFF")).any()


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_first_frame(form):
    first, second = Image.fromarray(scene()), Image.new("RGB", (40, 30), "white")
    options = {"WEBP": {"lossless": True}}.get(form, {})
    data = encode(first, form, save_all=True, append_images=[second], **options)
    np.testing.assert_array_equal(load_photo(data), scene())


def test_jpeg_with_several_pictures():
    first = Image.fromarray(scene())
    data = encode(first, "MPO", save_all=True, append_images=[first])
    assert load_photo(data).shape == (30, 40, 3)
    refused("JPEG", data, load_labels)


def test_limits_are_inclusive(monkeypatch):
    monkeypatch.setattr(decode, "MAX_PIXELS", 320 * 16)
    assert load_photo(encode(Image.new("RGB", (320, 16)))).shape == (16, 320, 3)
    monkeypatch.setattr(decode, "MAX_BYTES", len(data := encode(Image.new("RGB", (16, 16)))))
    assert load_photo(data).shape == (16, 16, 3)


# Photos: what is refused


@pytest.mark.parametrize("form", ["GIF", "PPM", "ICO", "JPEG2000", "PDF", "TGA"])
def test_other_formats(form):
    data = encode(Image.fromarray(scene(64, 64)), form)
    refused("damaged or not an image in one of the formats JPEG, PNG, WebP, BMP and TIFF", data)


@pytest.mark.parametrize(
    "data", [b"x", b"hello " * 100, b"%PDF-1.7", b"\xff\xd8\xff", b"<svg/>", b"\x00" * 1000]
)
def test_no_image(data):
    refused("damaged or not an image", data)


def test_no_bytes(tmp_path):
    refused(r"empty \(0 bytes\)", b"")
    (tmp_path / "photo.png").touch()
    refused(r"photo\.png is empty \(0 bytes\)", tmp_path / "photo.png")


def test_too_many_bytes(tmp_path):
    data = encode(Image.fromarray(scene())).ljust(20_000_001, b"\x00")
    refused("20,000,001 bytes, more than the limit of 20,000,000", data)
    (tmp_path / "photo.png").write_bytes(data)
    assert load_photo(tmp_path / "photo.png").shape == (30, 40, 3)


@pytest.mark.parametrize("width, height", [(60000, 60000), (10000, 10000)])
def test_bomb(width, height, monkeypatch):
    def never(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", never)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", never)
    count = f"{width * height:,}"
    refused(f"{count} pixels, more than the limit of 25,000,000", png_header(width, height))


def test_too_many_pixels():
    found = "6,000 x 5,000 pixels .* more than the limit of 25,000,000"
    refused(found, png_header(6000, 5000))
    refused(found, encode(Image.new("1", (6000, 5000)), "TIFF", compression="group4"))


@pytest.mark.parametrize(("width", "height"), [(15, 100), (100, 15), (1, 1)])
def test_too_small(width, height):
    refused(f"{width} x {height} pixels .* less than 16", encode(Image.new("L", (width, height))))


@pytest.mark.parametrize(("width", "height"), [(341, 17), (17, 341)])
def test_too_long(width, height):
    refused(f"{width} x {height} pixels .* 20 to 1", encode(Image.new("L", (width, height))))


def test_huge_tiles():
    # 64 x 64 pixels in one tile of 1.6 GB, for which libtiff would take the memory.
    side = 40000
    values = {256: 64, 257: 64, 258: 8, 259: 8, 262: 1, 277: 1, 322: side, 323: side}
    values |= {324: 8, 325: 16}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    data = b"II*\x00" + struct.pack("<I", 24) + zlib.compress(b"").ljust(16, b"\x00")
    data += struct.pack("<H", len(values)) + entries + bytes(4)
    refused("tiles of 1,600,000,000 pixels, more than the limit of 25,000,000", data)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_truncated(form):
    data = encode(Image.fromarray(scene(200, 150)), form)
    refused("damaged", data[: len(data) // 2])
    refused("damaged", data[:20])


def test_mode_without_a_way_to_rgb(monkeypatch):
    def no_way(*_):
        raise ValueError("conversion not supported")

    data = encode(Image.new("CMYK", (20, 20)), "TIFF")
    monkeypatch.setattr(Image.Image, "convert", no_way)
    refused("colour mode CMYK, which cannot be turned into RGB", data)


def test_paths(tmp_path):
    refused(r"no\.png cannot be read \(No such file or directory\)", tmp_path / "no.png")
    refused("is a folder", tmp_path)
    refused("cannot be read", tmp_path / ("x" * 5000))
    refused("cannot be read", tmp_path / "a\0b")
    refused("is a device or a pipe", Path(os.devnull))


def test_unreadable(tmp_path, monkeypatch):
    def closed(*_):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "photo.png").write_bytes(encode(Image.fromarray(scene())))
    monkeypatch.setattr(Path, "open", closed)
    refused(r"photo\.png cannot be read \(Permission denied\)", tmp_path / "photo.png")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("load", [load_photo, load_labels])
def test_fuzz(form, load, recwarn):
    rng = np.random.default_rng(len(form))
    exif = Image.Exif()
    exif[274] = 6
    options = {} if form == "BMP" else {"exif": exif}
    files = [encode(Image.fromarray(colourise(labels())), form, **options)]
    files.append(encode(mask(labels()).convert("L" if form == "JPEG" else "P"), form))
    for case in range(60):
        data = bytearray(files[case % 2])
        if case % 3 == 0:
            del data[rng.integers(len(data)) :]
        for place in rng.integers(len(data) or 1, size=rng.integers(0, 8)):
            if data:
                # Damage to the header is the more interesting kind.
                place = place if rng.random() < 0.5 else place % 100 % len(data)
                data[place] = rng.integers(256)
        try:
            result = load(bytes(data))
        except InputError as error:
            assert str(error).endswith(".") and "\n" not in str(error)
        else:
            assert result.ndim == (3 if load is load_photo else 2)
    assert not recwarn.list


# Labels


@pytest.mark.parametrize("form", ["PNG", "TIFF", "BMP"])
@pytest.mark.parametrize(
    "make", [mask, Image.fromarray, lambda ids: Image.fromarray(colourise(ids))]
)
def test_labels(form, make):
    ids = load_labels(encode(make(labels()), form), size=(30, 40))
    assert ids.dtype == np.int64
    np.testing.assert_array_equal(ids, labels())


def test_every_id_in_every_form():
    ids = np.repeat(np.append(np.arange(21), 255), 16).reshape(16, 22).astype(np.uint8)
    for image in (
        mask(ids),
        Image.fromarray(ids),
        Image.fromarray(ids.astype(np.uint16)),
        Image.fromarray(colourise(ids)),
        Image.fromarray(colourise(ids)).convert("RGBA"),
        Image.fromarray(np.repeat(ids[..., None], 3, axis=-1)),
        Image.fromarray(ids).convert("LA"),
    ):
        np.testing.assert_array_equal(load_labels(encode(image)), ids)
    webp = encode(Image.fromarray(colourise(ids)), "WEBP", lossless=True)
    np.testing.assert_array_equal(load_labels(webp), ids)
    deep = encode(Image.fromarray(ids.astype(np.int32)), "TIFF")
    np.testing.assert_array_equal(load_labels(deep), ids)


def test_reordered_palette():
    ids = labels()
    order = [255, 8, 15, 0]
    indices = np.zeros_like(ids)
    for index, id in enumerate(order):
        indices[ids == id] = index
    data = encode(mask(indices, PALETTE[order]), bits=2)
    np.testing.assert_array_equal(load_labels(data), ids)


def test_foreign_palette_holds_ids():
    ids = labels()
    palette = np.random.default_rng(0).integers(0, 256, (256, 3), dtype=np.uint8)
    np.testing.assert_array_equal(load_labels(encode(mask(ids, palette))), ids)


def test_labels_are_turned_like_photos():
    exif = Image.Exif()
    exif[274] = 6
    data = encode(mask(np.ascontiguousarray(np.rot90(labels()))), exif=exif)
    np.testing.assert_array_equal(load_labels(data, size=(30, 40)), labels())


def test_photo_and_mask_meet_upright():
    # The photo is stored lying on its side; its mask was drawn on what people see.
    exif = Image.Exif()
    exif[274] = 8
    photo = load_photo(encode(Image.fromarray(scene(30, 40)), "JPEG", exif=exif))
    assert load_labels(encode(mask(labels())), size=photo.shape[:2]).shape == (30, 40)


def test_jpeg_mask():
    refused(
        "JPEG, whose compression changes class ids",
        encode(Image.fromarray(labels()), "JPEG"),
        load_labels,
    )


def test_strange_ids():
    ids = labels()
    ids[0, :3] = 21, 77, 254
    refused(
        "class ids 21, 77, 254, which are neither 0 to 20 nor 255", encode(mask(ids)), load_labels
    )
    ids = np.arange(1000, 1256).reshape(16, 16).astype(np.uint16)
    refused(r"1000, 1001, .*1007, \.\.\., which", encode(Image.fromarray(ids)), load_labels)
    refused(
        "class ids -5,",
        encode(Image.fromarray(-5 * np.eye(16, dtype=np.int32)), "TIFF"),
        load_labels,
    )
    refused(
        "class ids 8, 15, which are neither 0 to 3", encode(mask(labels())), load_labels, classes=4
    )


def test_ids_of_other_data_sets():
    ids = np.full((20, 20), 149, dtype=np.uint8)
    assert (load_labels(encode(Image.fromarray(ids)), classes=150) == 149).all()


def test_mask_of_another_size():
    refused(
        "mask is 40 x 30 pixels .* photo 30 x 40",
        encode(mask(labels())),
        load_labels,
        size=(40, 30),
    )


def test_strange_colours():
    colours = colourise(labels())
    colours[0, :3] = 1, 2, 3
    refused(r"3 pixels \(0\.2%\) .* \(1, 2, 3\)", encode(Image.fromarray(colours)), load_labels)
    refused("in colours that are not VOC's", encode(Image.fromarray(scene())), load_labels)


def test_transparent_mask():
    image = Image.fromarray(colourise(labels())).convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 254))
    refused("transparent pixels", encode(image), load_labels)


@pytest.mark.parametrize(("mode", "form"), [("1", "PNG"), ("F", "TIFF"), ("CMYK", "TIFF")])
def test_modes_without_ids(mode, form):
    refused(f"colour mode {mode}", encode(Image.new(mode, (20, 20)), form), load_labels)


def test_labels_share_the_checks_of_photos(tmp_path):
    refused(r"mask is empty \(0 bytes\)", b"", load_labels)
    refused("mask has 3,600,000,000 pixels", png_header(60000, 60000), load_labels)
    refused("mask .* is a folder", tmp_path, load_labels)


def test_match_inverts_colourise():
    ids = np.arange(256)
    np.testing.assert_array_equal(match(colourise(ids)), ids)
    assert match(np.array([1, 2, 3], dtype=np.uint8)) == -1


# Resizing


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


def test_limits_are_public():
    assert {images.MAX_PIXELS, images.MAX_BYTES} == {25_000_000, 20_000_000}
    assert re.search("WEBP", " ".join(images.FORMATS))

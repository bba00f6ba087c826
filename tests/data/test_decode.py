import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from segviz.data.images import load_photo
from segviz.data.masks import load_labels
from segviz.data.voc_palette import colourise
from segviz.errors import InputError
from tests.data.image_files import assert_refused, encode, labels, mask, png_header, scene


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
    assert_refused("JPEG", data, load_labels)


def test_limits_are_inclusive():
    assert load_photo(encode(Image.new("1", (5000, 5000)))).shape == (5000, 5000, 3)
    assert load_photo(encode(Image.new("L", (320, 16)))).shape == (16, 320, 3)
    data = encode(Image.fromarray(scene())).ljust(20_000_000, b"\x00")
    assert load_photo(data).shape == (30, 40, 3)


@pytest.mark.parametrize("form", ["GIF", "PPM", "ICO", "JPEG2000", "PDF", "TGA"])
def test_other_formats(form):
    data = encode(Image.fromarray(scene(64, 64)), form)
    assert_refused(
        "damaged or not an image in one of the formats JPEG, PNG, WebP, BMP and TIFF", data
    )


@pytest.mark.parametrize(
    "data", [b"x", b"hello " * 100, b"%PDF-1.7", b"\xff\xd8\xff", b"<svg/>", b"\x00" * 1000]
)
def test_no_image(data):
    assert_refused("damaged or not an image", data)


def test_no_bytes(tmp_path):
    assert_refused(r"empty \(0 bytes\)", b"")
    (tmp_path / "photo.png").touch()
    assert_refused(r"photo\.png is empty \(0 bytes\)", tmp_path / "photo.png")


def test_too_many_bytes(tmp_path):
    data = encode(Image.fromarray(scene())).ljust(20_000_001, b"\x00")
    assert_refused("20,000,001 bytes, more than the limit of 20,000,000", data)
    (tmp_path / "photo.png").write_bytes(data)
    assert load_photo(tmp_path / "photo.png").shape == (30, 40, 3)


@pytest.mark.parametrize("width, height", [(60000, 60000), (10000, 10000)])
def test_bomb(width, height, monkeypatch):
    def never(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(Image.Image, "load", never)
    monkeypatch.setattr(ImageFile.ImageFile, "load", never)
    count = f"{width * height:,}"
    assert_refused(f"{count} pixels, more than the limit of 25,000,000", png_header(width, height))


def test_too_many_pixels():
    found = "6,000 x 5,000 pixels .* more than the limit of 25,000,000"
    assert_refused(found, png_header(6000, 5000))
    assert_refused(found, encode(Image.new("1", (6000, 5000)), "TIFF", compression="group4"))


@pytest.mark.parametrize(("width", "height"), [(15, 100), (100, 15), (1, 1)])
def test_too_small(width, height):
    assert_refused(
        f"{width} x {height} pixels .* less than 16", encode(Image.new("L", (width, height)))
    )


@pytest.mark.parametrize(("width", "height"), [(341, 17), (17, 341)])
def test_too_long(width, height):
    assert_refused(f"{width} x {height} pixels .* 20 to 1", encode(Image.new("L", (width, height))))


def test_huge_tiles():
    # 64 x 64 pixels in one tile of 1.6 GB, for which libtiff would take the memory.
    side = 40000
    values = {256: 64, 257: 64, 258: 8, 259: 8, 262: 1, 277: 1, 322: side, 323: side}
    values |= {324: 8, 325: 16}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values.items())
    data = b"II*\x00" + struct.pack("<I", 24) + zlib.compress(b"").ljust(16, b"\x00")
    data += struct.pack("<H", len(values)) + entries + bytes(4)
    assert_refused("tiles of 1,600,000,000 pixels, more than the limit of 25,000,000", data)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_truncated(form):
    data = encode(Image.fromarray(scene(200, 150)), form)
    assert_refused("damaged", data[: len(data) // 2])
    assert_refused("damaged", data[:20])


def test_paths(tmp_path):
    assert_refused(r"no\.png cannot be read \(No such file or directory\)", tmp_path / "no.png")
    assert_refused("is a folder", tmp_path)
    assert_refused("cannot be read", tmp_path / ("x" * 5000))
    assert_refused("cannot be read", tmp_path / "a\0b")
    assert_refused("is a device or a pipe", Path(os.devnull))


def test_unreadable(tmp_path):
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    assert_refused(r"loop\.png cannot be read \(Too many levels of symbolic links\)", loop)


@pytest.mark.parametrize("load", [load_photo, load_labels])
def test_pipes_are_refused_without_waiting(load, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert_refused("is a device or a pipe", tmp_path / "pipe.png", load)


def test_names_are_printed_without_control_characters(tmp_path):
    name = tmp_path / "a\x1b[2Jb\u202e\n.png"
    assert_refused(r"a\\x1b\[2Jb\\u202e", name)


def scans(count, side=64):
    """A progressive JPEG whose last scan is there several times."""
    data = encode(Image.fromarray(scene(side, side)), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + count * data[last:-2] + data[-2:]


def test_jpegs_of_many_scans_are_refused():
    assert load_photo(scans(20)).shape == (64, 64, 3)
    assert_refused("more than 32 scans", scans(33))


def test_what_follows_a_jpeg_is_not_counted():
    film = encode(Image.fromarray(scene()), "JPEG") + 100 * b"\xff\xda\x00\x02"  # as of phones
    assert load_photo(film).shape == (30, 40, 3)


def test_bytes_in_segments_are_no_scans():
    data = encode(Image.fromarray(scene()), "JPEG", comment=100 * b"\xff\xda\x00\x02")
    assert load_photo(data).shape == (30, 40, 3)


@pytest.mark.parametrize("load", [load_photo, load_labels])
def test_a_missing_palette_is_refused(load):
    data = encode(mask(labels()))
    place = data.index(b"PLTE")
    length = int.from_bytes(data[place - 4 : place], "big")
    assert_refused("no palette", data[: place - 4] + data[place + 8 + length :], load)


def test_threads_decode_at_the_same_time():
    """A slow picture does not hold up a quick one."""
    slow = encode(Image.fromarray(np.tile(scene(), (100, 100, 1))), "PNG", compress_level=1)
    with ThreadPoolExecutor(4) as pool:
        busy = [pool.submit(load_photo, slow) for _ in range(3)]
        quick = pool.submit(load_photo, encode(Image.fromarray(scene())))
        assert quick.result().shape == (30, 40, 3)
        assert all(each.result().shape == (3000, 4000, 3) for each in busy)


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

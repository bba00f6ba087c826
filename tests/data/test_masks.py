import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from segviz.data.classes import ClassList
from segviz.data.images import load_photo
from segviz.data.masks import MaskFormat, is_binary, load_labels, read_mask
from segviz.data.voc_palette import PALETTE, colourise
from segviz.errors import InputError
from tests.data.image_files import assert_refused, encode, labels, mask, png_header, scene


def numbered(count, **options):
    """The format of masks with the ids of so many classes."""
    return MaskFormat(ClassList(tuple(f"class {i}" for i in range(count))), **options)


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
    assert_refused(
        "JPEG or compressed as one, which changes class ids",
        encode(Image.fromarray(labels()), "JPEG"),
        load_labels,
    )


def test_a_tiff_compressed_as_jpeg():
    data = encode(Image.fromarray(labels()).convert("RGB"), "TIFF", compression="jpeg")
    assert_refused("compressed as one, which changes class ids", data, load_labels)
    assert load_photo(data).shape == (30, 40, 3)


def test_strange_ids():
    ids = labels()
    ids[0, :3] = 21, 77, 254
    assert_refused(
        "class ids 21, 77, 254, which are neither 0 to 20 nor 255", encode(mask(ids)), load_labels
    )
    ids = np.arange(1000, 1256).reshape(16, 16).astype(np.uint16)
    assert_refused(r"1000, 1001, .*1007, \.\.\., which", encode(Image.fromarray(ids)), load_labels)
    assert_refused(
        "ids from -5 to 0",
        encode(Image.fromarray(-5 * np.eye(16, dtype=np.int32)), "TIFF"),
        load_labels,
    )
    assert_refused(
        "class ids 8, 15, which are neither 0 to 3",
        encode(mask(labels())),
        load_labels,
        format=numbered(4),
    )


def test_ids_of_other_data_sets():
    ids = np.full((20, 20), 149, dtype=np.uint8)
    assert (load_labels(encode(Image.fromarray(ids)), format=numbered(150)) == 149).all()


def test_mask_of_another_size():
    assert_refused(
        "mask is 40 x 30 pixels .* photo 30 x 40",
        encode(mask(labels())),
        load_labels,
        size=(40, 30),
    )


def test_strange_colours():
    colours = colourise(labels())
    colours[0, :3] = 1, 2, 3
    assert_refused(
        r"3 pixels \(0\.2%\) .* \(1, 2, 3\)", encode(Image.fromarray(colours)), load_labels
    )
    assert_refused("in colours that are not VOC's", encode(Image.fromarray(scene())), load_labels)


def test_transparent_mask():
    image = Image.fromarray(colourise(labels())).convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 254))
    assert_refused("transparent pixels", encode(image), load_labels)


@pytest.mark.parametrize(("mode", "form"), [("1", "PNG"), ("F", "TIFF"), ("CMYK", "TIFF")])
def test_modes_without_ids(mode, form):
    assert_refused(f"colour mode {mode}", encode(Image.new(mode, (20, 20)), form), load_labels)


def test_labels_share_the_checks_of_photos(tmp_path):
    assert_refused(r"mask is empty \(0 bytes\)", b"", load_labels)
    assert_refused("mask has 3,600,000,000 pixels", png_header(60000, 60000), load_labels)
    assert_refused("mask .* is a folder", tmp_path, load_labels)


# Files that Pillow would not return as they were meant


@pytest.mark.parametrize(("bits", "factor"), [(2, 85), (4, 17)])
def test_grey_of_few_bits_holds_ids(bits, factor):
    """Pillow can write few bits for palettes only: the palette is cut out of the file."""
    ids = (np.arange(400).reshape(20, 20) % 2**bits).astype(np.uint8)
    data = without_palette(encode(mask(ids), bits=bits))
    assert (np.array(Image.open(io.BytesIO(data))) == factor * ids).all()
    np.testing.assert_array_equal(load_labels(data), ids)


def without_palette(data):
    """A palette PNG as the greyscale PNG of the same values."""
    chunks, place = [], 8
    while place < len(data):
        length = struct.unpack(">I", data[place : place + 4])[0]
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            body = body[:9] + b"\0" + body[10:]
        if kind != b"PLTE":
            crc = struct.pack(">I", zlib.crc32(kind + body))
            chunks.append(struct.pack(">I", len(body)) + kind + body + crc)
        place += 12 + length
    return data[:8] + b"".join(chunks)


def test_one_bit_holds_two_classes():
    bits = np.eye(20) > 0
    data = encode(Image.fromarray(bits))
    np.testing.assert_array_equal(load_labels(data, format=numbered(2)), bits)
    assert_refused("colour mode 1, which holds no ids of 21 classes", data, load_labels)


def test_refused_storage():
    frame = Image.fromarray(labels())
    one_hot = encode(frame, "TIFF", save_all=True, append_images=[frame])
    assert_refused("several frames, as of one-hot", one_hot, load_labels)
    inverted = encode(frame, "TIFF", tiffinfo={262: 0})
    assert_refused("white as 0", inverted, load_labels)
    header = struct.pack(">IIBBBBB", 20, 20, 16, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + bytes(20 * 6) for _ in range(20)))
    deep = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )
    assert_refused("colours of 16 bits", deep, load_labels)


# Formats of masks


def test_colours_of_classes():
    colours = ((9, 9, 9), (1, 2, 3), (250, 0, 0))
    format = MaskFormat(ClassList(("a", "b", "c"), colours))
    ids = np.tile(np.array([[0, 1], [2, 255]], np.uint8), (10, 10))
    table = np.zeros((256, 3), np.uint8)
    table[:3], table[255] = colours, PALETTE[255]
    for image in (Image.fromarray(table[ids]), mask(ids, table)):
        found = read_mask(encode(image), format=format)
        np.testing.assert_array_equal(found.labels, ids)
        assert not found.ids
    table[2] = 250, 0, 1
    assert_refused(r"colours that are not the classes', such as \(250, 0, 1\)",
                   encode(Image.fromarray(table[ids])), load_labels, format=format)  # fmt: skip
    assert_refused("some colours of the classes and others", encode(mask(ids, table)),
                   load_labels, format=format)  # fmt: skip
    # Ids in a palette of quite other colours, and in grey.
    for image in (mask(ids, PALETTE), Image.fromarray(ids)):
        np.testing.assert_array_equal(load_labels(encode(image), format=format), ids)


def test_ids_to_ignore_and_to_reduce():
    ids = np.tile(np.array([[0, 1], [2, 7]], np.uint8), (10, 10))
    data = encode(Image.fromarray(ids))
    assert load_labels(data, format=numbered(3, ignore=7))[:2, :2].tolist() == [[0, 1], [2, 255]]
    reduced = load_labels(data, format=numbered(2, ignore=7, reduce_zero_label=True))
    assert reduced[:2, :2].tolist() == [[255, 0], [1, 255]]
    assert_refused(
        "class ids 7, which are neither 1 to 3 nor 0", data, load_labels,
        format=numbered(3, reduce_zero_label=True),
    )  # fmt: skip


def test_masks_of_one_object():
    unstated = MaskFormat()
    assert is_binary({0, 255}, unstated) and is_binary({255}, unstated)
    assert not is_binary({0}, unstated) and not is_binary({0, 1, 255}, unstated)
    assert not is_binary({0, 255}, MaskFormat(ignore=255))
    assert not is_binary({0, 255}, MaskFormat(ClassList(("a", "b"), mask_ids=(0, 255))))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"ignore": -1}, "from 0 to 65535, got -1"),
        ({"classes": ClassList(("a", "b"), mask_ids=(0, 9)), "ignore": 9}, "class 'b'"),
        ({"classes": ClassList(("a", "b"), mask_ids=(0, 9)), "reduce_zero_label": True},
         "--reduce-zero-label"),
    ],
)  # fmt: skip
def test_contradictions(options, words):
    with pytest.raises(InputError, match=words):
        MaskFormat(**options)

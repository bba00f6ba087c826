import numpy as np
import pytest
from PIL import Image

from segviz.data.classes import PALETTE, ClassList, colourise
from segviz.data.images import load_photo
from segviz.data.masks import MaskFormat, load_labels
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
        "JPEG, whose compression changes class ids",
        encode(Image.fromarray(labels()), "JPEG"),
        load_labels,
    )


def test_strange_ids():
    ids = labels()
    ids[0, :3] = 21, 77, 254
    assert_refused(
        "class ids 21, 77, 254, which are neither 0 to 20 nor 255", encode(mask(ids)), load_labels
    )
    ids = np.arange(1000, 1256).reshape(16, 16).astype(np.uint16)
    assert_refused(r"1000, 1001, .*1007, \.\.\., which", encode(Image.fromarray(ids)), load_labels)
    assert_refused(
        "class ids -5,",
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

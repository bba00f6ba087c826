import numpy as np
import pytest
import torch
from PIL import Image

from segviz.data.pixels import as_labels, as_pixels
from segviz.errors import InputError

PHOTO = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
PHOTO[0, :2] = [[0], [255]]
TENSOR = torch.tensor(PHOTO).permute(2, 0, 1)


@pytest.mark.parametrize(
    "photo",
    [
        PHOTO,
        PHOTO.astype(np.int64),
        PHOTO.astype(np.float32),
        PHOTO / 255,
        Image.fromarray(PHOTO),
        TENSOR,
        TENSOR / 255,
        (TENSOR / 255).double(),
        TENSOR.permute(1, 2, 0),
    ],
)
def test_all_of_these_are_the_same_photo(photo):
    pixels = as_pixels(photo)
    assert pixels.dtype == np.uint8 and (pixels == PHOTO).all()


def test_half_precision():
    assert np.abs(as_pixels(TENSOR.bfloat16() / 255).astype(int) - PHOTO).max() <= 1


def test_pil_images_are_turned_upright_and_grey_ones_are_converted():
    image = Image.fromarray(PHOTO)
    image.getexif()[0x0112] = 6  # turned by a quarter
    assert as_pixels(image).shape == (8, 6, 3)
    assert as_pixels(Image.fromarray(PHOTO[..., 0])).shape == (6, 8, 3)


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        (PHOTO[..., 0], "grey"),
        (PHOTO[..., :1], "grey"),
        (np.dstack([PHOTO, PHOTO[..., :1]]), "transparency"),
        (PHOTO.transpose(2, 0, 1), r"transpose\(1, 2, 0\)"),
        (PHOTO[None], "one photo"),
        (PHOTO / 255 - 0.5, "-0.5 to 0.5.*normalisation"),
        (PHOTO / 255 * 1.01, "0 to 1.01"),
        (PHOTO.astype(np.uint16) * 257, "65535"),
        (np.full((6, 8, 3), np.nan), "nan"),
        (PHOTO > 9, "bool"),
        ([1, 2], "list"),
    ],
)
def test_everything_else_is_refused_by_name(photo, words):
    with pytest.raises(InputError, match=words):
        as_pixels(photo)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bfloat16])
def test_labels_of_tensors(dtype):
    labels = as_labels(torch.tensor([[0, 3], [255, 1]], dtype=dtype))
    assert labels.tolist() == [[0, 3], [255, 1]]
    assert as_labels(labels) is labels


@pytest.mark.parametrize("truth", [[[0, 1]], Image.new("P", (2, 2))])
def test_labels_of_other_kinds_are_refused(truth):
    with pytest.raises(InputError, match=rf"{type(truth).__name__}.*numpy\.array"):
        as_labels(truth)

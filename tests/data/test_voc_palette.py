import numpy as np
import pytest

from segviz.data.voc_palette import PALETTE, colourise, ids_of_colours


@pytest.mark.parametrize(
    ("id", "colour"),
    [
        (0, (0, 0, 0)),
        (1, (128, 0, 0)),
        (2, (0, 128, 0)),
        (8, (64, 0, 0)),
        (11, (192, 128, 0)),
        (15, (192, 128, 128)),
        (20, (0, 64, 128)),
        (255, (224, 224, 192)),
    ],
)
def test_palette(id, colour):
    assert tuple(PALETTE[id]) == colour
    assert (colourise(np.full((2, 3), id)) == colour).all()


def test_palette_is_one_to_one_and_fixed():
    assert PALETTE.shape == (256, 3) and PALETTE.dtype == np.uint8
    assert len({tuple(colour) for colour in PALETTE}) == 256
    with pytest.raises(ValueError, match="read-only"):
        PALETTE[0] = 1


def test_ids_of_colours_inverts_colourise():
    ids = np.arange(256)
    np.testing.assert_array_equal(ids_of_colours(colourise(ids)), ids)
    assert ids_of_colours(np.array([1, 2, 3], dtype=np.uint8)) == -1

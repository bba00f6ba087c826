"""Pictures of at most 256 colours."""

import numpy as np
from PIL import Image

from segviz.data.voc_palette import PALETTE
from segviz.pictures import maps
from segviz.pictures.gif_palette import palette_for, reduce_colours

EXACT = [tuple(colour) for colour in PALETTE[[*range(21), 255]].tolist()]


def test_chosen_colours_and_white_stay_exact_beside_a_photo():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    exact = [*EXACT, *maps.OUTCOMES.values()]
    picture = np.concatenate(
        [photo, np.array([[*exact, (255, 255, 255)]] * 2, np.uint8).repeat(3, 1)[:, :64]]
    )
    reduced = reduce_colours(picture, palette_for(exact, Image.fromarray(photo)))
    shown = np.array(reduced.convert("RGB"))
    assert reduced.mode == "P" and len(np.unique(np.array(reduced))) > 100
    assert (shown[64:] == picture[64:]).all()
    assert np.abs(shown[:64].astype(int) - photo).mean() < 30  # noise, the hardest of all photos


def test_pictures_of_few_colours_need_no_others():
    picture = PALETTE[np.arange(20).reshape(4, 5)]
    reduced = reduce_colours(picture, palette_for(EXACT, None))
    assert (np.array(reduced.convert("RGB")) == picture).all()

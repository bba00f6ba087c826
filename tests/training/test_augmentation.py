import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from segviz.data.classes import IGNORE
from segviz.training.augmentation import Augmentation

FILL = (124, 116, 104)
CLASSES = {0: (0, 0, 255), 8: (255, 0, 0), 12: (0, 255, 0), 15: (255, 255, 0)}


@pytest.fixture(scope="module")
def scene():
    """A photo of 140 x 100 whose colours are its labels: four classes in large shapes."""
    labels = Image.new("L", (140, 100))
    draw = ImageDraw.Draw(labels)
    draw.rectangle((10, 10, 60, 50), fill=8)
    draw.ellipse((70, 30, 130, 90), fill=12)
    draw.polygon([(5, 95), (60, 95), (30, 55)], fill=15)
    truth = np.array(labels)
    photo = np.zeros((100, 140, 3), np.uint8)
    for label, colour in CLASSES.items():
        photo[truth == label] = colour
    return photo, truth


@pytest.fixture(scope="module")
def positions():
    """A photo of 120 x 120 whose red and green are its column and row."""
    photo = np.zeros((120, 120, 3), np.uint8)
    photo[..., 0] = np.arange(120)
    photo[..., 1] = np.arange(120)[:, None]
    return photo, np.zeros((120, 120), np.uint8)


def rng(seed=0):
    return np.random.default_rng(seed)


# The photo as it is


@pytest.mark.parametrize("crop", [200, 160])
def test_small_photos_are_centred_and_padded(scene, crop):
    photo, truth = scene
    cut, labels = Augmentation(crop, augment=False)(photo, truth, rng())
    top, left = (crop - 100) // 2, (crop - 140) // 2
    inside = np.s_[top : top + 100, left : left + 140]
    assert np.array_equal(cut[inside], photo) and np.array_equal(labels[inside], truth)
    padding = np.ones((crop, crop), bool)
    padding[inside] = False
    assert (labels[padding] == IGNORE).all() and (cut[padding] == FILL).all()


def test_large_photos_are_cut_in_the_middle(scene):
    photo, truth = scene
    cut, labels = Augmentation(60, augment=False)(photo, truth, rng())
    assert np.array_equal(cut, photo[20:80, 40:100])
    assert np.array_equal(labels, truth[20:80, 40:100])


def test_sizes_and_types(scene):
    for augment in (True, False):
        cut, labels = Augmentation(65, augment)(*scene, rng())
        assert cut.shape == (65, 65, 3) and cut.dtype == np.uint8
        assert labels.shape == (65, 65) and labels.dtype == np.uint8


# Photo and labels move together


def settled(labels):
    """Pixels with one label only in reach of twofold bilinear enlargement, three each way."""
    pad = np.pad(labels.astype(int), 3, constant_values=-1)
    h, w = labels.shape
    shifts = [pad[i : i + h, j : j + w] for i in range(7) for j in range(7)]
    return np.all([shift == labels for shift in shifts], axis=0)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("crop", [65, 200])
def test_labels_stay_on_what_they_label(scene, seed, crop):
    view = Augmentation(crop, rotation=25.0, colour=0.0)
    cut, labels = view(*scene, rng(seed))
    assert set(np.unique(labels)) <= {*CLASSES, IGNORE}
    sure = settled(labels)
    assert sure.mean() > 0.25
    for label, colour in {**CLASSES, IGNORE: FILL}.items():
        here = sure & (labels == label)
        assert (np.abs(cut[here].astype(int) - colour) <= 2).all(), label


def fit(cut, labels):
    """The affine map from crop pixels to photo pixels: the matrix and what is left over."""
    seen = settled(labels) & (labels != IGNORE)
    y, x = np.nonzero(seen)
    where = np.stack([x, y, np.ones(len(x))], 1)
    matrix, *_ = np.linalg.lstsq(where, cut[seen][:, :2].astype(float), rcond=None)
    return matrix[:2].T, np.abs(where @ matrix - cut[seen][:, :2]).max()


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 1.5, 2.0])
def test_views_are_turned_scaled_and_mirrored(positions, factor):
    view = Augmentation(65, scale=(factor, factor), rotation=10.0, colour=0.0)
    mirrored, angles = set(), []
    for seed in range(16):
        matrix, rest = fit(*view(*positions, rng(seed)))
        assert rest < 1.6  # rounding, and the blur of shrinking
        flip = np.sign(np.linalg.det(matrix))
        mirrored.add(flip)
        turn = matrix @ np.diag([flip, 1]) * factor  # a rotation, if the view is a similarity
        assert np.allclose(turn @ turn.T, np.eye(2), atol=0.06)
        assert turn[0, 0] > 0
        angles.append(math.degrees(math.atan2(turn[1, 0], turn[0, 0])))
    assert mirrored == {-1, 1}
    assert min(angles) < -2 and max(angles) > 2 and max(map(abs, angles)) < 11.5


def test_scales_fill_their_range(positions):
    view = Augmentation(33, scale=(0.5, 2.0), rotation=0.0, colour=0.0)
    factors = [
        abs(np.linalg.det(fit(*view(*positions, rng(seed)))[0])) ** -0.5 for seed in range(40)
    ]
    assert 0.45 < min(factors) < 0.75 and 1.7 < max(factors) < 2.1


def test_crops_lie_within_larger_photos(scene):
    view = Augmentation(64, scale=(1.0, 2.0), rotation=0.0)
    for seed in range(10):
        assert (view(*scene, rng(seed))[1] != IGNORE).all()


def test_smaller_photos_lie_within_the_crop(scene):
    view = Augmentation(200, scale=(0.5, 1.0), rotation=0.0, colour=0.0)
    for seed in range(10):
        _, labels = view(*scene, rng(seed))
        rows, columns = (np.nonzero((labels != IGNORE).any(axis))[0] for axis in (1, 0))
        assert rows.min() > 0 or rows.max() < 199
        ratio = (columns.max() - columns.min() + 1) / (rows.max() - rows.min() + 1)
        assert ratio == pytest.approx(1.4, abs=0.06)


def test_crops_go_everywhere(positions):
    view = Augmentation(32, scale=(1.0, 1.0), rotation=0.0, colour=0.0)
    centres = np.array([view(*positions, rng(seed))[0][16, 16, :2] for seed in range(60)])
    assert (centres.min(0) < 35).all() and (centres.max(0) > 85).all()


def test_crops_turn_about_their_centre(positions):
    view = Augmentation(64, scale=(1.0, 1.0), rotation=40.0, colour=0.0)
    centres = np.array([view(*positions, rng(seed))[0][32, 32, :2] for seed in range(60)])
    assert (centres.min(0) >= 31).all() and (centres.max(0) <= 89).all()


def test_colour_is_changed_and_bounded(scene):
    photo, truth = np.full((80, 80, 3), 100, np.uint8), np.zeros((80, 80), np.uint8)
    view = Augmentation(64, scale=(1.0, 1.0), rotation=0.0, colour=0.4)
    greys = [view(photo, truth, rng(seed))[0].mean() for seed in range(20)]
    assert max(greys) > 115 and min(greys) < 85
    assert min(greys) > 59 and max(greys) < 141
    plain = Augmentation(64, scale=(1.0, 1.0), rotation=0.0, colour=0.0)
    assert (plain(photo, truth, rng())[0] == 100).all()


def test_view_does_not_change_its_input_or_the_global_generator(scene):
    photo, truth = scene[0].copy(), scene[1].copy()
    state = torch.get_rng_state()
    Augmentation(65)(photo, truth, rng())
    assert np.array_equal(photo, scene[0]) and np.array_equal(truth, scene[1])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("size", [(16, 16), (16, 300), (300, 16)])
def test_odd_photos(size):
    photo, truth = np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)
    for seed in range(5):
        assert Augmentation(65)(photo, truth, rng(seed))[1].shape == (65, 65)


# Whole photos


def test_whole_photo_as_it_is(scene):
    photo, truth = scene
    whole, labels = Augmentation(None, augment=False)(photo, truth, rng())
    assert np.array_equal(whole, photo) and np.array_equal(labels, truth)
    assert labels.dtype == np.uint8


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 1.7])
def test_whole_photo_at_a_scale(scene, factor):
    photo, truth = scene
    view = Augmentation(None, scale=(factor, factor), rotation=0, colour=0)
    whole, labels = view(photo, truth, rng())
    assert whole.shape == (round(factor * 100), round(factor * 140), 3)
    assert labels.shape == whole.shape[:2]
    # Colours are labels: where all around has one label, photo and labels say the same.
    inner = settled(labels)
    assert inner.mean() > 0.3
    for label, colour in CLASSES.items():
        here = inner & (labels == label)
        assert here.any() and (np.abs(whole[here].astype(int) - colour) <= 2).all()
    share = [np.mean(part == 12) for part in (labels, truth)]
    assert share[0] == pytest.approx(share[1], abs=0.02)  # nothing was cut off


def test_whole_photo_turned_keeps_its_middle(scene):
    photo, truth = scene
    view = Augmentation(None, scale=(1, 1), rotation=10, colour=0)
    seen = [view(photo, truth, rng(seed))[1] for seed in range(8)]
    assert all(labels.shape == truth.shape for labels in seen)
    assert all(labels[50, 70] in (0, 8, 12, 15) for labels in seen)
    assert any((labels == IGNORE).any() for labels in seen)

"""Maps as pictures."""

import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from segviz.adapt import Settings
from segviz.data.classes import IGNORE
from segviz.data.voc_palette import PALETTE
from segviz.pictures import maps
from segviz.runs.record import Quantised
from segviz.runs.run import Run


@pytest.fixture(scope="module")
def record(trained, photo, truth):
    return Run(trained, photo, Settings(scale=1.0, steps=2), truth, "shapes").all()


def test_labels_take_vocs_colours():
    labels = np.array([[0, 8], [15, 255]], np.uint8)
    assert (maps.label_picture(labels) == PALETTE[labels]).all()


@pytest.mark.parametrize("opacity", [0.0, 0.5, 1.0])
def test_overlay_mixes_objects_and_leaves_background_and_ignored_clear(photo, truth, opacity):
    picture = maps.overlay(photo, truth, opacity)
    clear = (truth == 0) | (truth == IGNORE)
    assert (picture[clear] == photo[clear]).all()
    want = (1 - opacity) * photo[~clear] + opacity * PALETTE[truth[~clear]]
    assert np.abs(picture[~clear] - want).max() <= 0.5


def test_maps_are_resampled_to_the_photo_as_the_network_does(record):
    rows, columns = record.positions
    h, w = record.entropy.codes.shape[1:]
    plane = np.add.outer(3.0 * np.arange(h), np.arange(w))
    want = np.add.outer(3 * rows.clip(0, h - 1), columns.clip(0, w - 1))
    assert np.allclose(maps.to_photo(plane, record), want, atol=1e-4)


def test_entropy_and_sigma_are_coloured_over_the_stated_range(record):
    for picture, values, name in (
        (maps.entropy_picture, record.entropy, "entropy"),
        (maps.receptive_field_picture, record.sigma, "sigma"),
    ):
        low, high = maps.limits_of(values)
        drawn = picture(record, 1, (low, high))
        codes = np.rint((maps.to_photo(values[1], record) - low) * (255 / (high - low)))
        table = matplotlib.colormaps[maps.COLOUR_MAPS[name]](np.arange(256))[:, :3]
        want = (table * 255).round()[np.clip(codes, 0, 255).astype(int)]
        assert drawn.shape == record.photo.shape and drawn.dtype == np.uint8
        assert (drawn == want).all()


def test_the_range_of_all_steps_contains_that_of_each():
    codes = np.array([[[0, 51]], [[10, 204]]], np.uint8)
    values = Quantised(codes, 0.0, 5.0)
    assert maps.limits_of(values) == pytest.approx((0.0, 4.0))
    assert maps.limits_of(values, 0) == pytest.approx((0.0, 1.0))
    flat = Quantised(np.zeros((1, 2, 2), np.uint8), 0.0, 5.0)
    low, high = maps.limits_of(flat)
    assert high > low


def test_classes_are_those_predicted_or_true(record):
    present = maps.classes_in(record)
    assert present == sorted(set(present)) and IGNORE not in present
    assert {8, 20} <= set(present)
    assert set(np.unique(record.labels)) <= set(present)


def test_outcomes_compare_with_step_0_and_truth():
    truth = np.array([[3, 3, 3, 3, IGNORE]])
    first = np.array([[3, 4, 4, 3, 3]])
    now = np.array([[3, 5, 3, 4, 4]])
    names = ["still right", "still wrong", "wrong to right", "right to wrong", "ignored"]
    assert list(maps.OUTCOMES) == names and len(set(maps.OUTCOMES.values())) == 5
    picture = maps.outcome_picture(truth, first, now)
    assert picture.dtype == np.uint8
    assert [tuple(pixel) for pixel in picture[0].tolist()] == list(maps.OUTCOMES.values())


@pytest.mark.parametrize("shape", [(30, 90), (90, 30), (60, 80)])
def test_letterboxes_have_one_shape_and_keep_the_pixels(shape):
    picture = np.full((*shape, 3), 7, np.uint8)
    boxed = maps.letterbox(picture, 4 / 3)
    assert boxed.shape[1] / boxed.shape[0] == pytest.approx(4 / 3, abs=0.03)
    assert (boxed[..., 3] == 255).sum() == shape[0] * shape[1]
    assert (boxed[boxed[..., 3] == 255][:, :3] == 7).all()


def test_colour_tables_run_from_low_to_high():
    for name, title in maps.COLOUR_MAPS.items():
        table = maps.colour_table(name)
        assert table.shape == (256, 3) and table.dtype == np.uint8
        ends = np.array(matplotlib.colormaps[title]([0.0, 1.0]))[:, :3]
        assert np.abs(table[[0, -1]] - 255 * ends).max() <= 0.5


def test_pngs_are_lossless(photo):
    assert (np.array(Image.open(io.BytesIO(maps.png(photo)))) == photo).all()


def test_confidences_are_the_largest_of_probabilities_that_sum_to_one(record):
    values = maps.confidence(record, 2)
    logs = np.stack([maps.to_photo(map, record) for map in record.log_probabilities[2]])
    odds = np.exp(logs)
    rows, columns = np.indices(record.labels[2].shape)
    want = (odds / odds.sum(axis=0))[record.labels[2], rows, columns]
    assert values.shape == record.photo.shape[:2] and values == pytest.approx(want, abs=1e-3)


def test_pixels_below_a_confidence_are_grey(record):
    values = maps.confidence(record, 2)
    threshold = float(np.median(values))
    picture = maps.confident_picture(record, 2, threshold)
    assert (picture[values < threshold] == maps.BELOW_THRESHOLD).all()
    sure = values >= threshold
    assert (picture[sure] == record.palette[record.labels[2]][sure]).all()


def test_differences_show_the_class_that_is_new_and_the_photo_dark(record):
    others = record.labels[2].copy()
    others[0, :2] = (others[0, :2] + 1) % len(record.classes)
    picture = maps.difference_picture(record, 2, others)
    for x in range(2):
        id = record.labels[2][0, x]
        want = maps.DIFFERENT_BACKGROUND if id == record.background else record.palette[id]
        assert (picture[0, x] == want).all()
    assert (picture[1] == record.photo[1].sum(axis=1, dtype=int)[:, None] // 9).all()

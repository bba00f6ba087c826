import math

import numpy as np
import pytest

from segviz import metrics
from segviz.data.classes import IGNORE

TRUTH = np.array([[0, 0, 1, 1], [0, 2, 2, IGNORE]])
LABELS = np.array([[0, 1, 1, 1], [2, 2, 0, 0]])
MATRIX = [[1, 1, 1, 0], [0, 2, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]


def test_confusion_by_hand():
    matrix = metrics.confusion(TRUTH, LABELS, 4)
    assert matrix.tolist() == MATRIX
    assert matrix.dtype == np.int64


@pytest.mark.parametrize("truth_type", [np.uint8, np.int16, np.int64])
@pytest.mark.parametrize("label_type", [np.uint8, np.int64])
def test_confusion_of_any_integers(truth_type, label_type):
    # 20 * 21 + 20 does not fit into uint8.
    truth, labels = np.full((3, 5), 20, truth_type), np.full((3, 5), 20, label_type)
    assert metrics.confusion(truth, labels, 21)[20, 20] == 15


def test_confusion_against_counting():
    rng = np.random.default_rng(0)
    truth, labels = rng.choice([0, 1, 2, 5, IGNORE], 400), rng.integers(0, 6, 400)
    expected = np.zeros((6, 6), int)
    for t, y in zip(truth, labels, strict=True):
        if t != IGNORE:
            expected[t, y] += 1
    assert np.array_equal(metrics.confusion(truth, labels, 6), expected)
    halves = [metrics.confusion(truth[i::2], labels[i::2], 6) for i in range(2)]
    assert np.array_equal(sum(halves), expected)


def test_confusion_of_other_shapes():
    with pytest.raises(ValueError, match=r"got \(2, 4\) and \(4, 2\)"):
        metrics.confusion(TRUTH, LABELS.T, 4)


def test_class_iou_by_hand():
    got = metrics.class_iou(np.array(MATRIX))
    assert got[:3].tolist() == pytest.approx([1 / 4, 2 / 3, 1 / 3])
    assert math.isnan(got[3])  # neither in truth nor predicted


def test_overlap_by_hand():
    found = metrics.overlap(np.array(MATRIX))
    assert found.tolist() == [[1, 2, 1, 0], [4, 3, 3, 0]] and found.dtype == np.int64


def test_overlaps_add_up_over_images():
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 9, (2, 4, 4))
    added = metrics.overlap(first) + metrics.overlap(second)
    assert np.array_equal(added, metrics.overlap(first + second))
    expected = np.mean(metrics.class_iou(first + second))
    assert metrics.mean_iou_from_overlap(added) == pytest.approx(expected)
    stacked = np.stack([metrics.overlap(first), metrics.overlap(second)])
    expected = [metrics.mean_iou(first), metrics.mean_iou(second)]
    assert metrics.mean_iou_from_overlap(stacked) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, 0.0), (-2.5, -2.5), (math.nan, None), (math.inf, None), (-math.inf, None)],
)
def test_finite_or_none(value, expected):
    assert metrics.finite_or_none(value) == expected


def test_mean_iou_by_hand():
    assert metrics.mean_iou(np.array(MATRIX)) == pytest.approx((1 / 4 + 2 / 3 + 1 / 3) / 3)


def test_accuracy_by_hand():
    assert metrics.accuracy(np.array(MATRIX)) == pytest.approx(4 / 7)


def test_class_that_is_only_predicted_counts_as_0():
    iou = metrics.class_iou(metrics.confusion(np.array([0, 0]), np.array([0, 1]), 3))
    assert iou[:2].tolist() == [0.5, 0] and math.isnan(iou[2])


def test_class_that_is_only_in_truth_counts_as_0():
    iou = metrics.class_iou(metrics.confusion(np.array([0, 1]), np.array([0, 0]), 3))
    assert iou[:2].tolist() == [0.5, 0] and math.isnan(iou[2])


def test_perfect():
    truth = np.array([0, 3, 3, IGNORE])
    labels = np.array([0, 3, 3, 1])  # what is ignored may be anything
    assert metrics.mean_iou(metrics.confusion(truth, labels, 4)) == 1
    assert metrics.accuracy(metrics.confusion(truth, labels, 4)) == 1


def test_nothing_counted():
    matrix = metrics.confusion(np.full(5, IGNORE), np.zeros(5, int), 3)
    assert not matrix.any()
    assert math.isnan(metrics.mean_iou(matrix)) and math.isnan(metrics.accuracy(matrix))


def test_mean_over_images_is_not_mean_iou():
    # One matrix over a data set weighs pixels, not images.
    images = [(np.zeros(90, int), np.zeros(90, int)), (np.ones(10, int), np.zeros(10, int))]
    total = sum(metrics.confusion(*image, 2) for image in images)
    assert metrics.mean_iou(total) == pytest.approx((0.9 + 0) / 2)
    per_image = [metrics.mean_iou(metrics.confusion(*image, 2)) for image in images]
    assert per_image == [1, 0]


def test_iou_is_symmetric_and_accuracy_of_the_transpose_too():
    matrix = np.random.default_rng(0).integers(0, 50, (5, 5))
    assert metrics.class_iou(matrix).tolist() == metrics.class_iou(matrix.T).tolist()
    assert metrics.accuracy(matrix) == metrics.accuracy(matrix.T)

import math

import numpy as np
import pytest

from segviz import metrics
from segviz.evaluation.bootstrap import RESAMPLES, difference, resampled_miou, standard_error


def overlaps(matrices):
    return [metrics.overlap(matrix) for matrix in matrices]


def some(count, seed=0, classes=4):
    return np.random.default_rng(seed).integers(0, 50, (count, classes, classes))


def of_right(right, pixels=1):
    """For each image, one class in truth, found or taken for the other."""
    return [np.array([[pixels, 0], [0, 0]] if r else [[0, pixels], [0, 0]]) for r in right]


def test_all_images_come_first_and_then_the_draws():
    matrices = some(7)
    values = resampled_miou(overlaps(matrices))
    assert values.shape == (1 + RESAMPLES,)
    assert values[0] == pytest.approx(metrics.mean_iou(matrices.sum(0)), rel=1e-12)
    assert len(set(values[1:].round(12))) > RESAMPLES / 2


def test_draws_against_drawing():
    """Each is the mIoU of as many images, drawn with replacement."""
    matrices = some(5)
    picks = np.random.default_rng(0).integers(0, 5, (20, 5))
    expected = [metrics.mean_iou(matrices[pick].sum(0)) for pick in picks]
    assert resampled_miou(overlaps(matrices), 20)[1:] == pytest.approx(expected, rel=1e-12)


def test_classes_that_no_drawn_image_has_do_not_count():
    matrices = np.zeros((2, 2, 2), int)
    matrices[0, 0, 0], matrices[1, 1, 1] = 3, 5
    matrices[1, 0, 1] = 3  # the second image has the first class, too, and misses it
    values = resampled_miou(overlaps(matrices))
    # Both: (3/6 + 5/8) / 2. The first twice: class 0 alone. The second twice: (0 + 5/8) / 2.
    assert set(values[1:].round(6)) == {0.5625, 1.0, 0.3125}
    assert values[0] == pytest.approx(0.5625)


def test_standard_error_in_closed_form():
    """IoU of the one class is the part of the images that are right: a binomial's."""
    right = np.arange(200) % 10 < 3
    values = resampled_miou(overlaps(of_right(right)))
    # The other class is predicted and never true: its IoU is 0, and the mean half of the first's.
    assert values[0] == pytest.approx(0.3 / 2)
    assert standard_error(values) == pytest.approx(math.sqrt(0.3 * 0.7 / 200) / 2, rel=0.1)


def test_large_photos_count_no_more_for_the_same_draws():
    right = [True, False, True, True]
    one = resampled_miou(overlaps(of_right(right)))
    many = resampled_miou(overlaps(of_right(right, 10_000_000)))
    assert many == pytest.approx(one, rel=1e-12)


def test_difference_is_of_the_same_draws():
    one, other = (resampled_miou(overlaps(some(30, seed))) for seed in (0, 1))
    gap, error = difference(one, other)
    assert gap == pytest.approx(one[0] - other[0])
    assert error == pytest.approx(np.std(one[1:] - other[1:]))
    assert difference(one, one) == (0, 0)
    assert difference(other, one) == pytest.approx((-gap, error))
    # Methods that fail on the same images differ by less than each varies.
    worse = overlaps(some(30) + np.diag([0, 0, 0, 9]))
    assert difference(resampled_miou(worse), one)[1] < standard_error(one) / 2


def test_the_same_numbers_every_time():
    first, again = (resampled_miou(overlaps(some(9))) for _ in range(2))
    assert np.array_equal(first, again)


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_images_for_an_error(count):
    values = resampled_miou(overlaps(some(count)))
    assert values.shape == (1 + RESAMPLES,)
    assert np.isfinite(values[:1]).sum() == count and np.isnan(values[1:]).all()
    assert math.isnan(standard_error(values))
    assert math.isnan(difference(values, values)[1])


def test_nothing_counted():
    values = resampled_miou(overlaps(np.zeros((3, 4, 4), int)))
    assert np.isnan(values).all() and math.isnan(standard_error(values))

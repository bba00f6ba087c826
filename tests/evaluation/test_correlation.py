import math

import numpy as np
import pytest

from segviz.evaluation.correlation import Changes, changes, pearson, spearman, strength
from segviz.evaluation.results import parse_result
from tests.outcomes import table

IDS = [f"2007_{i:06}" for i in range(8)]


def test_pearson_by_hand():
    x, y = np.array([1.0, 2.0, 4.0, 5.0]), np.array([2.0, 1.0, 3.0, 6.0])
    # Deviations (-2, -1, 1, 2) and (-1, -2, 0, 3): 10 / sqrt(10 * 14).
    assert pearson(x, y) == pytest.approx(10 / math.sqrt(140))


def test_equal_values_share_their_mean_rank():
    x, y = np.array([1.0, 1.0, 2.0, 7.0]), np.array([1.0, 2.0, 3.0, 4.0])
    assert spearman(x, y) == pytest.approx(pearson(np.array([1.5, 1.5, 3, 4]), y))


def test_spearman_sees_only_order():
    x = np.arange(1.0, 9)
    assert spearman(x, np.exp(x)) == pytest.approx(1) and pearson(x, np.exp(x)) < 0.9
    assert spearman(x, -(x**3)) == pytest.approx(-1)


def test_no_correlation_of_too_little():
    two = np.array([1.0, 2.0])
    assert math.isnan(pearson(two, two)) and math.isnan(spearman(np.ones(9), np.arange(9.0)))


def test_strength_asks_for_more_than_chance():
    assert strength(0.15, 50) is None and strength(-0.15, 1000) == "weakly"
    assert strength(-0.4, 50) == "clearly" and strength(0.9, 50) == "strongly"
    assert strength(math.nan, 50) is None and strength(0.9, 0) is None


def _changes(before, after, entropy_before, entropy_after):
    ids = tuple(f"i{place}" for place in range(len(before)))
    return Changes(ids, *map(np.array, (before, after, entropy_before, entropy_after)))


def test_quarters_and_extremes():
    found = _changes(
        [0.5, 0.5, 0.5, 0.5, 0.5], [0.6, 0.4, 0.7, 0.5, 0.2], [0.2] * 5, [0.1, 0.1, 0.3, 0.1, 0.3]
    )
    assert found.quadrants() == {(-1, 1): 1, (-1, -1): 1, (1, 1): 1, (-1, 0): 1, (1, -1): 1}
    assert found.most(1, 10) == [2, 0] and found.most(-1, 1) == [4]


def test_changes_leave_out_images_without_numbers():
    data = table("3", IDS)
    by_image = data["models"]["w/ aug"]["by_image"]
    by_image[0]["entropy"][2] = None  # feedforward at 1x
    by_image[1]["iou"][5] = None
    part = parse_result(data, "file").models["w/ aug"]
    found = changes(part, part.results[1], "iou")
    assert found.ids == tuple(id for place, id in enumerate(IDS) if place not in (2, 5))
    assert found.change[0] == pytest.approx(100 * (by_image[1]["iou"][0] - by_image[0]["iou"][0]))
    assert found.entropy[0] == pytest.approx(by_image[1]["entropy"][0] - by_image[0]["entropy"][0])


def test_no_changes_without_numbers_of_images():
    data = table("3", IDS)
    del data["models"]["w/ aug"]["by_image"]
    part = parse_result(data, "file").models["w/ aug"]
    assert changes(part, part.results[1], "iou") is None

import json

import numpy as np
import pytest

from segviz.evaluation.bootstrap import difference, resampled_miou, standard_error
from segviz.evaluation.evaluate import FEEDFORWARD, Method, plan
from segviz.evaluation.row_store import Row
from segviz.evaluation.summary import errors, mean_gains, summary

SCALES = (1.0, 2.5, 3.0, 4.0)


def filled(images, scales=SCALES, spellings=("feedforward", "entropy", "oracle")):
    """Cells of made-up matrices of three classes; oracle gets half of the errors right."""
    cells = plan(scales, [Method.parse(one) for one in spellings], 3)
    rng = np.random.default_rng(0)
    for image in range(images):
        wrong = {scale: rng.integers(1, 40, (3, 3)) for scale in scales}
        for cell in cells:
            matrix = wrong[cell.scale].copy()
            if cell.key.method == "oracle":
                matrix //= 2
            elif cell.key.method == "entropy":
                matrix += rng.integers(0, 9, (3, 3))
            np.fill_diagonal(matrix, 60)
            cell.add(f"{image}", Row(cell.key, matrix, 0.2, 9.0, 0.1))
    return cells, [resampled_miou(cell.overlaps) for cell in cells]


def test_errors_of_miou_and_of_gains():
    cells, draws = filled(12)
    base = {cell.scale: found for cell, found in zip(cells, draws, strict=True) if not cell.step}
    for cell, found, row in zip(cells, draws, errors(cells, draws), strict=True):
        assert row["miou_error"] == standard_error(found) > 0
        gain = difference(found, base[cell.scale])[1]
        assert row["gain_error"] == (gain if cell.step else None)
        assert gain > 0 or not cell.step


def test_errors_that_are_not_known():
    """Those of gains need feedforward at the same scale, all need more than one image."""
    (row,) = errors(*filled(5, [1.0], ["oracle"]))
    assert row["miou_error"] > 0 and row["gain_error"] is None
    nothing = {"miou_error": None, "gain_error": None}
    assert errors(*filled(1, [1.0])) == 3 * [nothing] == errors(*filled(0, [1.0]))


def test_mean_gains():
    cells, draws = filled(12)
    found = {row["method"]: row for row in mean_gains(cells, draws)}
    assert list(found) == ["entropy", "oracle"]
    miou = {(cell.scale, cell.key.method): cell.result()["miou"] for cell in cells}
    for method, row in found.items():
        assert (row["variables"], row["steps"]) == ("both", 32)
        assert row["scales"] == [2.5, 3.0, 4.0]
        gains = [miou[scale, method] - miou[scale, FEEDFORWARD] for scale in row["scales"]]
        assert row["gain"] == pytest.approx(np.mean(gains), rel=1e-12)
    assert found["oracle"]["gain"] > 0 > found["entropy"]["gain"]


def test_error_of_a_mean_gain_knows_that_scales_go_together():
    """The same matrices at all scales: the mean is no surer than each."""
    cells, _ = filled(12, [3.0])
    copies = []
    for scale in (2.5, 3.0, 3.5):
        others, _ = filled(0, [scale])
        for other, cell in zip(others, cells, strict=True):
            other.overlaps = cell.overlaps
        copies += others
    draws = [resampled_miou(cell.overlaps) for cell in copies]
    single = errors(copies, draws)
    for number, row in enumerate(mean_gains(copies, draws), start=1):
        assert row["error"] == pytest.approx(single[number]["gain_error"], rel=1e-9)
    # Other matrices at each scale: it is surer.
    different, draws = filled(12)
    single = [row["gain_error"] for row in errors(different, draws)]
    for number, row in enumerate(mean_gains(different, draws), start=1):
        assert row["error"] < np.mean(single[number + 3 :: 3])


def test_mean_gains_need_two_large_scales():
    assert mean_gains(*filled(5, [1.0, 2.0, 3.0])) == []
    assert mean_gains(*filled(5, [3.0, 4.0], ["oracle"])) == []  # no feedforward
    (row,) = mean_gains(*filled(5, [3.0, 2.0], ["feedforward", "oracle"]), least=2.0)
    assert row["scales"] == [2.0, 3.0]
    (row,) = mean_gains(*filled(1, [3.0, 4.0], ["feedforward", "oracle"]))
    assert row["gain"] > 0 and row["error"] is None
    (row,) = mean_gains(*filled(0, [3.0, 4.0], ["feedforward", "oracle"]))
    assert row["gain"] is None and row["error"] is None


def test_summary(trained):
    cells, draws = filled(4)
    found = summary(trained, cells, {"2007_000001": "it has no truth"})
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["images"] == 4 and found["ids"] == ["0", "1", "2", "3"]
    assert found["failed"] == ["2007_000001: it has no truth"]
    assert found["environment"]["sha256"] == trained.sha256
    assert found["mean_gains"] == mean_gains(cells, draws)
    for cell, row, error in zip(cells, found["results"], errors(cells, draws), strict=True):
        assert row == cell.result() | error
    assert [len(row["iou"]) for row in found["by_image"]] == len(cells) * [4]
    short = summary(trained, cells, {}, by_image=False)
    assert short.keys() == found.keys() - {"ids", "by_image"}

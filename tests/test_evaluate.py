import json
import math
import shutil

import numpy as np
import pytest

from segviz import metrics, voc
from segviz.adapt import Run, Settings
from segviz.errors import InputError
from segviz.evaluate import Cell, Method, evaluate, table
from segviz.network.checkpoint import tensor_hash

IDS = ["2007_000007", "2007_000008", "2008_000009"]


def methods(*spellings):
    return [Method.parse(spelling, steps=2, learning_rate=1e-2) for spelling in spellings]


@pytest.fixture
def copy(voc_root, tmp_path):
    """The miniature VOC, to be written to."""
    root = tmp_path / "VOC2012"
    shutil.copytree(voc_root, root)
    return root


# Methods


def test_methods():
    assert Method.parse("feedforward").settings == Settings(steps=0)
    assert Method.parse("entropy").settings == Settings()
    assert Method.parse("oracle", "score", steps=5, tolerance=0.1).settings == Settings(
        objective="oracle", variables="score", steps=5, tolerance=0.1
    )
    assert Method.parse("entropy-marginal:centred:lr=3e-4:steps=7", "scale").settings == Settings(
        objective="entropy-marginal",
        variables="scale",
        steps=7,
        learning_rate=3e-4,
        centred=True,
    )
    assert Method.parse("entropy:steps=3", steps=9).settings.steps == 3
    assert Method.parse(" entropy ").spelling == "entropy"


@pytest.mark.parametrize(
    ("spelling", "pattern"),
    [
        ("", "no objective ''; choose one of entropy"),
        ("entropia", "no objective 'entropia'; choose one of entropy"),
        ("feedforward:steps=3", "'feedforward:steps=3': feedforward takes no options"),
        ("entropy:fast", "'fast' in 'entropy:fast' is not an option.*centred, lr=RATE and steps=T"),
        ("entropy:", "'' in 'entropy:' is not an option"),
        ("entropy:lr", "'lr' in 'entropy:lr' is not an option"),
        ("entropy:lr=quick", "'lr=quick' in"),
        ("entropy:steps=2.5", r"'steps=2\.5' in"),
        ("entropy:centred=no", "'centred=no' in"),
        ("entropy:lr=7", "learning rate is 7.0, but must be"),
        ("entropy:lr=nan", "learning rate is nan"),
        ("entropy:steps=-1", "steps is -1, but must be"),
    ],
)
def test_misspelt_methods(spelling, pattern):
    with pytest.raises(InputError, match=pattern) as caught:
        Method.parse(spelling)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


# Cells


def test_one_matrix_per_cell(trained, voc_root):
    """Every cell against the runs that the app would make, image by image."""
    chosen = methods("feedforward", "entropy", "oracle:centred")
    before = tensor_hash(trained.network)
    cells = evaluate(trained, voc_root, IDS, [1.0, 1.5], chosen)
    assert tensor_hash(trained.network) == before
    assert [(c.scale, c.method.spelling) for c in cells] == [
        (scale, method.spelling) for scale in (1.0, 1.5) for method in chosen
    ]
    for cell in cells:
        s = cell.method.settings
        settings = Settings(
            **{**s.__dict__, "scale": cell.scale},
        )
        matrix, entropy, sigma = np.zeros((21, 21), int), [], []
        for name in IDS:
            photo, truth = voc.read_photo(voc_root, name), voc.read_truth(voc_root, name)
            run = Run(trained, photo, settings, truth)
            run.all()
            last = run.steps[-1]
            for t, y in zip(truth.flat, last.labels.flat, strict=True):
                if t != 255:
                    matrix[t, y] += 1
            entropy.append(last.entropy)
            sigma.append(last.sigma)
        assert np.array_equal(cell.matrix, matrix), (cell.scale, cell.method.spelling)
        result = cell.result()
        assert result["miou"] == metrics.mean_iou(matrix)
        assert result["accuracy"] == metrics.accuracy(matrix)
        assert result["entropy"] == pytest.approx(np.mean(entropy))
        assert result["sigma"] == pytest.approx(np.mean(sigma))
        assert result["seconds"] > 0
        assert cell.images == 3 and cell.failed == []


def test_result_row(trained, voc_root):
    feedforward, oracle = evaluate(
        trained, voc_root, IDS[:1], [1.0], methods("feedforward", "oracle")
    )
    row = oracle.result()
    assert list(row)[:8] == [
        "scale",
        "method",
        "variables",
        "steps",
        "learning_rate",
        "centred",
        "miou",
        "accuracy",
    ]
    assert (row["scale"], row["method"], row["variables"]) == (1.0, "oracle", "both")
    assert (row["steps"], row["learning_rate"], row["centred"]) == (2, 1e-2, False)
    row = feedforward.result()
    assert (row["method"], row["steps"]) == ("feedforward", 0)
    assert row["variables"] is row["learning_rate"] is row["centred"] is None
    assert len(row["class_iou"]) == 21
    json.dumps(row, allow_nan=False)


def test_empty_cell_has_no_numbers():
    row = Cell(2.0, Method.parse("entropy"), np.zeros((21, 21), int)).result()
    assert row["miou"] is None and row["accuracy"] is None
    assert row["class_iou"] == [None] * 21
    json.dumps(row, allow_nan=False)


def test_methods_are_compared_on_the_same_features(trained, voc_root):
    first, second = evaluate(trained, voc_root, IDS[:2], [2.0], methods("entropy", "entropy"))
    assert np.array_equal(first.matrix, second.matrix) and first.entropy == second.entropy


# Failures and stops


def test_unreadable_image_is_left_out_everywhere(trained, copy):
    (copy / "JPEGImages" / "2007_000008.jpg").write_bytes(b"no photo")
    chosen = methods("feedforward", "entropy")
    cells = evaluate(trained, copy, IDS, [1.0, 2.0], chosen)
    expected = evaluate(trained, copy, [IDS[0], IDS[2]], [1.0, 2.0], chosen)
    for cell, other in zip(cells, expected, strict=True):
        assert cell.images == 2
        assert len(cell.failed) == 1 and cell.failed[0].startswith("2007_000008: ")
        assert np.array_equal(cell.matrix, other.matrix)


def test_mask_of_another_size_is_a_failure(trained, copy):
    shutil.copy(
        copy / "SegmentationClass" / "2008_000005.png",
        copy / "SegmentationClass" / "2007_000008.png",
    )
    (cell,) = evaluate(trained, copy, IDS, [1.0], methods("feedforward"))
    assert cell.images == 2 and "2007_000008: the mask is 72 x 96" in cell.failed[0]


def test_missing_image(trained, voc_root):
    (cell,) = evaluate(trained, voc_root, ["2007_999999"], [1.0], methods("feedforward"))
    assert cell.images == 0 and "2007_999999" in cell.failed[0]


def test_stopping_keeps_whole_images(trained, voc_root):
    seen = []

    def stop(done, cells):
        seen.append((done, [cell.images for cell in cells]))
        if done == 2:
            raise KeyboardInterrupt
        kept[:] = cells

    kept = []
    with pytest.raises(KeyboardInterrupt):
        evaluate(trained, voc_root, IDS, [1.0, 2.0], methods("feedforward", "entropy"), stop)
    assert seen == [(1, [1] * 4), (2, [2] * 4)]
    assert [cell.images for cell in kept] == [2] * 4
    counted = {cell.matrix.sum() for cell in kept}
    assert len(counted) == 1


# Table


def test_table():
    cells = []
    for scale in (3.0, 1.0):
        for spelling, right in (("feedforward", 1), ("entropy:centred", 3)):
            matrix = np.zeros((21, 21), int)
            matrix[0, 0], matrix[0, 1] = right, 1
            cells.append(Cell(scale, Method.parse(spelling), matrix, images=1))
    lines = table(cells).splitlines()
    assert lines[0].split() == ["mIoU,", "%", "variables", "1x", "3x"]
    # IoU of class 0: 1 of 2, or 3 of 4; class 1 is only predicted: 0.
    assert lines[1].split() == ["feedforward", "25.00", "25.00"]
    assert lines[2].split() == ["entropy:centred", "both", "37.50", "37.50"]
    assert len({len(line) for line in lines}) == 1


def test_table_without_numbers():
    text = table([Cell(1.0, Method.parse("entropy"), np.zeros((21, 21), int))])
    assert "nan" in text


def test_mean_over_nothing_is_no_number():
    assert math.isnan(metrics.mean_iou(np.zeros((21, 21), int)))

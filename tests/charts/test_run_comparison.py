"""Comparisons of records."""

from dataclasses import replace

import numpy as np
import pytest

from segviz import metrics
from segviz.adapt import Settings
from segviz.charts import run_comparison
from segviz.runs.run import Run


@pytest.fixture(scope="module")
def runs(trained, photo, truth):
    def run(**settings):
        return Run(trained, photo, Settings(**settings), truth).all()

    return {
        "feedforward": run(scale=1.0, steps=0),
        "oracle": run(scale=1.0, steps=3, method="oracle", learning_rate=0.01),
    }


def test_class_table_gives_iou_and_differences(runs, truth):
    mean, *classes = run_comparison.class_table(runs)
    assert mean["class"] == "mean" and mean["share"] is None
    assert mean["oracle"] == pytest.approx(100 * runs["oracle"].steps[-1]["iou"])
    assert mean["± oracle"] == pytest.approx(mean["oracle"] - mean["feedforward"])
    rows = {row["class"]: row for row in classes}
    assert {"background", "cat", "tvmonitor"} <= set(rows)
    known = truth != 255
    assert rows["cat"]["share"] == pytest.approx(100 * np.mean(truth[known] == 8))
    matrix = metrics.confusion(truth, runs["oracle"].labels[-1], 21)
    assert rows["cat"]["oracle"] == pytest.approx(100 * metrics.class_iou(matrix)[8])
    shares = [row["share"] for row in classes]
    assert shares == sorted(shares, reverse=True)


def test_class_table_at_a_step(runs):
    mean, *_ = run_comparison.class_table(runs, 1)
    assert mean["oracle"] == pytest.approx(100 * runs["oracle"].steps[1]["iou"])
    assert mean["feedforward"] == pytest.approx(100 * runs["feedforward"].steps[0]["iou"])


def test_class_table_omits_classes_that_are_hardly_predicted(runs):
    labels = runs["feedforward"].labels.copy()
    labels[labels == 4] = 0
    labels[0, 0, :3] = 4
    names = [
        row["class"]
        for row in run_comparison.class_table({"a": replace(runs["feedforward"], labels=labels)})
    ]
    assert "boat" not in names
    labels[0, :20] = 4
    names = [
        row["class"]
        for row in run_comparison.class_table({"a": replace(runs["feedforward"], labels=labels)})
    ]
    assert "boat" in names


def test_classes_that_no_run_predicts_have_no_iou(runs):
    few = {
        name: replace(record, labels=np.zeros_like(record.labels)) for name, record in runs.items()
    }
    few["oracle"].labels[:, :30] = 4
    row = next(row for row in run_comparison.class_table(few) if row["class"] == "boat")
    assert row["feedforward"] is None and row["± oracle"] is None and row["oracle"] == 0


def test_scale_curves(trained, photo, truth):
    records = [
        Run(trained, photo, Settings(scale=scale, steps=2), truth).all() for scale in (1.0, 2.0)
    ]
    figure = run_comparison.scale_curves(records)
    titles = [annotation.text for annotation in figure.layout.annotations]
    assert titles == ["IoU, 0 to 1", "mean entropy, nats", "mean sigma, input px"]
    before, after = figure.data[0], figure.data[1]
    assert list(before.x) == [1.0, 2.0]
    assert list(before.y) == [record.steps[0]["iou"] for record in records]
    assert list(after.y) == [record.steps[-1]["iou"] for record in records]
    (dashed,) = [trace for trace in figure.data if trace.line.dash == "dash"]
    sigma = records[0].steps[0]["sigma"]
    assert list(dashed.y) == pytest.approx([sigma, 2 * sigma])


def test_scale_curves_without_truth(trained, photo):
    records = [Run(trained, photo, Settings(scale=2.0, steps=0)).all()]
    figure = run_comparison.scale_curves(records)
    assert figure.layout.annotations[0].text.startswith("Agreement")
    assert list(figure.data[0].y) == [records[0].steps[0]["agreement"]]


def test_change_heatmap():
    change = {
        ("score", "0.001", "8 steps"): 1.25,
        ("score", "0.01", "8 steps"): -7.0,
        ("both", "0.001", "8 steps"): None,
    }
    figure = run_comparison.change_heatmap(
        ["score", "both"], ["0.001", "0.01"], ["8 steps"], change, "IoU"
    )
    colours, cells = figure.data
    assert np.array_equal(colours.z, [[1.25, -7.0], [None, None]])
    assert (colours.zmin, colours.zmax) == (-7.0, 7.0)
    assert list(cells.text) == ["+1.2", "-7.0", "", ""]
    # Every cell lets the background show through, so that the page's text colour is legible.
    assert all(colour.startswith("rgba") for _, colour in colours.colorscale)
    assert list(map(list, cells.customdata)) == [
        ["score", "0.001", "8 steps"],
        ["score", "0.01", "8 steps"],
        ["both", "0.001", "8 steps"],
        ["both", "0.01", "8 steps"],
    ]

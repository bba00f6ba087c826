"""Table 1 as curves."""

import numpy as np
import pytest
from matplotlib.text import Text

from segviz.evaluation.paper_tables import MODELS, OURS, PAPER, TABLES
from segviz.evaluation.results import parse_result
from segviz.figures.scales import draw_scales
from segviz.figures.style import figure_bytes


def text_of(figure):
    """All words of a figure."""
    return " ".join(" ".join(text.get_text() for text in figure.findobj(Text)).split())


def table_1(models=("w/o aug", "w/ aug"), miou=0.5):
    def row(scale, method):
        feedforward = method.method.method == "feedforward"
        return {
            "scale": scale,
            "method": method.method.spelling,
            "variables": None if feedforward else method.method.variables,
            "steps": method.steps[-1],
            "miou": miou if feedforward else 0.6,
            "class_iou": [None] * 21,
        }

    plan = TABLES["1"].parsed_methods()
    part = {
        "images": 7,
        "failed": ["2007_000001: damaged"],
        "environment": {"sha256": "0123456789"},
        "results": [row(scale, method) for scale in (1.0, 2.0, 3.0) for method in plan],
    }
    parts = {
        model: part | {"environment": {"checkpoint": MODELS[model], "sha256": "0123456789"}}
        for model in models
    }
    return {
        "table": "1", "title": "t", "images": 7, "split": "val", "command": "COMMAND",
        "models": parts,
    }  # fmt: skip


@pytest.mark.parametrize("models", [("w/ aug",), ("w/o aug", "w/ aug")])
def test_scales_ours_solid_the_papers_dashed(models):
    figure = draw_scales(parse_result(table_1(models), "it"))
    charts = [axes for axes in figure.axes if axes.lines]
    assert len(charts) == 2 * len(models)
    dashed = [line for line in charts[0].lines if line.get_linestyle() == "--"]
    paper = PAPER["1"][models[0], "oracle", "both", 32]
    assert [paper[2.0], paper[3.0]] in [list(line.get_ydata()) for line in dashed]
    solid = [list(line.get_ydata()) for line in charts[0].lines if line.get_linestyle() == "-"]
    assert [50.0] * 3 in solid and [60.0] * 3 in solid
    gains = [line.get_ydata() for line in charts[1].lines if line.get_linestyle() == "-"]
    assert any(np.allclose(gain, 10) for gain in gains)
    text = text_of(figure)
    assert "on 7 images of val" in text and "COMMAND" in text and "(01234567)" in text
    assert f"{OURS[0]} (ours), {OURS[1]}" in text and "images could not be measured" in text
    assert figure_bytes(figure, "png").startswith(b"\x89PNG")
    assert figure_bytes(figure, "pdf").startswith(b"%PDF-")


def test_scales_with_errors_of_gains():
    data = table_1(("w/ aug",))
    assert "standard errors" not in text_of(draw_scales(parse_result(data, "it")))
    for row in data["models"]["w/ aug"]["results"]:
        row["gain_error"] = None if row["method"] == "feedforward" or row["scale"] == 1 else 0.015
    figure = draw_scales(parse_result(data, "it"))
    assert "Whiskers: standard errors" in text_of(figure)
    mious, gains = (axes for axes in figure.axes if axes.lines)
    assert not mious.collections
    whiskers = [bar.get_segments() for bar in gains.collections]
    assert len(whiskers) == 3  # a method each, but the oracle
    for segments in whiskers:
        assert np.allclose(segments, [[[2, 8.5], [2, 11.5]], [[3, 8.5], [3, 11.5]]])


def test_scales_without_a_number():
    figure = draw_scales(parse_result(table_1(("w/ aug",), miou=None), "it"))
    assert figure_bytes(figure, "png").startswith(b"\x89PNG")

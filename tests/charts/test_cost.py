"""Accuracy against cost."""

import pytest

from segviz.charts.cost import accuracy_against_cost
from segviz.evaluation.against_paper import TableLine, TableValue, best_without_truth, cost
from segviz.evaluation.results import Variant


def line(method, variables, steps, miou, error=None):
    value = TableValue(miou, None, None, None, error)
    return TableLine(Variant(method, variables, steps), False, {3.0: value}, None)


@pytest.fixture
def found():
    return [
        line("feedforward", None, 0, 56.0),
        line("entropy", "both", 32, 51.0, 1.0),
        line("entropy", "all", 2, 50.0),
        line("pyramid:gate", None, 0, 73.0, 1.5),
        line("multi-scale", None, 0, 60.0),
        line("oracle", "both", 32, 83.0),
        line("unheard-of", None, 0, 99.0),
    ]


def test_costs_are_counted(found):
    costs = [cost(each) for each in found]
    assert costs[0] == 1.0 and costs[3] == 1.3125
    assert costs[1] == pytest.approx(1 + 32 / 50) and costs[2] == pytest.approx(1 + 2 * 3)
    assert costs[4] == pytest.approx(2 * (0.25 + 0.5625 + 1 + 1.5625 + 2.25 + 3.0625))
    assert costs[-1] is None


def test_the_best_needs_no_truth(found):
    assert best_without_truth(found[:-1], 3.0).variant.method == "pyramid:gate"
    assert best_without_truth(found, 1.0) is None
    tie = [line("feedforward", None, 0, 70.0), line("entropy", "both", 32, 70.0)]
    assert best_without_truth(tie, 3.0) is tie[0]  # the baseline, where nothing is better


def test_the_front_rises_with_the_cost(found):
    front, *points = accuracy_against_cost(found, 3.0).data
    assert list(front.x) == [1.0, 1.3125] and list(front.y) == [56.0, 73.0]
    names = [point.name for point in points]
    assert names == [
        "feedforward",
        "entropy, both",
        "entropy, all",
        "pyramid:gate",
        "multi-scale",
    ]
    assert points[3].error_y.array == (1.5,) and not points[0].error_y.visible

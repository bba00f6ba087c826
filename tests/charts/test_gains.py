import itertools

import numpy as np
import pytest

from segviz.charts.gains import gain_bars, gain_curves
from segviz.evaluation.against_paper import table_lines
from segviz.evaluation.paper_tables import TABLES
from segviz.evaluation.results import parse_result
from tests.outcomes import table

IDS = [f"2007_{i:06}" for i in range(6)]


def lines_of(name, model="w/ aug"):
    return {
        line.variant: line for line in table_lines(parse_result(table(name, IDS), "file"), model)
    }


def test_curves_have_a_line_for_each_method_and_step():
    figure = gain_curves(list(lines_of("2", model="w/o aug").values()))
    by_name = {trace.name: trace for trace in figure.data}
    # The paper has entropy and oracle, after 32 and 128 steps.
    assert len(by_name) == 2 * len(TABLES["2"].methods) + 4
    ours, papers = by_name["entropy, both, 128 steps"], by_name["entropy, both, 128 steps: paper"]
    assert (ours.line.dash, papers.line.dash) == ("solid", "dash")
    assert ours.line.color == papers.line.color == by_name["entropy, both, 32 steps"].line.color
    assert (
        list(ours.x) == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0] and list(papers.x) == list(ours.x)[1:]
    )
    assert list(ours.y) == pytest.approx([2.0] * 7)
    assert list(ours.error_y.array) == pytest.approx([1.2] * 7)
    assert "±" in ours.hovertemplate and "±" not in papers.hovertemplate
    assert papers.error_y.array is None
    assert figure.layout.yaxis.zeroline and figure.layout.yaxis.rangemode == "tozero"
    assert figure.layout.xaxis.ticktext[:2] == ("1x", "1.5x")


def test_methods_that_need_truth_have_a_panel_of_their_own():
    figure = gain_curves(list(lines_of("1").values()))
    assert [one.text for one in figure.layout.annotations] == ["unsupervised", "with truth"]
    for trace in figure.data:
        needs = trace.name.startswith("oracle")
        assert (trace.xaxis, trace.yaxis) == (("x2", "y2") if needs else ("x", "y"))
    left, right = figure.layout.xaxis, figure.layout.xaxis2
    assert left.domain[1] < right.domain[0] and right.domain[1] == pytest.approx(1)
    assert list(left.tickvals) == list(right.tickvals) == list(TABLES["1"].scales)
    # Without such methods there is one panel.
    free = [line for line in lines_of("1").values() if line.variant[0] != "oracle"]
    alone = gain_curves(free)
    assert alone.layout.xaxis.domain == (0, 1) and "xaxis2" not in alone.layout
    assert not gain_curves(free[:1]).data  # feedforward alone


def test_without_miou_there_is_no_point():
    data = table("1", IDS)
    data["models"]["w/ aug"]["results"][1]["miou"] = None  # entropy at 1x
    (curve, *_) = gain_curves(table_lines(parse_result(data, "file"), "w/ aug")).data
    assert curve.name == "entropy, both" and list(curve.x) == [1.5, 2.0, 2.5, 3.0, 3.5, 4.0]


def test_bars_by_variables():
    figure = gain_bars(list(lines_of("3").values()))
    titles = [one.text for one in figure.layout.annotations]
    assert titles == ["1x, unsupervised", "3x, unsupervised", "1x, with truth", "3x, with truth"]
    bars = [trace for trace in figure.data if trace.type == "bar"]
    marks = [trace for trace in figure.data if trace.type == "scatter"]
    assert len(bars) == 2 * len(TABLES["3"].methods) and len(marks) == 2 * 9
    here = [bar for bar in bars if bar.xaxis == "x"]
    assert [round(bar.x[0]) for bar in here] == [0, 1, 2, 0, 1, 2]
    # Bars of a group lie beside each other.
    edges = sorted((b.x[0] - b.width[0] / 2, b.x[0] + b.width[0] / 2) for b in here)
    assert all(right <= left for (_, right), (left, _) in itertools.pairwise(edges))
    assert len([trace for trace in figure.data if trace.showlegend]) == 5
    assert all(list(bar.error_y.array) == [pytest.approx(1.2)] for bar in bars)
    assert all(mark.error_y.array is None for mark in marks)
    adversary = next(bar for bar in bars if bar.name == "adversary")
    assert adversary.y[0] == pytest.approx(-20) and adversary.xaxis == "x3"


def test_bars_of_methods_that_the_paper_lacks():
    figure = gain_bars(list(lines_of("control").values()))
    assert {trace.type for trace in figure.data} == {"bar"}
    # Each group has its bars around its middle, also where a method is missing.
    for panel in ("x", "x2"):
        places = [bar.x[0] for bar in figure.data if bar.xaxis == panel]
        groups = {group: [x for x in places if round(x) == group] for group in map(round, places)}
        assert len(places) == 3
        assert all(np.mean(here) == pytest.approx(group) for group, here in groups.items())


def test_files_without_errors():
    """As older versions wrote them, or for a single image."""
    data = table("1", IDS)
    for row in data["models"]["w/ aug"]["results"]:
        del row["miou_error"], row["gain_error"]
    found = table_lines(parse_result(data, "file"), "w/ aug")
    assert {value.error for line in found for value in line.values.values()} == {None}
    for figure in (gain_curves(found), gain_bars(found)):
        assert all(trace.error_y.array is None for trace in figure.data)
        assert not any("±" in trace.hovertemplate for trace in figure.data)

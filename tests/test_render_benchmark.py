import itertools

import numpy as np
import pytest
from outcomes import table

from segviz.render.benchmark import colours, gain_bars, gain_curves, lines, mean_gain, named
from segviz.results import parse
from segviz.tables import OURS, PAPER, TABLES

IDS = [f"2007_{i:06}" for i in range(6)]
ENTROPY = ("entropy", "both", 32)


def _lines(name, model="w/ aug", **options):
    return {line.kind: line for line in lines(parse(table(name, IDS, **options), "file"), model)}


def test_ours_beside_the_papers():
    data = table("1", IDS)
    found = _lines("1")
    rows = data["models"]["w/ aug"]["results"]
    row = next(r for r in rows if (r["method"], r["scale"]) == ("entropy", 3.0))
    value = found[ENTROPY].values[3.0]
    base = found["feedforward", None, 0].values[3.0]
    assert value.miou == pytest.approx(100 * row["miou"])
    assert value.gain == pytest.approx(2.0) and base.gain is None
    assert value.error == pytest.approx(1.2) and base.error is None
    paper = PAPER["1"]["w/ aug", "entropy", "both", 32][3.0]
    before = PAPER["1"]["w/ aug", "feedforward", None, 0][3.0]
    assert value.paper == paper and value.paper_gain == pytest.approx(paper - before)
    assert value.difference == pytest.approx(100 * row["miou"] - paper)
    # The paper has no 1x in its Table 1, and ours is not in it at all.
    assert found[ENTROPY].values[1.0].paper is None
    assert found[ENTROPY].values[1.0].difference is None
    ours = found[(*OURS, 32)]
    assert ours.ours and all(value.paper is None for value in ours.values.values())
    assert sum(line.ours for line in found.values()) == 1


def test_no_miou_is_no_gain():
    data = table("1", IDS)
    for row in data["models"]["w/ aug"]["results"][:2]:
        row["miou"] = None
    found = {line.kind: line for line in lines(parse(data, "file"), "w/ aug")}
    value = found[ENTROPY].values[1.0]
    assert (value.miou, value.gain, value.difference) == (None, None, None)
    assert value.error is None
    assert gain_curves(list(found.values())).data


def test_files_without_errors():
    """As they were written before there were any, or of a single image."""
    data = table("1", IDS)
    for row in data["models"]["w/ aug"]["results"]:
        del row["miou_error"], row["gain_error"]
    found = lines(parse(data, "file"), "w/ aug")
    assert {value.error for line in found for value in line.values.values()} == {None}
    for figure in (gain_curves(found), gain_bars(found)):
        assert all(trace.error_y.array is None for trace in figure.data)
        assert not any("±" in trace.hovertemplate for trace in figure.data)


def test_mean_gains():
    data = table("1", IDS)
    value = mean_gain(parse(data, "file"), "w/ aug", ENTROPY)
    assert (value.gain, value.error) == pytest.approx((2.0, 0.9))
    assert value.paper_gain == pytest.approx((1.9 + 2.0 + 2.5 + 2.2) / 4)
    ours = mean_gain(parse(data, "file"), "w/ aug", (*OURS, 32))
    assert ours.gain == 0 and ours.paper_gain is None
    assert mean_gain(parse(data, "file"), "w/ aug", ("feedforward", None, 0)) is None
    data["models"]["w/ aug"]["mean_gains"][0]["scales"] = [1.0, 3.0]  # the paper has no 1x
    assert mean_gain(parse(data, "file"), "w/ aug", ENTROPY).paper_gain is None
    data["models"]["w/ aug"]["mean_gains"][0]["gain"] = None
    assert mean_gain(parse(data, "file"), "w/ aug", ENTROPY) is None
    del data["models"]["w/ aug"]["mean_gains"]
    assert mean_gain(parse(data, "file"), "w/ aug", ENTROPY) is None


def test_names():
    assert named(("feedforward", None, 0), True) == "feedforward"
    assert named(ENTROPY) == "entropy, both"
    assert named((*OURS, 1), True) == f"{OURS[0]} (ours), {OURS[1]}, 1 step"


def test_colours_are_of_methods_and_distinct():
    methods = ["entropy", OURS[0], "oracle", "entropy:lr=0.5", "entropy:lr=0.25", "oracle"]
    found = colours(methods)
    assert len(found) == len(set(found.values())) == 5
    assert colours(["oracle"])["oracle"] == found["oracle"]


def test_curves_have_a_line_for_each_method_and_step():
    figure = gain_curves(list(_lines("2", model="w/o aug").values()))
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
    assert figure.layout.yaxis.zeroline and figure.layout.xaxis.ticksuffix == "x"


def test_bars_by_variables():
    figure = gain_bars(list(_lines("3").values()))
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


def test_bars_of_what_the_paper_does_not_have():
    figure = gain_bars(list(_lines("control").values()))
    assert {trace.type for trace in figure.data} == {"bar"}
    # Each group has its bars around its middle, also where a method is missing.
    for panel in ("x", "x2"):
        places = [bar.x[0] for bar in figure.data if bar.xaxis == panel]
        groups = {group: [x for x in places if round(x) == group] for group in map(round, places)}
        assert len(places) == 3
        assert all(np.mean(here) == pytest.approx(group) for group, here in groups.items())

import pytest

from segviz.evaluation.against_paper import needs_truth, table_lines, variant_label
from segviz.evaluation.paper_tables import OURS, PAPER
from segviz.evaluation.results import Variant, parse_result
from tests.outcomes import table

IDS = [f"2007_{i:06}" for i in range(6)]
ENTROPY = ("entropy", "both", 32)


def _lines(name, model="w/ aug", **options):
    return {
        line.variant: line
        for line in table_lines(parse_result(table(name, IDS, **options), "file"), model)
    }


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
    found = {line.variant: line for line in table_lines(parse_result(data, "file"), "w/ aug")}
    value = found[ENTROPY].values[1.0]
    assert (value.miou, value.gain, value.difference) == (None, None, None)
    assert value.error is None


def test_mean_gains():
    def mean(kind):
        found = {line.variant: line for line in table_lines(parse_result(data, "file"), "w/ aug")}
        return found[kind].mean

    data = table("1", IDS)
    value = mean(ENTROPY)
    assert (value.gain, value.error) == pytest.approx((2.0, 0.9))
    assert value.paper == pytest.approx((1.9 + 2.0 + 2.5 + 2.2) / 4)
    ours = mean((*OURS, 32))
    assert ours.gain == 0 and ours.paper is None
    assert mean(("feedforward", None, 0)) is None
    data["models"]["w/ aug"]["mean_gains"][0]["scales"] = [1.0, 3.0]  # the paper has no 1x
    assert mean(ENTROPY).paper is None
    data["models"]["w/ aug"]["mean_gains"][0]["gain"] = None
    assert mean(ENTROPY) is None
    del data["models"]["w/ aug"]["mean_gains"]
    assert mean(ENTROPY) is None


def test_labels():
    assert variant_label(Variant("feedforward", None, 0), True) == "feedforward"
    assert variant_label(Variant(*ENTROPY)) == "entropy, both"
    assert variant_label(Variant(*OURS, 1), True) == f"{OURS[0]} (ours), {OURS[1]}, 1 step"


def test_bounds_need_the_truth():
    lines = _lines("3").values()
    bounds = {line.variant.method for line in lines if needs_truth(line)}
    assert bounds == {"oracle", "adversary"}
    assert {"feedforward", "entropy", OURS[0]} == {line.variant.method for line in lines} - bounds

import pytest

from segviz.adapt.methods import FEEDFORWARD
from segviz.evaluation.paper_tables import MODELS, OURS, PAPER, TABLES, paper_miou


def planned(table):
    """The scale and the variant of each result of a table."""
    return [
        (scale, method.at(step).spelling, (method.method.variables if step else None), step)
        for scale in table.scales
        for method in table.parsed_methods()
        for step in method.steps
    ]


def test_everything_that_the_paper_prints_is_measured():
    for name, printed in PAPER.items():
        table = TABLES[name]
        found = {
            (model, *variant, scale) for model in table.models for scale, *variant in planned(table)
        }
        for key, by_scale in printed.items():
            for scale in by_scale:
                assert (*key, scale) in found


def test_tables_measure_feedforward_and_the_papers_objective_and_ours():
    for name, table in TABLES.items():
        assert set(table.models) <= set(MODELS)
        found = planned(table)
        assert len(set(found)) == len(found)
        assert found[0][1] == FEEDFORWARD, name
        if name in ("1", "2", "3", "methods", "control"):
            measured = {(method, variables) for _, method, variables, _ in found}
            assert {("entropy", "both"), OURS} <= measured, name


@pytest.mark.parametrize(
    ("table", "model", "scale", "variant", "expected"),
    [
        ("1", "w/ aug", 3.0, (FEEDFORWARD, None, 0), 59.8),
        ("1", "w/o aug", 4.0, ("oracle", "both", 32), 32.1),
        ("2", "w/o aug", 1.5, ("entropy", "both", 128), 69.0),
        ("3", "w/ aug", 1, ("adversary", "scale", 32), 55.9),
        ("3", "w/ aug", 2.0, ("oracle", "both", 32), None),
        ("1", "w/ aug", 3.0, ("entropy:centred", "score", 32), None),
        ("2", "w/ aug", 3.0, (FEEDFORWARD, None, 0), None),
        ("control", "w/ aug", 3.0, (FEEDFORWARD, None, 0), None),
        ("no such table", "w/ aug", 3.0, (FEEDFORWARD, None, 0), None),
    ],
)
def test_paper_miou(table, model, scale, variant, expected):
    assert paper_miou(table, model, variant, scale) == expected

"""Colours of methods."""

from segviz.evaluation.paper_tables import OURS
from segviz.pictures.method_colours import method_colours


def test_methods_have_distinct_colours_that_do_not_depend_on_the_others():
    methods = ["entropy", OURS[0], "oracle", "entropy:lr=0.5", "entropy:lr=0.25", "oracle"]
    found = method_colours(methods)
    assert len(found) == len(set(found.values())) == 5
    assert method_colours(["oracle"])["oracle"] == found["oracle"]

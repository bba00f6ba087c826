import pytest

from segviz.adapt.method import Method
from segviz.errors import InputError
from segviz.evaluation.measured_method import MeasuredMethod, parse_methods


def test_one_number_of_updates():
    assert MeasuredMethod.parse("entropy") == MeasuredMethod(Method(), (32,))
    scores = Method(method="oracle", variables="score", steps=5, tolerance=0.1)
    found = MeasuredMethod.parse("oracle", "score", steps=(5,), tolerance=0.1)
    assert found == MeasuredMethod(scores, (5,))


@pytest.mark.parametrize("name", ["feedforward", "pyramid:rule", "multi-scale"])
def test_without_updates_there_is_one_step(name):
    assert MeasuredMethod.parse(name, steps=(9, 12)) == MeasuredMethod(Method(method=name), (0,))


def test_several_numbers_of_updates():
    several = MeasuredMethod.parse("entropy", steps=(128, 0, 32, 32))
    assert several.steps == (0, 32, 128) and several.method.steps == 128
    assert several.at(32) == Method(steps=32)
    assert MeasuredMethod.parse("entropy:steps=3", steps=(9, 12)).steps == (3,)
    with pytest.raises(InputError, match=r"no steps.*at least one, such as 32"):
        MeasuredMethod.parse("entropy", steps=())


def test_every_method_on_every_group_of_variables():
    found = parse_methods((" feedforward", "oracle"), ("score", "both"), (1, 4), centred=True)
    assert [(m.method.spelling, m.method.variables, m.steps) for m in found] == [
        ("feedforward", "", (0,)),
        ("oracle:centred", "score", (1, 4)),
        ("oracle:centred", "both", (1, 4)),
    ]


def test_variables_that_nobody_has_are_refused():
    with pytest.raises(InputError, match="no variables 'luck'"):
        parse_methods(("feedforward",), ("luck",))


def test_methods_have_variables_of_their_own():
    found = parse_methods(("entropy", "pyramid:rule:entropy", "flip"))
    assert [m.method.variables for m in found] == ["both", "gate", ""]


def test_variables_that_a_method_lacks_are_left_out():
    found = parse_methods(("entropy", "tent", "pyramid:rule:entropy"), ("both", "all"))
    assert [m.method.variables for m in found] == ["both", "all", "all", "both"]
    assert [m.method.variables for m in parse_methods(("tent",), ("score",))] == ["norm"]
    with pytest.raises(InputError, match="no variables 'bias'"):
        parse_methods(("tent",), ("bias",))

from dataclasses import replace

import pytest

from segviz.adapt.method import Method
from segviz.adapt.methods import METHODS, find, names_of, of_objective
from segviz.adapt.objectives import OBJECTIVES
from segviz.adapt.views import VIEWS
from segviz.errors import InputError

ADAPTING = [name for name, info in METHODS.items() if info.objective is not None]
PLAIN = [name for name in METHODS if name not in ADAPTING]


# The registry


def test_every_objective_is_a_method_of_its_name():
    for name, objective in OBJECTIVES.items():
        info = METHODS[name]
        assert info.objective == name and info.views == objective.views and not info.combination
        assert info.base == ("norm" if info.alpha else "feedforward")
        assert info.needs_truth == objective.needs_truth


@pytest.mark.parametrize("name", METHODS)
def test_what_the_registry_says_fits_together(name):
    info = METHODS[name]
    assert info.title and info.formula and info.source
    assert info.views in VIEWS
    assert info.views != "single" or info.combination == ""
    assert info.combination == "" or info.correction == ""
    assert info.failure or info.needs_truth or not info.adapted or "pyramid" in name
    adapts = info.objective is not None
    assert adapts == bool(info.variables) == (info.steps > 0)
    base = METHODS[info.base]
    assert base.objective is None
    if adapts:
        assert base.combination == info.combination
        assert base.views == info.views or not info.combination


def test_an_objective_of_the_user_s_becomes_a_method(monkeypatch):
    objective = replace(OBJECTIVES["entropy"], title="Own", source="this test")
    monkeypatch.setitem(OBJECTIVES, "entropy-own", objective)
    monkeypatch.setitem(METHODS, "entropy-own", of_objective("entropy-own"))
    method = Method.parse("entropy-own:centred")
    assert (method.objective, method.variables, method.info.title) == ("entropy-own", "both", "Own")
    assert method.info.adapted and not METHODS["entropy"].adapted


def test_titles_are_unique():
    titles = [info.title for info in METHODS.values()]
    assert len(set(titles)) == len(titles)


def test_passes_count_the_area_of_the_views():
    names = ("entropy", "flip", "pyramid", "pyramid:five", "multi-scale")
    found = {name: METHODS[name].passes for name in names}
    areas = 2 * (0.25 + 0.5625 + 1 + 1.5625 + 2.25 + 3.0625)
    octaves = 1 + 1 / 4 + 1 / 16
    assert found.pop("pyramid:five") == pytest.approx(octaves + 1 / 8 + 1 / 16)
    assert found == {"entropy": 1, "flip": 2, "pyramid": octaves, "multi-scale": areas}


def test_unknown_names():
    assert find("flip") is METHODS["flip"]
    with pytest.raises(InputError, match=r"no method 'flop'; choose one of feedforward, .*flip"):
        find("flop")
    assert "pyramid[:rule|fixed|mean|gate|five][:entropy|oracle|adversary]" in names_of()


# Spelling


@pytest.mark.parametrize("name", METHODS)
def test_names_are_spellings(name):
    method = Method.parse(name)
    assert method == Method(method=name) and method.spelling == name
    assert method.info is METHODS[name] and method.objective == METHODS[name].objective


@pytest.mark.parametrize("name", ADAPTING)
def test_spellings_say_everything_but_steps_and_variables(name):
    head = next((v for v in METHODS[name].variables if v in ("score", "both")), None)
    variables = head or METHODS[name].variables[0]
    method = Method(
        method=name,
        variables=variables,
        steps=7,
        learning_rate=3e-4,
        centred=head is not None,
        tolerance=0.01,
        stop="drift",
        optimiser="sgd",
        momentum=0.5,
        alpha=0.0 if head else 0.25,
    )
    first = f"{name}:centred" if head else f"{name}:alpha=0.25"
    assert method.spelling == f"{first}:sgd:momentum=0.5:lr=0.0003:tolerance=0.01:stop=drift"
    assert Method.parse(method.spelling, variables=variables, steps=7) == method


def test_options_of_a_spelling_go_before_defaults():
    method = Method.parse("entropy-marginal:lr=3e-4:steps=7", learning_rate=1e-2, steps=1)
    assert method == Method(method="entropy-marginal", learning_rate=3e-4, steps=7)
    given = Method.parse(" entropy ", variables="score", learning_rate=1e-2, tolerance=None or 0.0)
    assert given == Method(variables="score", learning_rate=1e-2)


def test_one_spelling_for_one_method():
    spelt = Method.parse("entropy:lr=3e-4:centred")
    given = Method.parse("entropy", centred=True, learning_rate=3e-4)
    assert spelt == given and spelt.spelling == given.spelling == "entropy:centred:lr=0.0003"
    assert Method.parse("entropy:lr=1e-3:steps=7", variables="score").spelling == "entropy"
    rates = ("0.00012345678", "0.00012345679")
    assert len({Method.parse(f"entropy:lr={rate}").spelling for rate in rates}) == 2


@pytest.mark.parametrize("name", ADAPTING)
def test_without_updates_the_spelling_is_that_of_the_base(name):
    assert Method(method=name, steps=0).spelling == METHODS[name].base


@pytest.mark.parametrize(
    ("spelling", "pattern"),
    [
        ("", "no method ''; choose one of feedforward, entropy"),
        ("entropia", "no method 'entropia'; choose one of feedforward, entropy"),
        ("feedforward:steps=3", "'feedforward:steps=3': feedforward makes no updates.*no options"),
        ("pyramid:rule:lr=1e-2", "pyramid:rule makes no updates and takes no options"),
        ("pyramid:luck", "takes no options; write pyramid"),
        (
            "entropy:fast",
            "'fast' in 'entropy:fast' is not an option.*lr=RATE, .*, stop=RULE and steps=T",
        ),
        ("entropy:", "'' in 'entropy:' is not an option"),
        ("entropy:lr", "'lr' in 'entropy:lr' is not an option"),
        ("entropy:lr=quick", "'lr=quick' in"),
        ("entropy:steps=2.5", r"'steps=2\.5' in"),
        ("entropy:centred=no", "'centred=no' in"),
        ("entropy:lr=7", "learning rate must be .* got 7.0"),
        ("entropy:lr=nan", "learning rate must be .* got nan"),
        ("entropy:steps=-1", "steps must be .* got -1"),
        ("norm:lr=1e-3", "norm makes no updates and takes only alpha=A; write norm"),
        ("norm:alpha=2", "alpha must be .* got 2.0"),
        ("entropy:alpha=0.5", "alpha mixes .* 'both'; choose norm or all, or leave alpha out"),
        ("entropy:momentum=1", "momentum must be .* got 1.0"),
        ("entropy:stop=luck", "no stop rule 'luck'; choose one of drift, vanishing, agreement"),
        ("entropy:rmsprop", "'rmsprop' in 'entropy:rmsprop' is not an option"),
        ("entropy:tolerance=1", "tolerance must be .* got 1.0"),
        ("pyramid:rule:entropy:centred", "centred updates .* 'gate'; choose score, scale or both"),
    ],
)
def test_misspelt_methods(spelling, pattern):
    with pytest.raises(InputError, match=pattern) as caught:
        Method.parse(spelling)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["feedforward", "norm", "entropy"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", -1), ("steps", 2.5), ("learning_rate", float("inf")), ("momentum", 2),
        ("alpha", float("nan")), ("optimiser", "luck"), ("tolerance", 1), ("stop", "luck"),
        ("variables", "luck"),
    ],
)  # fmt: skip
def test_values_are_checked_even_where_a_method_ignores_them(name, field, value):
    with pytest.raises(InputError, match=rf"{field.replace('_', ' ')}|{value}"):
        Method(method=name, **{field: value})


# Values


def test_optimiser_and_momentum():
    assert (Method().optimiser, Method(momentum=0.3).momentum) == ("adam", 0.0)
    sgd = Method.parse("entropy:sgd")
    assert (sgd.optimiser, sgd.momentum, sgd.spelling) == ("sgd", 0.9, "entropy:sgd")
    assert Method.parse("entropy:sgd:momentum=0") == replace(sgd, momentum=0.0)
    with pytest.raises(InputError, match="no optimiser 'lion'; choose one of adam, sgd"):
        Method(optimiser="lion")


@pytest.mark.parametrize(
    ("values", "spelling", "joins"),
    [
        ({"method": "norm"}, "norm", 1),
        ({"method": "norm", "alpha": 0.1}, "norm:alpha=0.1", 1),
        ({"method": "norm", "alpha": 0.0}, "norm:alpha=0.0", 0),
        ({"method": "tent"}, "tent", 1),
        ({"method": "tent", "alpha": 0.0}, "tent:alpha=0.0", 0),
        ({"method": "tent", "alpha": 0.0, "steps": 0}, "feedforward", 0),
        ({"method": "tent", "steps": 0}, "norm", 1),
        ({"method": "tent", "alpha": 0.3, "steps": 0}, "norm:alpha=0.3", 1),
        ({"variables": "norm", "alpha": 1.0}, "entropy:alpha=1.0", 1),
        ({"variables": "norm", "alpha": 1.0, "steps": 0}, "norm", 1),
        ({"variables": "norm"}, "entropy", 0),
        ({"method": "lame"}, "lame", 1),
    ],
)
def test_statistics_of_the_image(values, spelling, joins):
    method = Method(**values)
    assert (method.spelling, method.joins) == (spelling, joins)
    variables = method.variables or None
    assert Method.parse(spelling, variables=variables, steps=method.steps).spelling == spelling


def test_defaults_are_those_of_the_method():
    assert (Method().variables, Method().steps, Method().learning_rate) == ("both", 32, 1e-3)
    pyramid = Method(method="pyramid:rule:entropy")
    assert (pyramid.variables, pyramid.steps, pyramid.learning_rate) == ("gate", 32, 0.05)


@pytest.mark.parametrize("name", PLAIN)
def test_methods_without_updates_have_neutral_values(name):
    method = Method(
        method=name, variables="both", steps=9, learning_rate=0.5, centred=True, tolerance=0.1
    )
    assert method == Method(method=name)
    assert (method.variables, method.steps, method.centred) == ("", 0, False)
    assert method.objective is None and not method.needs_truth


@pytest.mark.parametrize("variables", ["both", "score", "scale", "all"])
def test_variables_of_a_method(variables):
    assert Method(variables=variables).variables == variables


@pytest.mark.parametrize(
    ("name", "variables"),
    [("entropy", "gate"), ("entropy", ""), ("entropy", "weights"), ("pyramid:rule:oracle", "all")],
)
def test_variables_that_a_method_does_not_have(name, variables):
    with pytest.raises(InputError, match=f"'{name}' has no variables '{variables}'; choose one of"):
        Method(method=name, variables=variables)


def test_truth_is_needed_only_for_updates():
    assert Method(method="oracle").needs_truth
    assert Method(method="pyramid:rule:adversary").needs_truth
    assert not Method(method="oracle", steps=0).needs_truth
    assert not Method(method="pyramid:rule").needs_truth


@pytest.mark.parametrize(
    ("spelling", "joins", "last"),
    [
        ("feedforward", 0, 0),
        ("entropy:steps=5", 0, 5),
        ("flip", 1, 1),
        ("pyramid:rule", 2, 2),
        ("pyramid:rule:entropy:steps=5", 2, 7),
        ("multi-scale", 11, 11),
    ],
)
def test_views_join_before_updates(spelling, joins, last):
    method = Method.parse(spelling)
    assert (method.joins, method.last_step) == (joins, last)

import pytest

from segviz.adapt import Settings
from segviz.adapt.method import FEEDFORWARD, Method, parse_methods
from segviz.errors import InputError


def test_methods():
    feedforward = Method.parse("feedforward")
    assert feedforward.settings == Settings(steps=0) and feedforward.steps == (0,)
    assert Method.parse("entropy").settings == Settings() and Method.parse("entropy").steps == (32,)
    assert Method.parse("oracle", "score", steps=(5,), tolerance=0.1).settings == Settings(
        objective="oracle", variables="score", steps=5, tolerance=0.1
    )
    assert Method.parse("entropy-marginal:centred:lr=3e-4:steps=7", "scale").settings == Settings(
        objective="entropy-marginal",
        variables="scale",
        steps=7,
        learning_rate=3e-4,
        centred=True,
    )


def test_steps_of_a_method():
    several = Method.parse("entropy", steps=(128, 0, 32, 32))
    assert several.steps == (0, 32, 128) and several.settings.steps == 128
    assert Method.parse("entropy:steps=3", steps=(9, 12)).steps == (3,)
    assert Method.parse("feedforward", steps=(9, 12)).steps == (0,)
    with pytest.raises(InputError, match=r"no steps.*at least one, such as 32"):
        Method.parse("entropy", steps=())


def test_names():
    """One name for one way to adapt, however it was asked for; never one name for two."""
    assert Method.parse(" entropy ").name == "entropy"
    assert Method.parse("entropy:lr=1e-3:steps=7", "score").name == "entropy"
    assert Method.parse("entropy", steps=(0,)).name == FEEDFORWARD
    spelt = Method.parse("entropy:lr=3e-4:centred", steps=(1, 2))
    given = Method.parse("entropy", steps=(1, 2), centred=True, learning_rate=3e-4)
    assert spelt.name == given.name == "entropy:centred:lr=0.0003"
    assert Method.parse(spelt.name, steps=(1, 2)) == spelt
    tolerant = Method.parse("oracle", tolerance=0.01)
    assert tolerant.name == "oracle:tolerance=0.01" and Method.parse(tolerant.name) == tolerant
    rates = ("0.00012345678", "0.00012345679")
    assert len({Method.parse(f"entropy:lr={rate}").name for rate in rates}) == 2


@pytest.mark.parametrize(
    ("spelling", "pattern"),
    [
        ("", "no objective ''; choose one of entropy"),
        ("entropia", "no objective 'entropia'; choose one of entropy"),
        ("feedforward:steps=3", "'feedforward:steps=3': feedforward takes no options"),
        (
            "entropy:fast",
            "'fast' in 'entropy:fast' is not an option.*lr=RATE, tolerance=FRACTION and steps=T",
        ),
        ("entropy:", "'' in 'entropy:' is not an option"),
        ("entropy:lr", "'lr' in 'entropy:lr' is not an option"),
        ("entropy:lr=quick", "'lr=quick' in"),
        ("entropy:steps=2.5", r"'steps=2\.5' in"),
        ("entropy:centred=no", "'centred=no' in"),
        ("entropy:lr=7", "learning rate must be .* got 7.0"),
        ("entropy:lr=nan", "learning rate must be .* got nan"),
        ("entropy:steps=-1", "steps must be .* got -1"),
    ],
)
def test_misspelt_methods(spelling, pattern):
    with pytest.raises(InputError, match=pattern) as caught:
        Method.parse(spelling)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_every_method_on_every_group_of_variables():
    found = parse_methods((" feedforward", "oracle"), ("score", "both"), (1, 4), centred=True)
    assert [(m.name, m.settings.variables, m.steps) for m in found] == [
        (FEEDFORWARD, "both", (0,)),
        ("oracle:centred", "score", (1, 4)),
        ("oracle:centred", "both", (1, 4)),
    ]

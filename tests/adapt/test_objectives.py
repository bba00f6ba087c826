import pytest

from segviz.adapt import objectives
from segviz.adapt.objectives import OBJECTIVES
from segviz.errors import InputError


def test_directions_and_needs():
    signs = {name: (o.direction, o.needs_truth) for name, o in OBJECTIVES.items()}
    assert (
        signs.items()
        >= {
            "entropy": (1, False),
            "entropy-all": (1, False),
            "entropy-marginal": (1, False),
            "entropy-few": (1, False),
            "oracle": (1, True),
            "adversary": (-1, True),
            "adversary-entropy": (-1, False),
        }.items()
    )
    for objective in OBJECTIVES.values():
        assert objective.title and objective.source
        assert objective.formula.startswith(r"\min" if objective.direction == 1 else r"\max")


def test_unknown_objective():
    with pytest.raises(InputError, match=r"no objective 'entropia'; choose one of entropy, .*\.$"):
        objectives.find("entropia")

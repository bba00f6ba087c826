import pytest


def gate_card(**changes):
    """The card of a gate with one map of two hidden units, which prefers the middle size a little.

    Its weights are made up, so that the weights of the sizes depend on all features.
    """
    from segviz.adapt.gate import FEATURES, LEVELS

    count = LEVELS * len(FEATURES)
    values = {
        "features": list(FEATURES),
        "background": 0,
        "mean": [[0.1 * (level + 1)] * len(FEATURES) for level in range(LEVELS)],
        "std": [[0.5] * len(FEATURES)] * LEVELS,
        "maps": [
            {
                "hidden": [[0.3] * count, [-0.2 + 0.05 * i for i in range(count)]],
                "hidden_bias": [0.1, -0.1],
                "out": [[0.5, -0.2], [0.1, 0.3], [-0.4, 0.2]],
                "out_bias": [0.0, 0.3, -0.2],
            }
        ],
    }
    return {**values, **changes}


@pytest.fixture(scope="session")
def gate():
    from segviz.adapt.gate import Gate

    return Gate.of_card(gate_card())

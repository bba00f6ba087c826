import json

import pytest

from segviz.adapt.run import environment
from segviz.benchmark import benchmark
from segviz.errors import InputError
from segviz.network.checkpoint import tensor_hash


def test_benchmark(trained):
    before = tensor_hash(trained.network)
    result = benchmark(trained, scale=0.25, repeats=3)
    assert tensor_hash(trained.network) == before
    assert result["scale"] == 0.25 and result["photo"] == "451 x 300"
    assert result["environment"] == environment(trained)
    for name in ("forward_ms", "step_ms"):
        low, high = result[f"{name}_range"]
        assert 0 < low <= result[name] <= high
    ratios = [s / f for s in result["step_ms_range"] for f in result["forward_ms_range"]]
    assert min(ratios) <= result["step_over_forward"] <= max(ratios)
    json.dumps(result, allow_nan=False)


def test_one_round(trained):
    result = benchmark(trained, scale=0.25, repeats=1)
    assert result["forward_ms_range"] == [result["forward_ms"]] * 2


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        ({"repeats": 0}, "repeats is 0, but must be at least 1"),
        ({"scale": 9.0}, "scale is 9.0"),
    ],
)
def test_impossible(trained, values, pattern):
    with pytest.raises(InputError, match=pattern):
        benchmark(trained, **values)

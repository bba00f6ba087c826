import dataclasses
from itertools import pairwise

import pytest
from torch import nn

from segviz.network import Architecture
from segviz.network.dynamic import Segmenter
from segviz.training.optimiser import build_optimiser, rate_factor
from segviz.training.recipe import Recipe

RECIPE = Recipe(learning_rate=0.2, scale_rate=0.5, backbone_rate=0.25)


@pytest.fixture
def segmenter():
    return Segmenter(Architecture.of("mobilenetv2_100", channels=8, levels=3, pooled_context=True))


def names(network, group):
    ids = {id(p) for p in group["params"]}
    return {name.partition(".")[0] for name, p in network.named_parameters() if id(p) in ids}


def test_groups(segmenter):
    new, scale, old = build_optimiser(segmenter, RECIPE).param_groups
    assert [group["factor"] for group in (new, scale, old)] == [1.0, 0.5, 0.25]
    assert names(segmenter, scale) == {"scale_weight", "scale_bias"}
    assert names(segmenter, old) == {"backbone", "context"}
    sizes = sum(len(group["params"]) for group in (new, scale, old))
    assert sizes == len(list(segmenter.parameters()))


def test_frozen(segmenter):
    groups = build_optimiser(segmenter, dataclasses.replace(RECIPE, backbone_rate=0)).param_groups
    assert len(groups) == 2
    frozen = {
        name.partition(".")[0] for name, p in segmenter.named_parameters() if not p.requires_grad
    }
    assert frozen == {"backbone", "context"}


def test_what_learns_along(segmenter):
    others = nn.Linear(2, 3)
    new = build_optimiser(segmenter, RECIPE, others).param_groups[0]
    assert {id(p) for p in others.parameters()} <= {id(p) for p in new["params"]}


def test_poly_rate():
    recipe = Recipe(warmup=0)
    rates = [rate_factor(recipe, i, 100) for i in range(101)]
    assert rates[0] == 1 and rates[100] == 0
    assert all(a > b for a, b in pairwise(rates))
    for i in (10, 50, 99):
        assert rates[i] == pytest.approx((1 - i / 100) ** 0.9)


def test_warm_up():
    recipe, poly = Recipe(warmup=10), Recipe(warmup=0)
    ratios = [rate_factor(recipe, i, 100) / rate_factor(poly, i, 100) for i in range(100)]
    assert ratios[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert ratios[9:] == [1] * 91


def test_rate_falls_with_what_is_used():
    recipe = Recipe(warmup=0)
    assert rate_factor(recipe, 10, 100, time_used=0.6) == pytest.approx(0.4**0.9)
    assert rate_factor(recipe, 60, 100, time_used=0.1) == pytest.approx(0.4**0.9)
    assert rate_factor(recipe, 10, 100, time_used=1.5) == 0

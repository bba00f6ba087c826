import itertools

import pytest
import torch

from segviz.adapt.optimisation import optimise
from segviz.adapt.settings import Settings
from segviz.network.checkpoint import tensor_hash
from segviz.profiling import baselines


@pytest.fixture
def ours(views64):
    states = optimise(views64, Settings(scale=2.0, steps=3))
    return [state.logits.flatten(1).T for state in states]


@pytest.mark.parametrize("way", ["whole", "whole, frozen", "partial"])
def test_baselines_of_theta_make_the_same_updates(way, network64, encoded64, ours):
    before = tensor_hash(network64)
    if way == "partial":
        steps = baselines.head_backpropagation(network64, encoded64.encoding.F)
    else:
        steps = baselines.full_backpropagation(
            network64, encoded64.x, "theta", frozen=way.endswith("frozen")
        )
    for mine, theirs in zip(ours, steps, strict=False):
        torch.testing.assert_close(mine, theirs, atol=1e-8, rtol=1e-8)
    assert (ours[3] - ours[0]).abs().max() > 1e-3
    assert tensor_hash(network64) == before


def test_adapting_norms_leaves_the_network(network64, encoded64):
    before = tensor_hash(network64)
    steps = baselines.full_backpropagation(network64, encoded64.x, "norm")
    first, second = itertools.islice(steps, 2)
    assert (second - first).abs().max() > 1e-6
    assert tensor_hash(network64) == before
    assert all(parameter.grad is None for parameter in network64.parameters())


def test_batch_norm_parameters():
    convolution, norm = torch.nn.Conv2d(3, 4, 1), torch.nn.BatchNorm2d(4)
    module = torch.nn.Sequential(convolution, norm, torch.nn.BatchNorm2d(4, affine=False))
    weight, bias = baselines.batch_norm_parameters(module)
    assert weight is norm.weight and bias is norm.bias


def test_backbone_and_classifier(network, encoded):
    logits = baselines.backbone_and_classifier(network, encoded.x)
    assert logits.shape == (1, 21, *encoded.encoding.F.shape[-2:])

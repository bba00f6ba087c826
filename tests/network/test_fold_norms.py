import copy

import pytest
import torch
from torch import nn

from segviz.network.backbone import Backbone
from segviz.network.fold_norms import fold_norms
from segviz.network.resampling import Grid


def norms(module):
    return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())


@pytest.fixture(scope="module", params=["mobilenetv2_100", "dla34"])
def backbone(request):
    """A random backbone whose norms are far from the identity."""
    torch.manual_seed(0)
    made = Backbone(request.param, 16 if request.param == "mobilenetv2_100" else 32).eval()
    for part in made.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.2, 0.2)
            part.running_var.uniform_(0.5, 1.5)
            part.weight.data.uniform_(0.5, 1.5)
            part.bias.data.uniform_(-0.2, 0.2)
    return made


@torch.no_grad()
def test_computes_the_same_without_norms(backbone):
    x = torch.randn(2, 3, 96, 160)
    copied = fold_norms(backbone)
    assert norms(backbone) > 20 and norms(copied) == 0
    for a, b in zip(backbone(x), copied(x), strict=True):
        assert (a - b).abs().max() < 1e-3 * a.abs().max()


@torch.no_grad()
def test_writes_nothing_to_the_original(backbone):
    before = copy.deepcopy(backbone.state_dict())
    fold_norms(backbone)
    after = backbone.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[key], after[key]) for key in before)


class Crossed(nn.Module):
    """Uses its norms in another order than they were made in."""

    def __init__(self):
        super().__init__()
        self.strides = [1]
        self.grid = lambda stride: Grid(stride, 1, False)
        self.conv1, self.bn1 = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
        self.conv2, self.bn2 = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
        self.bn1.weight.data.fill_(2.0)

    def forward(self, x):
        return [self.bn1(self.conv2(self.bn2(self.conv1(x)).relu()))]


def test_a_network_that_cannot_be_fused_stays(seed):
    crossed = Crossed().eval()
    assert fold_norms(crossed) is crossed


@torch.no_grad()
def test_frozen_network_encodes_the_same(trained):
    x = torch.randn(1, 3, 75, 98)
    network = trained.network
    plain = copy.deepcopy(network)
    plain.load_state_dict(network.state_dict())
    for a, b in zip(network.encode(x), plain.encode(x), strict=True):
        assert not torch.equal(a, b), "both took the same way"
        torch.testing.assert_close(a, b, atol=2e-3, rtol=1e-3)


@torch.no_grad()
def test_new_weights_are_not_hidden_by_old_ones(trained):
    x = torch.randn(1, 3, 48, 48)
    network = copy.deepcopy(trained.network)
    before = network.encode(x).F
    weights = {
        key: value * 1.5 if "conv_stem" in key else value
        for key, value in network.state_dict().items()
    }
    network.load_state_dict(weights)
    assert (network.encode(x).F - before).abs().max() > 1e-2
    network.freeze()
    torch.testing.assert_close(network.encode(x).F, network.features(x), atol=2e-3, rtol=1e-3)
    assert network.double().encode(x.double()).F.dtype == torch.float64

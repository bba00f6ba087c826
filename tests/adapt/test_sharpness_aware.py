import math

import pytest
import torch

from segviz.adapt.optimisation import optimise
from segviz.adapt.settings import Settings
from segviz.adapt.sharpness_aware import ResetRule, ascended


def parameter(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def test_ascent_along_the_gradient_and_back_to_the_bit():
    p, q = parameter(0.1, 0.2), parameter(0.3)
    p.grad, q.grad = torch.tensor([3.0, 0.0]).double(), torch.tensor([4.0]).double()
    before = p.detach().clone(), q.detach().clone()
    with ascended([p, q], 0.05):
        torch.testing.assert_close(p.detach() - before[0], torch.tensor([0.03, 0.0]).double())
        torch.testing.assert_close(q.detach() - before[1], torch.tensor([0.04]).double())
        p.grad, q.grad = torch.ones_like(p), torch.ones_like(q)
    assert torch.equal(p.detach(), before[0]) and torch.equal(q.detach(), before[1])


def test_ascent_without_gradient_stays_finite():
    p = parameter(0.1)
    p.grad = torch.zeros_like(p)
    with ascended([p], 0.05):
        assert p.item() == 0.1
    with ascended([parameter(1.0)], 0.05):
        pass


def test_reset_once_the_running_mean_falls_below_the_threshold():
    p = parameter(1.0)
    rule = ResetRule([p], 0.1, 21)
    least = 0.1 * math.log(21)
    with torch.no_grad():
        p.add_(5)
    assert not rule.apply(2 * least)
    assert not rule.apply(0.0) and not rule.apply(least / 2)
    mean = 0.9 * (0.9 * 2 * least) + 0.1 * least / 2
    assert rule.mean == pytest.approx(mean) and p.item() == 6
    while not rule.apply(0.0):
        mean *= 0.9
    assert 0.9 * mean < least and p.item() == 1
    assert not rule.apply(2 * least), "the mean begins anew"


def test_sar_returns_to_the_trained_parameters(network, views):
    settings = Settings(method="sar", scale=1.0, steps=3)
    states = list(optimise(views, settings))
    assert states[-1].step == 3
    assert all(math.isfinite(state.loss) for state in states)

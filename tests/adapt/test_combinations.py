import itertools
import math

import pytest
import torch

from segviz.adapt.combinations import COMBINATIONS, ViewPredictions, log_weights
from segviz.adapt.gate import Gate

from .conftest import gate_card

RATIO, POWER = 0.7, 8  # c and p of the rule


def random_views(shape=(8, 12), count=3, classes=5):
    logits = 2 * torch.randn(count, math.prod(shape), classes, dtype=torch.float64)
    return ViewPredictions(logits.softmax(2), shape)


def of_classes(*numbers, shape=(4, 4), classes=6):
    """Views whose entropy is everywhere the logarithm of a number of classes."""
    p = torch.zeros(len(numbers), math.prod(shape), classes, dtype=torch.float64)
    for view, number in zip(p, numbers, strict=True):
        view[:, :number] = 1 / number
    return ViewPredictions(p, shape)


def rule(views):
    return log_weights("rule", views, None).exp()


def test_entropy_of_a_view():
    entropy = of_classes(1, 2, 6).entropy()
    expected = torch.tensor([0, math.log(2), math.log(6)], dtype=torch.float64)
    torch.testing.assert_close(entropy, expected[:, None].expand(3, 16))


@pytest.mark.parametrize("name", COMBINATIONS)
@pytest.mark.parametrize("shape", [(8, 12), (1, 1), (3, 17)])
def test_weights_sum_to_1(name, shape):
    weights = log_weights(name, random_views(shape), None).softmax(0)
    assert weights.shape in ((3, 1), (3, math.prod(shape)))
    torch.testing.assert_close(weights.sum(0), torch.ones(weights.shape[1], dtype=torch.float64))


def test_mean():
    weights = log_weights("mean", random_views(count=4), None).softmax(0)
    torch.testing.assert_close(weights, torch.full((4, 1), 0.25, dtype=torch.float64))


def test_fixed():
    weights = log_weights("fixed", random_views(), None).softmax(0).flatten()
    total = math.exp(2) + 1 + math.exp(-2)
    expected = [math.exp(2) / total, 1 / total, math.exp(-2) / total]
    assert weights.tolist() == pytest.approx(expected)


# The rule


def test_rule_by_hand():
    """Entropies ln 4, ln 2, ln 3 everywhere."""
    weights = rule(of_classes(4, 2, 3))
    first = 1 / (1 + (math.log(2) / (RATIO * math.log(4))) ** POWER)
    second = 1 / (1 + (math.log(3) / (RATIO * math.log(2))) ** POWER)
    expected = [1 - first, first * (1 - second), first * second]
    for pixel in weights.T:
        assert pixel.tolist() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("shape", [(8, 12), (5, 3), (1, 1)])
def test_rule_averages_entropy_over_a_quarter_of_the_photo(shape):
    views = random_views(shape)
    height, width = shape
    entropy = views.entropy().view(3, height, width)
    # An odd window is centred; at the borders it is what lies on the photo.
    reach = [(max(1, side // 4) | 1) // 2 for side in shape]
    expected = torch.empty(3, height, width, dtype=torch.float64)
    for i, j in itertools.product(range(height), range(width)):
        rows = slice(max(0, i - reach[0]), i + reach[0] + 1)
        columns = slice(max(0, j - reach[1]), j + reach[1] + 1)
        mean = entropy[:, rows, columns].mean((1, 2))
        a = 1 / (1 + (mean[1:] / (RATIO * mean[:-1])) ** POWER)
        expected[:, i, j] = torch.stack((1 - a[0], a[0] * (1 - a[1]), a[0] * a[1]))
    weights = rule(views)
    torch.testing.assert_close(weights, expected.flatten(1), atol=1e-10, rtol=1e-8)
    torch.testing.assert_close(weights.sum(0), torch.ones(height * width, dtype=torch.float64))


def test_rule_moves_down_where_the_next_size_is_far_surer():
    assert rule(of_classes(6, 1, 6))[1].min() > 1 - 1e-9  # ln 6, then 0
    assert rule(of_classes(6, 6, 6))[0].min() > 0.9  # equally sure is not surer
    views = of_classes(2, 6, 1)
    assert rule(views)[0].min() > 0.999  # ln 2, then ln 6: the last size does not count


def test_rule_is_local():
    """On the left the second size is surer, on the right the first."""
    p = of_classes(6, 1, 6, shape=(4, 16)).probabilities.unflatten(1, (4, 16))
    p[0, :, 8:], p[1, :, 8:] = p[1, :, 8:].clone(), p[0, :, 8:].clone()
    weights = rule(ViewPredictions(p.flatten(1, 2), (4, 16))).unflatten(1, (4, 16))
    assert weights[1, :, 0].min() > 0.999 and weights[0, :, -1].min() > 0.999


def test_sizes_that_are_all_certain_are_equally_sure():
    torch.testing.assert_close(rule(of_classes(1, 1, 1)), rule(of_classes(6, 6, 6)))


# The gate


def test_the_gate_or_the_rule(gate):
    views = random_views()
    by_rule, by_gate = log_weights("rule", views, gate), log_weights("gate", views, gate)
    assert torch.equal(log_weights("gate-or-rule", views, None), by_rule)
    assert torch.equal(log_weights("gate-or-rule", views, gate), by_gate)
    assert torch.equal(by_gate[:, 0], gate.log_weights(views.probabilities))
    assert by_gate.shape == (3, 1) and not torch.allclose(by_gate.softmax(0)[0], by_rule[0].exp())


@pytest.mark.parametrize("gated", [True, False])
def test_weights_spread_over_five_views_by_hand(gate, gated):
    """Those of s, s/2 and s/4; the other views do not move them."""
    views = random_views(count=5)
    octaves = ViewPredictions(views.probabilities[[0, 1, 3]], views.shape)
    weights = log_weights("gate" if gated else "rule", octaves, gate).softmax(0)
    found = log_weights("gate-or-rule-five", views, gate if gated else None).exp()
    assert found.shape == (5, weights.shape[1])
    for own, (first, second, third) in zip(found.T.tolist(), weights.T.tolist(), strict=True):
        moved = 1.5 * min(second, third)
        rest = (second + third - moved) / (second + third)
        expected = [first, rest * second, moved, rest * third / 2, rest * third / 2]
        assert own == pytest.approx(expected) and sum(own) == pytest.approx(1)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_gate_that_is_sure_of_a_size_spreads_only_to_its_mirror_image(level):
    bias = [200.0 * (each == level) for each in range(3)]
    card = gate_card()
    card["maps"][0]["out_bias"] = bias
    weights = log_weights("gate-or-rule-five", random_views(count=5), Gate.of_card(card)).softmax(0)
    expected = [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0.5, 0.5]][level]
    assert weights.flatten().tolist() == pytest.approx(expected, abs=1e-9)


def test_entropy_by_class_by_the_definition():
    p = torch.tensor(
        [
            [[0.9, 0.05, 0.05], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.9, 0.05, 0.05]],
            [[0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0.4, 0.3, 0.3], [0.4, 0.3, 0.3]],
            [[0.5, 0.25, 0.25], [0.2, 0.6, 0.2], [0.1, 0.1, 0.8], [0.1, 0.1, 0.8]],
        ]
    ).double()
    h = []
    for view in p.tolist():
        by_class = {}
        for row in view:
            entropy = -sum(v * math.log(v) for v in row)
            by_class.setdefault(row.index(max(row)), []).append(entropy)
        h.append(sum(sum(found) / len(found) for found in by_class.values()) / len(by_class))
    expected = [-(value - min(h)) / (max(h) - min(h)) for value in h]
    got = log_weights("class-entropy", ViewPredictions(p, (2, 2)), None)
    assert got[:, 0].tolist() == pytest.approx(expected)


def test_entropy_by_class_of_equal_views():
    p = torch.rand(1, 6, 4).softmax(2).expand(3, -1, -1)
    weights = log_weights("class-entropy", ViewPredictions(p, (2, 3)), None).softmax(0)
    assert weights[:, 0].tolist() == pytest.approx([1 / 3] * 3)

import math
import statistics

import pytest
import torch

from segviz.adapt.gate import FEATURES, Gate, features
from segviz.errors import InputError

from .conftest import gate_card

# Two sizes, two pixels, three classes.
P = [[[0.7, 0.2, 0.1], [0.0, 1.0, 0.0]], [[0.5, 0.25, 0.25], [0.2, 0.2, 0.6]]]


def by_hand(background):
    """The features of `P`, number by number."""
    found = []
    for level in range(2):
        entropy, foreground, largest, divergence = [], [], [], []
        for pixel in range(2):
            p = P[level][pixel]
            mean = [statistics.mean(P[each][pixel][k] for each in range(2)) for k in range(3)]
            entropy.append(-sum(q * math.log(q) for q in p if q))
            foreground.append(1.0 if background is None else 1 - p[background])
            largest.append(max(q for k, q in enumerate(p) if k != background))
            divergence.append(sum(q * math.log(q / m) for q, m in zip(p, mean, strict=True) if q))
        weigh = [f / sum(foreground) for f in foreground]
        found.append(
            [
                statistics.mean(entropy),
                statistics.mean(foreground),
                sum(w * h for w, h in zip(weigh, entropy, strict=True)),
                sum(w * q for w, q in zip(weigh, largest, strict=True)),
                statistics.mean(divergence),
            ]
        )
    return found


@pytest.mark.parametrize("background", [0, 2, None])
def test_features_by_hand(background):
    got = features(torch.tensor(P, dtype=torch.float64), background)
    assert got.shape == (2, len(FEATURES))
    torch.testing.assert_close(got, torch.tensor(by_hand(background), dtype=torch.float64))


def test_without_background_all_is_foreground():
    got = features(torch.tensor(P, dtype=torch.float64), None)
    assert got[:, 1].tolist() == [1, 1]
    assert torch.equal(got[:, 0], got[:, 2])


def test_features_are_finite_where_all_is_background():
    p = torch.zeros(3, 4, 3)
    p[..., 0] = 1
    assert features(p).isfinite().all()
    assert features(p).abs().max() == 0


def test_equal_sizes_do_not_diverge():
    p = torch.randn(1, 6, 4, dtype=torch.float64).softmax(2).expand(3, -1, -1)
    assert features(p)[:, 4].abs().max() < 1e-12


# Weights


def test_weights_by_hand():
    """A hidden unit on one feature of the largest size, and the mean of the maps."""
    p = torch.randn(3, 10, 4, dtype=torch.float64).softmax(2)
    hidden = [[0.0] * 15]
    hidden[0][0] = 2.0
    first = {"hidden": hidden, "hidden_bias": [0.5], "out": [[1], [0], [-1]], "out_bias": [0, 0, 0]}
    second = {**first, "out": [[0], [0], [0]], "out_bias": [1, 2, 3]}
    card = gate_card(mean=[[0.3] * 5] * 3, std=[[0.6] * 5] * 3, maps=[first, second])
    h = math.tanh(2 * (features(p)[0, 0].item() - 0.3) / 0.6 + 0.5)
    logs = torch.tensor([[h, 0, -h], [1, 2, 3]], dtype=torch.float64).log_softmax(1)
    got = Gate.of_card(card).log_weights(p)
    torch.testing.assert_close(got, logs.mean(0).log_softmax(0))
    assert got.exp().sum().item() == pytest.approx(1)


def test_features_far_from_all_seen_are_cut():
    gate = Gate.of_card(gate_card(mean=[[0.0] * 5] * 3, std=[[1.0] * 5] * 3))
    phi = torch.tensor([[-9.0, -1, 0, 4, 1e6]] * 3)
    assert gate.standardised(phi).view(3, 5)[0].tolist() == [-4, -1, 0, 4, 4]


# Cards


def test_no_gate_on_a_card():
    assert Gate.of_card(None) is None


def map_with(**changes):
    return [{**gate_card()["maps"][0], **changes}]


@pytest.mark.parametrize(
    "changes",
    [
        {"features": ["entropy"]},
        {"features": list(FEATURES)[::-1]},
        {"features": None},
        {"background": "person"},
        {"mean": [[0.0] * 4] * 3},
        {"mean": [[0.0] * 5]},
        {"std": [[1.0] * 5] * 2},
        {"std": [[0.0] * 5] * 3},
        {"std": [[1.0] * 5, [1.0] * 5, [1.0]]},
        {"mean": [[math.nan] * 5] * 3},
        {"maps": []},
        {"maps": [{}]},
        {"maps": map_with(hidden=[[0.1] * 14])},
        {"maps": map_with(out=[[0.1, 0.2]] * 2, out_bias=[0.0, 0.0])},
        {"maps": map_with(out_bias=[0.0])},
        {"maps": map_with(out_bias=[0.0, math.nan, 0.0])},
        {"maps": map_with(out="none")},
    ],
)
def test_cards_that_are_no_gate(changes):
    with pytest.raises(InputError, match=r"gate on the checkpoint's card.*make it again") as caught:
        Gate.of_card(gate_card(**changes))
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_a_card_without_a_part():
    card = gate_card()
    del card["std"]
    with pytest.raises(InputError, match=r"std.*make it again"):
        Gate.of_card(card)

import math

import pytest
import torch
from torch.nn import functional

from segviz.adapt import losses
from segviz.adapt.objectives import OBJECTIVES
from segviz.adapt.pixelwise import Pixels
from segviz.data.classes import IGNORE
from segviz.errors import InputError

N, K = 40, 7


@pytest.fixture
def logits():
    return 2 * torch.randn(N, K, dtype=torch.float64)


@pytest.fixture
def labels():
    labels = torch.randint(0, K, (N,))
    labels[::5] = IGNORE
    return labels


def certain(classes):
    """Logits that are sure of a class each."""
    return 1e4 * functional.one_hot(torch.tensor(classes), K).double()


# Entropy


def test_entropy_of_certainty_is_0():
    pixels = Pixels(certain([0, 3, 6, 3]))
    assert torch.equal(pixels.entropy, torch.zeros(4, dtype=torch.float64))


@pytest.mark.parametrize("k", [2, 7, 21])
def test_entropy_of_ignorance_is_the_logarithm_of_k(k):
    entropy = Pixels(torch.full((5, k), 3.7, dtype=torch.float64)).entropy
    assert torch.allclose(entropy, torch.full((5,), math.log(k), dtype=torch.float64))


def test_entropy_against_the_definition(logits):
    pixels = Pixels(logits)
    for i in range(N):
        p = [math.exp(v) for v in logits[i].tolist()]
        p = [v / sum(p) for v in p]
        assert pixels.entropy[i].item() == pytest.approx(-sum(v * math.log(v) for v in p))
        assert pixels.probabilities[i].tolist() == pytest.approx(p)


def test_entropy_does_not_see_a_constant_or_an_order(logits):
    entropy = Pixels(logits).entropy
    assert torch.allclose(Pixels(logits + 100).entropy, entropy)
    assert torch.allclose(Pixels(logits.flip(1)).entropy, entropy)
    assert entropy.min() >= 0 and entropy.max() <= math.log(K)


def test_entropy_of_huge_logits_is_finite():
    logits = torch.tensor([[1e30, -1e30, 0.0], [-1e30, -1e30, -1e30]], requires_grad=True)
    loss = Pixels(logits).entropy.sum()
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()


# S


def test_selected_are_those_above_the_mean(logits):
    pixels = Pixels(logits)
    mean = sum(pixels.entropy.tolist()) / N
    assert pixels.selected().tolist() == [h > mean for h in pixels.entropy.tolist()]
    assert 0 < pixels.selected().sum() < N


def test_selected_of_equal_pixels_is_empty():
    pixels = Pixels(torch.zeros(4, K, dtype=torch.float64))
    assert not pixels.selected().any()
    assert OBJECTIVES["entropy"].loss(pixels) == 0


def test_thresholded_entropy_is_the_sum_over_s(logits):
    pixels = Pixels(logits)
    expected = pixels.entropy[pixels.selected()].sum()
    assert OBJECTIVES["entropy"].loss(pixels).item() == pytest.approx(expected.item())
    assert OBJECTIVES["entropy-all"].loss(pixels).item() == pytest.approx(
        pixels.entropy.sum().item()
    )


def test_threshold_has_no_gradient(logits):
    logits.requires_grad_()
    pixels = Pixels(logits)
    (gradient,) = torch.autograd.grad(OBJECTIVES["entropy"].loss(pixels), logits)
    moved = gradient.abs().sum(1) > 0
    assert torch.equal(moved, pixels.selected())


# Marginal


def test_marginal_is_a_distribution(logits):
    marginal = Pixels(logits).marginal
    assert marginal.shape == (K,) and marginal.sum().item() == pytest.approx(1)
    assert marginal[2].item() == pytest.approx(logits.softmax(1)[:, 2].mean().item())


def test_marginal_entropy_at_step_0_is_the_thresholded_entropy(logits):
    pixels = Pixels(logits)
    loss = OBJECTIVES["entropy-marginal"].loss(pixels)
    assert loss.item() == pytest.approx(OBJECTIVES["entropy"].loss(pixels).item() / N, abs=1e-14)


def test_drift_of_the_marginal_costs(logits):
    before = Pixels(logits).marginal
    for change in (0.01, 0.5, 5.0):
        other = logits.clone()
        other[:, 1] += change
        pixels = Pixels(other, class_prior=before)
        m = pixels.marginal
        kl = sum(a * math.log(a / b) for a, b in zip(before.tolist(), m.tolist(), strict=True))
        drift = OBJECTIVES["entropy-marginal"].loss(pixels) - OBJECTIVES["entropy"].loss(pixels) / N
        assert kl > 0
        assert drift.item() == pytest.approx(losses.MARGINAL_WEIGHT * kl, rel=1e-6)


def test_marginal_of_absent_classes_is_finite():
    start = Pixels(certain([0, 1])).class_prior
    logits = certain([0, 2]).requires_grad_()
    loss = OBJECTIVES["entropy-marginal"].loss(Pixels(logits, class_prior=start))
    loss.backward()
    assert loss > 100 and torch.isfinite(loss) and torch.isfinite(logits.grad).all()


def test_few_classes_is_entropy_of_the_foreground_and_drift_of_its_share(logits):
    before = Pixels(logits).marginal
    other = logits.clone()
    other[:, 0] += 0.7
    pixels = Pixels(other, class_prior=before)
    b, m = before.tolist(), pixels.marginal.tolist()
    share = 1 - m[0]
    few = -sum(x / share * math.log(x / share) for x in m[1:])
    drift = b[0] * math.log(b[0] / m[0]) + (1 - b[0]) * math.log((1 - b[0]) / share)
    sharp = OBJECTIVES["entropy"].loss(pixels).item() / N
    expected = sharp + losses.FEW_CLASSES_WEIGHT * few + losses.BACKGROUND_WEIGHT * drift
    assert drift > 0
    assert OBJECTIVES["entropy-few"].loss(pixels).item() == pytest.approx(expected)


@pytest.mark.parametrize("labels", [[0, 0], [1, 2]])
def test_few_classes_is_finite_without_foreground_or_background(labels):
    logits = certain(labels).requires_grad_()
    loss = OBJECTIVES["entropy-few"].loss(Pixels(logits))
    loss.backward()
    assert torch.isfinite(loss) and torch.isfinite(logits.grad).all()


def test_class_prior_is_held(logits):
    first = Pixels(logits.requires_grad_())
    assert not first.class_prior.requires_grad
    second = Pixels(2 * logits, class_prior=first.class_prior)
    assert second.class_prior is first.class_prior


def test_class_prior_of_two_scales(logits):
    """A weighted mean of both marginals; the weight by the definition."""
    own, half = Pixels(logits.requires_grad_()), Pixels(3 * torch.randn(9, K).double())
    got = losses.two_scale_prior(own, half)
    ratio = half.entropy.mean().item() / (0.7 * own.entropy.mean().item())
    a = 1 / (1 + ratio**8)
    assert 0.01 < a < 0.99, "nothing to see"
    expected = [
        (1 - a) * m + a * h
        for m, h in zip(own.marginal.tolist(), half.marginal.tolist(), strict=True)
    ]
    assert got.tolist() == pytest.approx(expected)
    assert not got.requires_grad and got.sum().item() == pytest.approx(1)


@pytest.mark.parametrize(("sharper", "other"), [(0.2, "own"), (5.0, "half")])
def test_class_prior_of_two_scales_trusts_the_surer(logits, sharper, other):
    own, half = Pixels(logits), Pixels(sharper * logits.flip(1))
    trusted = {"own": own, "half": half}[other].marginal
    got = losses.two_scale_prior(own, half)
    assert (got - trusted).abs().max() < 0.02 < (own.marginal - half.marginal).abs().max()


def test_class_prior_of_two_scales_without_any_doubt():
    for own, half in ([[0], [1]], [[0, 0], [0]]):
        class_prior = losses.two_scale_prior(Pixels(certain(own)), Pixels(certain(half)))
        assert torch.isfinite(class_prior).all() and class_prior.sum() == 1


# Cross-entropy


def test_cross_entropy_against_the_definition(logits, labels):
    loss = OBJECTIVES["oracle"].loss(Pixels(logits, labels))
    log_p = logits.log_softmax(1)
    known = [-log_p[i, y].item() for i, y in enumerate(labels.tolist()) if y != IGNORE]
    assert loss.item() == pytest.approx(sum(known) / len(known))
    assert OBJECTIVES["adversary"].loss(Pixels(logits, labels)) == loss


def test_ignored_pixels_have_no_gradient(logits, labels):
    logits.requires_grad_()
    OBJECTIVES["oracle"].loss(Pixels(logits, labels)).backward()
    assert torch.equal(logits.grad.abs().sum(1) > 0, labels != IGNORE)


def test_nothing_but_ignored_pixels(logits):
    logits.requires_grad_()
    loss = OBJECTIVES["oracle"].loss(Pixels(logits, torch.full((N,), IGNORE)))
    loss.backward()
    assert loss == 0 and not logits.grad.any()


def test_no_truth(logits):
    with pytest.raises(InputError, match="truth, but there is none; give a mask"):
        OBJECTIVES["oracle"].loss(Pixels(logits))


# All objectives


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name != "eta"])
def test_gradient(name, logits, labels):
    """Of all but ETA, whose weights depend on the entropy but are constants."""
    entropy = Pixels(logits).entropy
    assert (entropy - entropy.mean()).abs().min() > 1e-4  # no pixel enters or leaves S
    marginal = Pixels(logits.flip(0) + torch.arange(K)).marginal
    assert torch.autograd.gradcheck(
        lambda x: OBJECTIVES[name].loss(Pixels(x, labels, marginal)), logits.requires_grad_()
    )


@pytest.mark.parametrize("name", [name for name in OBJECTIVES if name != "eta"])
def test_a_small_step_in_its_direction(name, logits, labels):
    objective = OBJECTIVES[name]
    marginal = Pixels(logits.flip(0) + torch.arange(K)).marginal
    logits.requires_grad_()
    before = objective.loss(Pixels(logits, labels, marginal))
    (gradient,) = torch.autograd.grad(objective.direction * before, logits)
    after = objective.loss(Pixels(logits - 1e-5 * gradient, labels, marginal))
    assert objective.direction * (after - before) < 0


@pytest.mark.parametrize("name", OBJECTIVES)
def test_loss_is_a_number_of_the_type_of_the_logits(name, logits, labels):
    for dtype in (torch.float32, torch.float64):
        loss = OBJECTIVES[name].loss(Pixels(logits.to(dtype), labels))
        assert loss.shape == () and loss.dtype == dtype


# Published objectives, against their definitions


def loops(logits):
    """Probabilities and entropies as lists."""
    p = logits.softmax(1).tolist()
    return p, [-sum(v * math.log(v) for v in row) for row in p]


def value(name, logits, **given):
    return OBJECTIVES[name].loss(Pixels(logits, **given)).item()


def test_tent_is_the_mean_entropy(logits):
    assert value("tent", logits) == pytest.approx(sum(loops(logits)[1]) / N)
    assert value("tent", logits) == pytest.approx(value("entropy-all", logits) / N)


def test_infomax_by_the_definition(logits):
    p, entropy = loops(logits)
    m = [sum(row[c] for row in p) / N for c in range(K)]
    expected = sum(entropy) / N + sum(v * math.log(v) for v in m)
    assert value("infomax", logits) == pytest.approx(expected)
    assert value("infomax", certain([0, 1, 2])) == pytest.approx(-math.log(3))


def test_maximum_squares_by_the_definition(logits):
    p, _ = loops(logits)
    assert value("max-squares", logits) == pytest.approx(
        -sum(v * v for row in p for v in row) / (2 * N * K)
    )
    assert value("max-squares", certain([0, 3])) == pytest.approx(-1 / (2 * K))


def test_balanced_maximum_squares_by_the_definition(logits):
    p, _ = loops(logits)
    labels = [row.index(max(row)) for row in p]
    expected = 0.0
    for row, label in zip(p, labels, strict=True):
        weight = 1 / max(labels.count(label) ** 0.2 * N**0.8, 1)
        expected -= weight * sum(v * v for v in row) / K
    assert value("max-squares-balanced", logits) == pytest.approx(expected)


def test_pseudo_labels_of_confident_pixels(logits):
    sharp = 3 * logits
    p, _ = loops(sharp)
    kept = [max(row) for row in p if max(row) > losses.CONFIDENT]
    assert 0 < len(kept) < N, "nothing to see"
    expected = -sum(map(math.log, kept)) / len(kept)
    assert value("pseudo-label", sharp) == pytest.approx(expected)
    assert value("pseudo-label", torch.zeros(5, K)) == 0


def test_soft_iou_by_the_definition(logits):
    p, _ = loops(logits)
    labels = [row.index(max(row)) for row in p]
    ious = []
    for c in range(K):
        intersection = sum(row[c] for row, y in zip(p, labels, strict=True) if y == c)
        union = sum(row[c] for row in p) + labels.count(c) - intersection
        ious.append((intersection + 1) / (union + 1))
    assert value("soft-iou", logits) == pytest.approx(1 - sum(ious) / K)
    assert value("soft-iou", certain([0, 3, 3])) == pytest.approx(0)


def test_soft_likelihood_ratio_by_the_definition(logits):
    p, _ = loops(4 * logits)
    total = 0.0
    for row in p:
        for v in row:
            q = min(v, 0.99)
            total -= q * math.log(q / (1 - q) + 1e-5)
    assert value("slr", 4 * logits) == pytest.approx(total / N)


def test_soft_likelihood_ratio_pulls_where_entropy_no_longer_does():
    logits = torch.tensor([[4.0, 0.0]], dtype=torch.float64, requires_grad=True)
    slr, entropy = (
        torch.autograd.grad(OBJECTIVES[name].loss(Pixels(logits)), logits)[0].abs().sum()
        for name in ("slr", "tent")
    )
    assert slr > 3 * entropy > 0


def test_reliable_entropy_scales_with_the_number_of_classes(logits):
    _, entropy = loops(logits)
    limit = 0.4 * math.log(K)
    kept = [h for h in entropy if h < limit]
    assert 0 < len(kept) < N
    assert value("sar", logits) == pytest.approx(sum(kept) / len(kept))
    assert value("sar", torch.zeros(5, K)) == 0


def test_weighted_entropy_by_the_definition(logits):
    prior = torch.zeros(K, dtype=torch.float64)
    prior[0] = 1.0
    p, entropy = loops(3 * logits)
    limit = 0.4 * math.log(K)

    def expected(redundant):
        kept = []
        for row, h in zip(p, entropy, strict=True):
            cosine = row[0] / math.sqrt(sum(v * v for v in row))
            if h < limit and (redundant or cosine < 0.05):
                kept.append(math.exp(limit - h) * h)
        assert 0 < len(kept) < N
        return sum(kept) / len(kept)

    assert value("eta", 3 * logits, class_prior=prior) == pytest.approx(expected(False))
    assert value("eta", 3 * logits) == pytest.approx(expected(True))


def test_weights_of_reliable_pixels_are_constants(logits):
    sharp = (3 * logits).requires_grad_()
    pixels = Pixels(sharp)
    (got,) = torch.autograd.grad(OBJECTIVES["eta"].loss(pixels), sharp)
    limit = 0.4 * math.log(K)
    constant = pixels.entropy.detach()
    weight = (limit - constant).exp() * (constant < limit)
    again = Pixels(sharp)
    loss = (weight * again.entropy).sum() / (constant < limit).sum()
    torch.testing.assert_close(got, torch.autograd.grad(loss, sharp)[0])


def test_entropy_of_the_mean_over_views(logits):
    others = torch.randn(2, N, K, dtype=torch.float64).softmax(2)
    mean = (logits.softmax(1) + others.sum(0)) / 3
    expected = -(mean * mean.log()).sum(1).mean().item()
    assert value("memo", logits, others=others) == pytest.approx(expected)
    assert value("memo", logits) == pytest.approx(value("tent", logits))
    assert value("memo", logits, others=others) > value("tent", logits) / 3


def test_disagreement_of_views_by_the_definition(logits):
    others = torch.randn(1, N, K, dtype=torch.float64).softmax(2)
    q = [p / p.norm(dim=1, keepdim=True) for p in (logits.softmax(1), others[0])]
    agreement = sum(float(a @ b) for a, b in zip(*q, strict=True)) / N
    narrow = (torch.cat(q).mean(0) ** 2).sum().item()
    for name in ("consistency", "consistency-scale"):
        assert value(name, logits, others=others) == pytest.approx(-3 * agreement + narrow)
    same = value("consistency", logits, others=logits.softmax(1)[None])
    assert same < value("consistency", logits, others=others)


@pytest.mark.parametrize("name", [n for n, o in OBJECTIVES.items() if o.views != "single"])
def test_gradients_reach_all_views(name, logits):
    others = torch.randn(2, N, K, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x, y: OBJECTIVES[name].loss(Pixels(x, others=y.softmax(2))),
        (logits.requires_grad_(), others.requires_grad_()),
    )

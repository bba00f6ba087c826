import pytest
import torch

from segviz.adapt.fast_gradient import SPARSE, DifferentiablePixels
from segviz.adapt.objectives import OBJECTIVES
from segviz.adapt.pixelwise import Pixels
from segviz.data.classes import IGNORE

N, K = 40, 7


@pytest.fixture
def logits():
    return 2 * torch.randn(N, K, dtype=torch.float64)


@pytest.fixture
def labels():
    labels = torch.randint(0, K, (N,))
    labels[::5] = IGNORE
    return labels


@pytest.fixture
def class_prior(logits):
    return Pixels(logits.flip(0) + torch.arange(K)).marginal


def automatic(loss, logits, labels, class_prior):
    logits = logits.clone().requires_grad_()
    return torch.autograd.grad(loss(Pixels(logits, labels, class_prior)), logits)[0]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradient_against_automatic_differentiation(name, logits, labels, class_prior):
    loss = OBJECTIVES[name].loss
    pixels = DifferentiablePixels(logits, labels, class_prior)
    value = loss(pixels)
    assert value.item() == pytest.approx(
        loss(Pixels(logits, labels, class_prior)).item(), abs=1e-12
    )
    expected = automatic(loss, logits, labels, class_prior)
    got = pixels.gradient(value).dense(N)
    torch.testing.assert_close(got, expected, atol=1e-13, rtol=1e-10)


MIXED = {
    "logits": lambda p: p.logits.square().mean(),
    "probabilities": lambda p: (p.probabilities[:, 1:3] ** 2).sum(),
    "log_probabilities": lambda p: -p.log_probabilities[:7].mean(),
    "entropy weighted": lambda p: (p.entropy * p.entropy.detach().neg().exp()).sum(),
    "entropy and truth": lambda p: p.entropy.sum() * p.truth_log_probabilities.mean(),
    "marginal": lambda p: (p.marginal * p.marginal.log()).sum(),
    "everything": lambda p: (
        p.logits[:, 0].sum()
        + p.entropy.square().sum()
        + p.marginal.square().sum()
        - p.truth_log_probabilities.sum()
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_gradient_of_any_function_of_the_pixels(name, logits, labels, class_prior):
    pixels = DifferentiablePixels(logits, labels, class_prior)
    got = pixels.gradient(MIXED[name](pixels)).dense(N)
    expected = automatic(MIXED[name], logits, labels, class_prior)
    torch.testing.assert_close(got, expected, atol=1e-13, rtol=1e-10)


def test_gradient_of_the_thresholded_entropy_has_the_rows_of_s(logits):
    logits[:30] *= 10  # sure
    pixels = DifferentiablePixels(logits)
    gradient = pixels.gradient(OBJECTIVES["entropy"].loss(pixels))
    selected = pixels.selected().nonzero()[:, 0]
    assert 0 < len(selected) < SPARSE * N
    assert torch.equal(gradient.pixels, selected)
    assert gradient.values.shape == (len(selected), K)


def test_gradient_of_all_pixels_has_all_rows(logits):
    pixels = DifferentiablePixels(logits)
    gradient = pixels.gradient(OBJECTIVES["entropy-all"].loss(pixels))
    assert gradient.pixels is None and gradient.values.shape == (N, K)


def test_nothing_selected():
    pixels = DifferentiablePixels(torch.zeros(4, K, dtype=torch.float64))
    gradient = pixels.gradient(OBJECTIVES["entropy"].loss(pixels))
    assert gradient.values.shape == (0, K) and not gradient.dense(4).any()


def test_values_do_not_depend_on_being_differentiated(logits, labels, class_prior):
    pixels, plain = (
        DifferentiablePixels(logits, labels, class_prior),
        Pixels(logits, labels, class_prior),
    )
    for name in ("logits", "probabilities", "entropy", "marginal", "truth_log_probabilities"):
        got = getattr(pixels, name)
        assert torch.equal(got.detach(), getattr(plain, name)) and got.requires_grad
    with torch.no_grad():
        assert not DifferentiablePixels(logits).entropy.requires_grad
    assert not logits.requires_grad


def test_gradient_of_huge_logits_is_finite():
    logits = torch.tensor([[1e30, -1e30, 0.0], [-1e30, -1e30, -1e30], [0.0, 1.0, 2.0]])
    pixels = DifferentiablePixels(logits)
    gradient = pixels.gradient(OBJECTIVES["entropy-marginal"].loss(pixels))
    assert torch.isfinite(gradient.values).all()

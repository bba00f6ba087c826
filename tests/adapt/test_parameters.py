import copy

import pytest
import torch
from torch.func import functional_call
from torch.nn import functional

from segviz.adapt import parameters
from segviz.adapt.fast_gradient import LogitGradient
from segviz.adapt.methods import METHODS
from segviz.adapt.parameters import ClassifierParameters, EndToEndParameters, HeadParameters
from segviz.adapt.settings import Settings
from segviz.errors import InputError
from segviz.network import Encoding, Theta
from segviz.network.checkpoint import tensor_hash

VARIABLES = METHODS["entropy"].variables
NAMES = {
    "score": ["score_weight", "score_bias"],
    "scale": ["scale_weight", "scale_bias"],
    "both": ["score_weight", "score_bias", "scale_weight", "scale_bias"],
}


@pytest.fixture
def make(network64, encoded64):
    def make(name, centred=False):
        settings = Settings(scale=2.0, variables=name, centred=centred)
        return parameters.copy_parameters(network64, encoded64, settings)

    return make


def feedforward(network64, encoded64):
    return network64.head(network64.theta, *encoded64.encoding)


@pytest.mark.parametrize("name", VARIABLES)
def test_prediction_before_any_update(make, network64, encoded64, name):
    prediction = make(name).predict()
    # Not to the last bit: matrix products may be split over threads in another way.
    for got, expected in zip(prediction, feedforward(network64, encoded64), strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_centred_prediction_before_any_update(make, network64, encoded64, name):
    prediction = make(name, centred=True).predict()
    for got, expected in zip(prediction, feedforward(network64, encoded64), strict=True):
        torch.testing.assert_close(got, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_filters_adapt_what_they_say(make, network64, name):
    filters = make(name)
    assert isinstance(filters, HeadParameters)
    shapes = [p.shape for p in filters.parameters()]
    assert shapes == [getattr(network64, n).shape for n in NAMES[name]]
    assert all(p.requires_grad and p.is_leaf for p in filters.parameters())


def test_end_to_end_adapts_everything(make, network64):
    whole = make("all")
    assert isinstance(whole, EndToEndParameters)
    assert sum(p.numel() for p in whole.parameters()) == sum(
        p.numel() for p in network64.parameters()
    )
    logits = whole.predict().logits
    whole.backward(LogitGradient(logits.flatten(1).T, None))
    assert all(p.grad is not None for p in whole.parameters())
    assert all(p.grad is None and not p.requires_grad for p in network64.parameters())


@pytest.mark.parametrize("name", VARIABLES)
def test_copies_do_not_write_to_the_network(make, network64, name):
    before, adapted = tensor_hash(network64), make(name)
    with torch.no_grad():
        for p in adapted.parameters():
            p.add_(0.1)
    changed = adapted.predict().logits
    assert tensor_hash(network64) == before
    assert not torch.allclose(changed, make(name).predict().logits)


def test_end_to_end_leaves_the_network_alone_while_it_runs(network64, encoded64):
    # Another thread may use the network at any moment: nothing may be swapped in, not for a while.
    parameters = {id(p) for p in network64.parameters()}
    seen = []
    hook = network64.backbone.register_forward_pre_hook(
        lambda *_: seen.append({id(p) for p in network64.parameters()})
    )
    try:
        EndToEndParameters(network64, encoded64.x).predict()
    finally:
        hook.remove()
    assert seen and all(there == parameters for there in seen)


@pytest.mark.parametrize("name", VARIABLES)
def test_distance(make, name):
    adapted = make(name)
    assert adapted.distance() == 0
    total = 0.0
    with torch.no_grad():
        for i, p in enumerate(adapted.parameters()):
            p[(0,) * p.dim()] += i + 1
            total += (i + 1) ** 2
    assert adapted.distance() == pytest.approx(total**0.5)


# Centred updates


def step_of_weights(filters, size):
    with torch.no_grad():
        for name, value in filters.theta._asdict().items():
            if value.requires_grad and name.endswith("weight"):
                value.add_(size * torch.randn_like(value))


def test_centred_step_of_the_classifier_keeps_the_mean_logits(make, network64, encoded64):
    before = feedforward(network64, encoded64).logits
    filters, plain = make("score", centred=True), make("score")
    step_of_weights(filters, 0.5)
    plain.theta.score_weight.data.copy_(filters.theta.score_weight.data)
    after = filters.predict().logits
    assert not torch.allclose(after, before, atol=0.1)
    assert torch.allclose(after.mean((1, 2)), before.mean((1, 2)), atol=1e-12)
    moved = plain.predict().logits.mean((1, 2)) - before.mean((1, 2))
    assert moved.abs().max() > 0.1
    # The same step, but for a constant per class.
    assert torch.allclose(after + moved[:, None, None], plain.predict().logits, atol=1e-12)


def test_centred_step_of_the_regressor_keeps_the_mean_before_the_bound(make, network64, encoded64):
    def z(theta):
        F = encoded64.encoding.F
        return functional.conv2d(F, theta.scale_weight, theta.scale_bias, padding=1)

    filters = make("scale", centred=True)
    step_of_weights(filters, 0.5)
    before, after = z(network64.theta), z(filters.theta_in_use())
    assert not torch.allclose(after, before, atol=0.1)
    assert torch.allclose(after.mean(), before.mean(), atol=1e-12)


def test_bias_moves_in_centred_updates_too(make, network64, encoded64):
    filters = make("both", centred=True)
    with torch.no_grad():
        filters.theta.score_bias.add_(2.0)
    got, before = filters.predict().logits, feedforward(network64, encoded64).logits
    assert torch.allclose(got, before + 2, atol=1e-12)


def loss_of(logits):
    """A loss that some pixels take no part in."""
    return logits[:3, 1:].square().mean() + logits.softmax(0)[2].sum()


def set_gradients(adapted, loss=loss_of, sparse=True):
    """Gradients by the chain rule from the logits on; returns the value of the loss."""
    prediction = adapted.predict()
    logits = prediction.logits.clone().requires_grad_()
    value = loss(logits)
    (gradient,) = torch.autograd.grad(value, logits)
    rows = gradient.flatten(1).T
    pixels = rows.any(1).nonzero()[:, 0] if sparse else None
    adapted.backward(LogitGradient(rows[pixels] if sparse else rows, pixels))
    return value.item()


@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_by_finite_differences(make, name, centred):
    filters = make(name, centred=centred)
    step_of_weights(filters, 0.05)
    set_gradients(filters)
    for parameter in filters.parameters():
        places = [(0,) * parameter.dim(), tuple(length - 1 for length in parameter.shape)]
        for place in places:
            with torch.no_grad():
                parameter[place] += 1e-6
                above = loss_of(filters.predict().logits).item()
                parameter[place] -= 2e-6
                below = loss_of(filters.predict().logits).item()
                parameter[place] += 1e-6
            expected = (above - below) / 2e-6
            assert parameter.grad[place].item() == pytest.approx(expected, rel=1e-4, abs=1e-9)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_gradients_by_automatic_differentiation(make, network64, encoded64, name, sparse):
    """Of a loss of few pixels, of which none others are looked at, or all are."""

    def loss(logits):
        return logits[:, :1].softmax(0)[:5].square().sum()

    filters = make(name)
    step_of_weights(filters, 0.05)
    set_gradients(filters, loss, sparse)
    theta = [value.detach().clone().requires_grad_() for value in filters.theta]
    logits = network64.head(Theta(*theta), *encoded64.encoding).logits
    expected = dict(zip(Theta._fields, torch.autograd.grad(loss(logits), theta), strict=True))
    for field in NAMES[name]:
        got = getattr(filters.theta, field).grad
        torch.testing.assert_close(got, expected[field], atol=1e-10, rtol=1e-8)


def test_end_to_end_gradients_by_automatic_differentiation(make, network64, encoded64):
    """Against the network's own forward pass, as in training."""
    whole = make("all")
    set_gradients(whole)
    parameters = {
        name: value.clone().requires_grad_() for name, value in network64.named_parameters()
    }
    logits = functional_call(network64, parameters, (encoded64.x,))[0]
    expected = torch.autograd.grad(loss_of(logits), list(parameters.values()))
    adapted = dict(whole.adapted.named_parameters())
    for name, gradient in zip(parameters, expected, strict=True):
        torch.testing.assert_close(adapted[name].grad, gradient, atol=1e-7, rtol=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_end_to_end_gradients_by_finite_differences(make, seed):
    """Along a random direction in all parameters.

    Among so many ReLUs some lie within 1e-9 of their kink, so that the step must be shorter. A step
    of all parameters at once changes the loss by 1e-7 all the same, far above rounding.
    """
    whole = make("all")
    set_gradients(whole)
    parameters, length = whole.parameters(), 1e-11
    generator = torch.Generator().manual_seed(seed)
    direction = [torch.randn(p.shape, dtype=p.dtype, generator=generator) for p in parameters]

    def loss_at(distance):
        with torch.no_grad():
            for parameter, change in zip(parameters, direction, strict=True):
                parameter.add_(change, alpha=distance)
            value = loss_of(whole.predict().logits).item()
            for parameter, change in zip(parameters, direction, strict=True):
                parameter.sub_(change, alpha=distance)
        return value

    slope = sum((p.grad * d).sum().item() for p, d in zip(parameters, direction, strict=True))
    difference = (loss_at(length) - loss_at(-length)) / (2 * length)
    assert difference == pytest.approx(slope, rel=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (3, 1)])
def test_centred_updates_of_the_smallest_maps(network64, size):
    F = torch.randn(1, 16, *size, dtype=torch.float64)
    encoding = Encoding(F, network64.scale_space(F))
    filters = HeadParameters(network64, encoding, "both", centred=True)
    step_of_weights(filters, 0.1)
    assert torch.isfinite(filters.predict().logits).all()


# Wrapped modules


@pytest.fixture(scope="session")
def foreign64(foreign):
    return copy.deepcopy(foreign.network).double()


@pytest.fixture
def classifier(foreign64):
    x = torch.randn(1, 3, 56, 72, dtype=torch.float64)
    encoding = foreign64.encode(x)

    def make(centred=False, shared=None):
        return ClassifierParameters(foreign64, encoding, centred, shared)

    return make


@pytest.mark.parametrize("centred", [False, True])
def test_classifier_before_any_update(classifier, foreign64, centred):
    adapted = classifier(centred)
    assert [p.shape for p in adapted.parameters()] == [(4, 6, 3, 3), (4,)]
    expected = foreign64.predict(adapted.encoding).logits
    torch.testing.assert_close(adapted.predict().logits, expected, rtol=0, atol=1e-12)
    assert adapted.distance() == 0 and adapted.predict().sigma is None


@pytest.mark.parametrize("centred", [False, True])
def test_gradients_of_a_classifier_by_finite_differences(classifier, centred):
    adapted = classifier(centred)
    set_gradients(adapted, sparse=False)
    for parameter in adapted.parameters():
        place = (0,) * parameter.dim()
        values = []
        for change in (1e-6, -1e-6):
            with torch.no_grad():
                parameter[place] += change
                values.append(loss_of(adapted.predict().logits).item())
                parameter[place] -= change
        expected = (values[0] - values[1]) / 2e-6
        assert parameter.grad[place].item() == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_centred_step_of_a_classifier_keeps_the_mean_logits(classifier):
    centred, plain = classifier(centred=True), classifier()
    before = plain.predict().logits
    for adapted in (centred, plain):
        with torch.no_grad():
            adapted.classifiers[0].weight.add_(0.3)
    assert torch.allclose(centred.predict().logits.mean((1, 2)), before.mean((1, 2)), atol=1e-12)
    assert not torch.allclose(plain.predict().logits.mean((1, 2)), before.mean((1, 2)), atol=0.1)


def test_views_share_a_classifier(classifier):
    first = classifier()
    second = classifier(shared=first.classifiers)
    with torch.no_grad():
        first.parameters()[1].add_(1)
    assert torch.equal(first.predict().logits, second.predict().logits)


def test_variables_that_a_network_lacks(foreign):
    with pytest.raises(InputError, match=r"'both'.*'scale'.*score, norm, all"):
        parameters.check_variables(foreign.network, "both")
    parameters.check_variables(foreign.network, "gate")

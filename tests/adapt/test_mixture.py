import math

import numpy as np
import pytest
import torch

from segviz.adapt.combinations import ViewPredictions
from segviz.adapt.episode import photo_labels
from segviz.adapt.fast_gradient import DifferentiablePixels
from segviz.adapt.mixture import Mixture, ViewHeads, WeightBiases, combine
from segviz.adapt.objectives import OBJECTIVES
from segviz.adapt.optimisation import optimise
from segviz.adapt.photo_views import PhotoViews
from segviz.adapt.pixelwise import Pixels
from segviz.adapt.settings import Settings
from segviz.adapt.views import PLAIN, View
from segviz.errors import InputError
from segviz.network import Theta
from segviz.network.resampling import resample

SHAPE, CLASSES = (3, 4), 5
COUNT = math.prod(SHAPE)
OCTAVES = (View(2.0), PLAIN, View(0.5))


def random_mixture(per_pixel=True, equal=False, views=OCTAVES):
    """A mixture of random predictions in float64, without a photo."""
    logits = torch.randn(1 if equal else len(views), COUNT, CLASSES, dtype=torch.float64)
    p = (2 * logits).softmax(2).expand(len(views), -1, -1)
    log_weights = torch.randn(len(views), COUNT if per_pixel else 1, dtype=torch.float64)
    predictions = ViewPredictions(p.clone(), SHAPE)
    return Mixture(views, views.index(PLAIN), None, predictions, None, log_weights)


def rows_of(prediction):
    return prediction.logits.flatten(1).T


# The mixture


@pytest.mark.parametrize("per_pixel", [False, True])
def test_weights_sum_to_1_and_follow_the_biases(per_pixel):
    mixture = random_mixture(per_pixel)
    assert torch.allclose(mixture.weights().sum(0), torch.ones(1, dtype=torch.float64))
    bias = torch.tensor([0.5, 0.0, -1.0], dtype=torch.float64)
    odds = mixture.weights(bias) / mixture.weights()
    torch.testing.assert_close(odds / odds[1], bias.exp()[:, None].expand_as(odds))


def test_the_softmax_of_the_logits_is_the_mixture():
    mixture = random_mixture()
    weights = mixture.weights()
    expected = (weights[..., None] * mixture.predictions.probabilities).sum(0)
    prediction = mixture.prediction(weights)
    assert prediction.logits.shape == (CLASSES, *SHAPE) and prediction.sigma is None
    torch.testing.assert_close(rows_of(prediction).softmax(1), expected)


def test_a_mixture_of_equal_views_is_the_view():
    mixture = random_mixture(equal=True)
    p = mixture.predictions.probabilities[0]
    torch.testing.assert_close(rows_of(mixture.prediction(mixture.weights())).softmax(1), p)


def test_views_join_one_by_one_the_plain_one_first():
    mixture = random_mixture()
    joined = [mixture.joined(count).tolist() for count in range(3)]
    assert joined == [[False, True, False], [True, True, False], [True, True, True]]
    plain = mixture.weights(joined=mixture.joined(0))
    p = mixture.predictions.probabilities[mixture.plain]
    torch.testing.assert_close(rows_of(mixture.prediction(plain)).softmax(1), p)
    two, all_of_them = mixture.weights(joined=mixture.joined(1)), mixture.weights()
    assert (two[2] == 0).all()
    torch.testing.assert_close(two[0] / two[1], all_of_them[0] / all_of_them[1])


def test_a_class_that_no_view_gives_a_probability():
    mixture = random_mixture()
    mixture.predictions.probabilities[..., 0] = 0
    assert mixture.prediction(mixture.weights()).logits.isfinite().all()


# The scale read


@pytest.mark.parametrize("view", range(3))
def test_the_size_of_a_single_view(view):
    mixture = random_mixture()
    weights = torch.zeros(3, 1, dtype=torch.float64)
    weights[view] = 1
    sizes = mixture.sizes(weights, 1.5)
    assert sizes.shape == SHAPE
    expected = 1.5 * mixture.views[view].factor
    assert torch.allclose(sizes, torch.full(SHAPE, expected, dtype=torch.float64))


def test_sizes_of_equal_views_are_weighed():
    mixture = random_mixture(equal=True)
    weights = torch.tensor([[0.5], [0.3], [0.2]], dtype=torch.float64)
    expected = 3 * 2 ** (0.5 - 0.2)  # of 2, 1 and 1/2
    sizes = mixture.sizes(weights, 3.0)
    assert torch.allclose(sizes, torch.full(SHAPE, expected, dtype=torch.float64))


def test_sizes_count_the_views_that_agree_with_the_prediction():
    """A view that gives the class predicted no probability has no share of it."""
    p = torch.zeros(3, COUNT, CLASSES, dtype=torch.float64)
    p[0, :, 1] = p[1, :, 1] = p[2, :, 2] = 1
    mixture = random_mixture()._replace(predictions=ViewPredictions(p, SHAPE))
    weights = torch.tensor([[0.4], [0.4], [0.2]], dtype=torch.float64)
    sizes = mixture.sizes(weights, 1.0)
    assert torch.allclose(sizes, torch.full(SHAPE, 2**0.5, dtype=torch.float64))


# Photos


@pytest.mark.parametrize("name", ["pyramid:rule", "pyramid:mean", "multi-scale"])
def test_the_grid_is_that_of_the_largest_size(views, name):
    settings = Settings(method=name, scale=1.0)
    mixture = combine(views, settings)
    largest = max(view.factor for view in mixture.views)
    finest = views.predicted(largest)
    assert mixture.axes == finest.axes
    assert mixture.predictions.shape == finest.prediction.logits.shape[-2:]
    index = mixture.views.index(View(largest))
    expected = finest.prediction.logits.flatten(1).T.softmax(1)
    torch.testing.assert_close(mixture.predictions.probabilities[index], expected)
    assert mixture.sigma.shape == mixture.predictions.shape


def test_the_mirrored_view_of_a_mirrored_photo(network, photo):
    """It is the same input: the labels are mirrored, the prediction is the same."""
    views, mirrored = PhotoViews(network, photo), PhotoViews(network, photo[:, ::-1])
    plain, other = views.predicted(2.0), mirrored.predicted(2.0, mirrored=True)
    torch.testing.assert_close(plain.prediction.logits, other.prediction.logits)
    for own, theirs, flip in zip(
        views.positions(plain.axes), mirrored.positions(other.axes), (False, True), strict=True
    ):
        torch.testing.assert_close(theirs, own.flip(0) if flip else own)


def test_flips_of_a_photo_and_of_its_mirror_image(network, photo):
    """On a grid that is its own mirror image, so is the mixture."""
    photo = photo[:49, :65]
    found = []
    for pixels in (photo, photo[:, ::-1]):
        views = PhotoViews(network, pixels)
        mixture = combine(views, Settings(method="flip", scale=1.0))
        *_, last = optimise(views, Settings(method="flip", scale=1.0))
        found.append((mixture.mixed(mixture.weights()), photo_labels(last, views)))
    (mixed, labels), (mirrored, mirrored_labels) = found
    assert network.grid.corner
    grid = mixed.view(4, 5, -1)
    torch.testing.assert_close(mirrored.view(4, 5, -1).flip(1), grid, atol=1e-5, rtol=1e-4)
    assert np.mean(mirrored_labels[:, ::-1] == labels) > 0.99


def test_multi_scale_is_the_mean_over_sizes_and_mirror_images(network, photo):
    """Each is read where the centre of a feature pixel of the largest size lies on it."""
    views, grid = PhotoViews(network, photo), network.grid
    mixture = combine(views, Settings(method="multi-scale", scale=1.0))
    sizes = views.predicted(1.75).axes
    shares = [
        (grid.stride * torch.arange(count) + grid.offset + 0.5) / axis.source
        for axis, count in zip(sizes, mixture.predictions.shape, strict=True)
    ]
    total = 0
    for pixels, mirrored in ((photo, False), (photo[:, ::-1], True)):
        other = PhotoViews(network, np.ascontiguousarray(pixels))
        rows, columns = shares[0], 1 - shares[1] if mirrored else shares[1]
        for factor in (0.5, 0.75, 1.0, 1.25, 1.5, 1.75):
            view = other.predicted(factor)
            positions = [
                (share * axis.source - 0.5 - grid.offset) / grid.stride
                for share, axis in zip((rows, columns), view.axes, strict=True)
            ]
            total = total + resample(view.prediction.logits.softmax(0), *positions) / 12
    mixed = mixture.mixed(mixture.weights()).T.unflatten(1, mixture.predictions.shape)
    torch.testing.assert_close(mixed, total, atol=1e-4, rtol=1e-3)


def test_a_gate_is_needed(views):
    for name in ("pyramid:gate", "pyramid:gate:entropy"):
        pattern = f"'{name}' needs a gate.*segviz gate, or choose {name.replace('gate', 'rule')}"
        with pytest.raises(InputError, match=pattern) as caught:
            combine(views, Settings(method=name, scale=1.0))
        assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_pyramids_take_the_gate_where_there_is_one(network, photo, gate):
    views, gated = PhotoViews(network, photo), PhotoViews(network, photo, gate=gate)

    def log_weights(views, name):
        return combine(views, Settings(method=name, scale=1.0)).log_weights

    assert torch.equal(log_weights(views, "pyramid"), log_weights(views, "pyramid:rule"))
    assert torch.equal(log_weights(gated, "pyramid"), log_weights(gated, "pyramid:gate"))
    assert torch.equal(log_weights(gated, "pyramid:rule"), log_weights(views, "pyramid:rule"))


# Gradients


def target_of(count):
    target = torch.randint(CLASSES, (count,))
    target[::4] = 255
    return target


@pytest.mark.parametrize("name", ["entropy", "entropy-all", "oracle", "adversary"])
@pytest.mark.parametrize("per_pixel", [False, True])
def test_gradient_of_the_biases_by_automatic_differentiation(name, per_pixel):
    mixture, target = random_mixture(per_pixel), target_of(COUNT)
    biases = WeightBiases(mixture)
    with torch.no_grad():
        biases.bias.copy_(torch.tensor([0.3, -0.2, 0.7]))
    pixels = DifferentiablePixels(rows_of(biases.predict()), target)
    biases.backward(pixels.gradient(OBJECTIVES[name].loss(pixels)))

    bias = biases.bias.detach().clone().requires_grad_()
    weights = (mixture.log_weights + bias[:, None]).softmax(0)
    mixed = (weights[..., None] * mixture.predictions.probabilities).sum(0)
    (expected,) = torch.autograd.grad(OBJECTIVES[name].loss(Pixels(mixed.log(), target)), bias)
    torch.testing.assert_close(biases.bias.grad, expected, atol=1e-10, rtol=1e-8)
    assert biases.bias.grad.abs().max() > 1e-4
    assert biases.distance() == pytest.approx(bias.norm().item())


@pytest.mark.parametrize("variables", ["score", "scale", "both"])
@pytest.mark.parametrize("centred", [False, True])
@pytest.mark.parametrize("name", ["entropy", "oracle"])
def test_gradient_of_shared_heads_by_automatic_differentiation(
    network64, views64, variables, centred, name
):
    settings = Settings(
        method=f"pyramid:rule:{name}", variables=variables, centred=centred, scale=1.0
    )
    mixture = combine(views64, settings)
    heads = ViewHeads(network64, views64, mixture, settings)
    with torch.no_grad():  # away from the trained parameters
        for parameter in heads.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    prediction = heads.predict()
    target = views64.target(mixture.axes, mixture.predictions.shape)
    pixels = DifferentiablePixels(rows_of(prediction), target)
    heads.backward(pixels.gradient(OBJECTIVES[name].loss(pixels)))

    by_view = []
    for head, view in zip(heads.heads, mixture.views, strict=True):
        encoded = views64.encoded(view.factor)
        logits = network64.head(Theta(*head.theta_in_use()), *encoded.encoding).logits
        by_view.append(mixture.on_grid(logits.softmax(0), encoded.axes).flatten(1).T)
    mixed = (mixture.weights()[..., None] * torch.stack(by_view)).sum(0)
    torch.testing.assert_close(rows_of(prediction), mixed.log().detach(), atol=1e-9, rtol=1e-9)
    loss = OBJECTIVES[name].loss(Pixels(mixed.log(), target))
    expected = torch.autograd.grad(loss, heads.parameters())
    for parameter, gradient in zip(heads.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, atol=1e-8, rtol=1e-6)
        assert gradient.abs().max() > 0


def test_the_sizes_read_follow_the_head(views, network):
    """After an update of the head, the scale read is that of the predictions of now."""
    settings = Settings(method="pyramid:fixed:entropy", variables="score", scale=1.0)
    mixture = combine(views, settings)
    heads = ViewHeads(network, views, mixture, settings)
    heads.predict()
    before = heads.mixture.sizes(heads.weights, 1.0)
    assert torch.allclose(before, mixture.sizes(heads.weights, 1.0), atol=1e-5)
    with torch.no_grad():
        for parameter in heads.parameters():
            parameter.mul_(3)
    heads.predict()
    assert not torch.allclose(before, heads.mixture.sizes(heads.weights, 1.0), atol=1e-3)

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from segviz import metrics
from segviz.adapt import losses, objectives
from segviz.adapt.episode import photo_labels
from segviz.adapt.method import OPTIMISERS
from segviz.adapt.methods import END_TO_END, METHODS
from segviz.adapt.optimisation import OPTIMISER_CLASSES, half_size_logits, make_optimiser, optimise
from segviz.adapt.photo_views import PhotoViews, Reference
from segviz.adapt.pixelwise import Pixels
from segviz.adapt.settings import Settings
from segviz.data.classes import IGNORE
from segviz.errors import InputError
from segviz.network import Theta
from segviz.network.checkpoint import tensor_hash
from segviz.network.receptive_field import read

from ..sequences import assert_same

VARIABLES = METHODS["entropy"].variables


def settings(**values):
    return Settings(**{"scale": 2.0, "steps": 3, "learning_rate": 1e-2, **values})


def states(views, **values):
    return list(optimise(views, settings(**values)))


# Step 0


@pytest.mark.parametrize("variables", VARIABLES)
@pytest.mark.parametrize("steps", [0, 1])
def test_step_0_is_the_feedforward_prediction(network, views, encoded, variables, steps):
    expected = network.head(network.theta, *encoded.encoding)
    first = states(views, variables=variables, steps=steps)[0]
    if variables in END_TO_END:  # by the backbone as it was trained, not by the fused one
        torch.testing.assert_close(first.logits, expected.logits, atol=1e-3, rtol=1e-3)
        return
    assert torch.equal(first.logits, expected.logits)
    assert torch.equal(first.sigma, expected.sigma)
    assert first.distance == 0


@pytest.mark.parametrize("variables", ["score", "scale", "both"])
def test_step_0_of_centred_updates(network, views, encoded, variables):
    expected = network.head(network.theta, *encoded.encoding)
    first = states(views, variables=variables, centred=True)[0]
    assert torch.equal(first.logits, expected.logits)
    assert torch.equal(first.sigma, expected.sigma)


# Steps


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_t_updates_give_t_plus_1_steps(views, steps):
    got = states(views, steps=steps)
    assert [state.step for state in got] == list(range(steps + 1))


def test_first_update_is_adams_by_hand(network64, views64, encoded64):
    # With one gradient g, Adam's corrected moments are g and g^2: every entry moves by the rate.
    theta = Theta(*(p.clone().requires_grad_() for p in network64.theta))
    prediction = network64.head(theta, *encoded64.encoding)
    pixels = Pixels(prediction.logits.flatten(1).T)
    gradients = torch.autograd.grad(losses.thresholded_entropy(pixels), theta)
    moved = Theta(*(p - 1e-2 * g / (g.abs() + 1e-8) for p, g in zip(theta, gradients, strict=True)))
    expected = network64.head(moved, *encoded64.encoding)
    got = states(views64, steps=1)[1]
    assert torch.allclose(got.logits, expected.logits, atol=1e-10)
    assert torch.allclose(got.sigma, expected.sigma, atol=1e-10)
    change = torch.cat([(m - p).flatten() for p, m in zip(theta, moved, strict=True)])
    assert got.distance == pytest.approx(change.norm().item())
    assert change.abs().max().item() == pytest.approx(1e-2, rel=1e-6)


def test_half_logits(network64, encoded64):
    """Those of the input shrunk by averaging, for an input of even size."""
    x = encoded64.x[..., :64, :96]
    got = half_size_logits(network64, x)
    small = functional.interpolate(x, scale_factor=0.5, mode="bilinear", antialias=True)
    expected = network64.head(network64.theta, *network64.encode(small)).logits
    assert torch.allclose(got, expected.flatten(1).T, atol=1e-12)
    assert half_size_logits(network64, x[..., :1, :1]).shape == (1, 21)


def test_half_the_size_is_seen_once(network, photo):
    views = PhotoViews(network, photo)
    states(views, method="entropy")
    cache = views.encoded(2.0).cache
    assert cache == {}
    states(views, method="entropy-two-scales")
    first = cache["half"]
    states(views, method="entropy-two-scales", variables="score")
    assert cache["half"] is first


def on_the_head(name):
    """Whether an objective of the single view may adapt the head by plain updates."""
    info = METHODS[name]
    return "both" in info.variables and info.views == "single" and info.radius == 0


@pytest.mark.parametrize("objective", list(filter(on_the_head, objectives.OBJECTIVES)))
def test_updates_are_adams_by_hand(network64, views64, encoded64, objective):
    chosen = objectives.OBJECTIVES[objective]
    theta = [p.clone().requires_grad_() for p in network64.theta]
    first = [torch.zeros_like(p) for p in theta]
    second = [torch.zeros_like(p) for p in theta]
    class_prior = None
    target = views64.target(encoded64.axes, encoded64.encoding.F.shape[-2:])
    for t, state in enumerate(states(views64, method=objective, variables="both")):
        prediction = network64.head(Theta(*theta), *encoded64.encoding)
        pixels = Pixels(prediction.logits.flatten(1).T, target, class_prior)
        if t == 0 and chosen.two_scales:
            half = Pixels(half_size_logits(network64, encoded64.x))
            pixels.class_prior = losses.two_scale_prior(pixels, half)
        class_prior = pixels.class_prior
        loss = chosen.loss(pixels)
        assert torch.allclose(state.logits, prediction.logits, atol=1e-9)
        assert state.loss == pytest.approx(loss.item())
        assert torch.equal(state.selected.flatten(), pixels.selected())
        assert torch.allclose(state.entropy.flatten(), pixels.entropy, atol=1e-9)
        gradients = torch.autograd.grad(loss, theta)
        with torch.no_grad():
            for p, g, m, v in zip(theta, gradients, first, second, strict=True):
                g = chosen.direction * g
                m.mul_(0.9).add_(0.1 * g)
                v.mul_(0.999).add_(0.001 * g * g)
                corrected = m / (1 - 0.9 ** (t + 1)), v / (1 - 0.999 ** (t + 1))
                p.sub_(1e-2 * corrected[0] / (corrected[1].sqrt() + 1e-8))


@pytest.mark.parametrize("objective", objectives.OBJECTIVES)
def test_loss_goes_where_the_objective_wants_it(views64, objective):
    direction = objectives.OBJECTIVES[objective].direction
    got = states(views64, method=objective, learning_rate=3e-5)
    changes = direction * np.diff([s.loss for s in got if s.step >= METHODS[objective].alpha])
    # The random network is sure of no pixel, and these follow none but sure ones.
    idle = objective in ("pseudo-label", "eta", "sar")
    assert (changes <= 0).all() if idle else (changes < 0).all()


def test_oracle_helps(views, truth):
    def accuracy(state):
        return metrics.accuracy(metrics.confusion(truth, photo_labels(state, views), 21))

    got = states(views, method="oracle", steps=30)
    assert accuracy(got[-1]) > accuracy(got[0]) + 0.2


def test_adversary_harms(network, photo, views):
    # The network's own prediction for truth, so that there is something to lose.
    (start,) = states(views, steps=0)
    own = Reference(photo_labels(start, views))
    last = states(PhotoViews(network, photo, own), method="adversary", steps=30)[-1]
    assert np.mean(photo_labels(last, views) == own.labels) < 0.5


@pytest.mark.parametrize("variables", VARIABLES)
def test_only_the_chosen_variables_move(network64, views64, encoded64, variables):
    got = states(views64, variables=variables)
    logits_moved = not torch.equal(got[0].logits, got[-1].logits)
    sigma_moved = not torch.equal(got[0].sigma, got[-1].sigma)
    assert logits_moved
    assert sigma_moved == (variables != "score")
    assert got[-1].distance > 0
    if variables == "scale":
        # With the scores as trained, the last prediction is a reading at the last sigma.
        u = torch.where(got[-1].sigma < 1, got[-1].sigma, got[-1].sigma.log2() + 1).flatten()
        activation = read(encoded64.encoding.R, u).relu()
        logits = activation @ network64.score_weight.T + network64.score_bias
        assert torch.allclose(got[-1].logits.flatten(1).T, logits, atol=1e-9)


@pytest.mark.parametrize("variables", VARIABLES)
def test_nothing_survives_an_episode(network, views, variables):
    before = tensor_hash(network)
    first = states(views, variables=variables, learning_rate=0.1)
    assert tensor_hash(network) == before
    assert_same(first, states(views, variables=variables, learning_rate=0.1))
    assert not any(p.requires_grad or p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(
    ("first", "second"),
    [("both", "both"), ("score", "scale"), ("all", "both"), ("all", "all")],
)
def test_interleaved_episodes_are_separate(network, photo, truth, first, second):
    before = tensor_hash(network)
    one = PhotoViews(network, photo, Reference(truth))
    two = PhotoViews(network, photo[::-1], Reference(truth[::-1]))
    a = settings(variables=first)
    b = settings(variables=second, method="oracle", scale=1.0)
    separate = list(optimise(one, a)), list(optimise(two, b))
    pairs = list(zip(optimise(one, a), optimise(two, b), strict=True))
    for number in range(2):
        assert_same([pair[number] for pair in pairs], separate[number])
    assert tensor_hash(network) == before


def test_states_are_not_overwritten_by_later_ones(views):
    running = optimise(views, settings())
    first = next(running)
    copies = [first.logits.clone(), first.sigma.clone(), first.entropy.clone()]
    for _ in running:
        pass
    kept = [first.logits, first.sigma, first.entropy]
    assert all(torch.equal(a, b) for a, b in zip(copies, kept, strict=True))
    assert not any(value.requires_grad for value in kept)


def test_without_gradients_around_it(views):
    expected = states(views)
    with torch.no_grad():
        assert_same(states(views), expected)


# Tolerance


def test_tolerance_stops(views):
    full = states(views, steps=20, method="entropy-all")
    losses = [s.loss for s in full]
    changes = [abs(b - a) / abs(a) for a, b in pairwise(losses)]
    tolerance = 1.0001 * sorted(changes)[5]
    end = next(i for i, change in enumerate(changes) if change < tolerance) + 1
    stopped = states(views, steps=20, method="entropy-all", tolerance=tolerance)
    assert 1 <= end < 20
    assert_same(stopped, full[: end + 1])


def test_tolerance_0_never_stops(network, photo):
    # Nothing but ignored pixels: no gradient, no change.
    still = Reference(np.full(photo.shape[:2], IGNORE))
    got = states(PhotoViews(network, photo, still), method="oracle", steps=4)
    assert len(got) == 5
    assert [s.loss for s in got] == [0] * 5
    assert torch.equal(got[0].logits, got[-1].logits)


# Truth


@pytest.mark.parametrize("name", [n for n, info in METHODS.items() if info.needs_truth])
def test_missing_truth(network, photo, name):
    bare = PhotoViews(network, photo)
    if ":gate" not in name:
        with pytest.raises(InputError, match=f"'{name}' needs the truth, but there is none; give"):
            next(optimise(bare, settings(method=name)))
        assert states(bare, method=name, steps=0)[-1].step == settings(method=name, steps=0).joins


def test_every_name_has_an_optimiser():
    assert tuple(OPTIMISER_CLASSES) == OPTIMISERS


@pytest.mark.parametrize("maximise", [False, True])
def test_sgd_with_momentum_by_hand(maximise):
    p, velocity, expected = (
        torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True),
        0.0,
        torch.tensor([1.0, -2.0]).double(),
    )
    optimiser = make_optimiser([p], "sgd", 0.1, 0.9, maximise)
    for gradient in ([1.0, 2.0], [0.5, 0.0], [-1.0, 1.0]):
        p.grad = torch.tensor(gradient).double()
        velocity = 0.9 * velocity + (-1 if maximise else 1) * p.grad
        expected = expected - 0.1 * velocity
        optimiser.step()
        torch.testing.assert_close(p.detach(), expected)


def test_nothing_to_optimise():
    make_optimiser([], "sgd", 0.1, 0.9, False).step()
    make_optimiser([], "adam", 0.1, 0.0, False).step()


def test_sgd_moves_along_the_gradient_of_an_episode(views64):
    """The first update of SGD is the rate times the gradient, which Adam's is not."""
    first, second = (
        list(
            optimise(
                views64,
                Settings(
                    method="tent",
                    variables="norm",
                    scale=1.0,
                    alpha=0.0,
                    steps=1,
                    optimiser="sgd",
                    momentum=0.0,
                    learning_rate=rate,
                ),
            )
        )
        for rate in (1e-4, 2e-4)
    )
    assert second[1].distance == pytest.approx(2 * first[1].distance, rel=1e-6)
    assert first[1].distance > 0

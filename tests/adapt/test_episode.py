import copy
import math
import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from segviz import metrics
from segviz.adapt import objectives
from segviz.adapt.episode import (
    MAX_INPUT,
    Reference,
    encode_photo,
    half_size_logits,
    optimise,
    photo_labels,
    prediction_at_1x,
    run_episode,
)
from segviz.adapt.pixelwise import Pixels
from segviz.adapt.settings import VARIABLES, Settings
from segviz.data.classes import IGNORE
from segviz.errors import InputError
from segviz.network import Theta
from segviz.network.checkpoint import tensor_hash
from segviz.network.receptive_field import read
from segviz.network.resampling import resample, resize_photo
from segviz.runs.record import LOG_PROBABILITIES, Quantised


def settings(**values):
    return Settings(**{"scale": 2.0, "steps": 3, "learning_rate": 1e-2, **values})


def states(network, encoded, **values):
    return list(optimise(network, encoded, settings(**values)))


def assert_same(a, b):
    """Two lists of states or steps, equal but for their times."""
    assert len(a) == len(b)
    for first, second in zip(a, b, strict=True):
        names = getattr(first, "_fields", None) or first.__dataclass_fields__
        for name in names:
            if name == "ms":
                continue
            x, y = getattr(first, name), getattr(second, name)
            if isinstance(x, torch.Tensor):
                assert torch.equal(x, y), name
            else:
                assert np.array_equal(x, y), name


# Preparation


def test_prepare(network, photo, truth):
    encoded = encode_photo(network, photo, 2.0, Reference(truth))
    assert encoded.x.shape == (1, 3, 112, 144)
    h, w = encoded.encoding.F.shape[2:]
    assert (h, w) == (network.grid.valid(112), network.grid.valid(144))
    assert encoded.encoding.R.shape == (h * w, 4, 16)
    assert encoded.rows.shape == (56,) and encoded.columns.shape == (72,)
    assert encoded.target.shape == (h * w,) and encoded.target.dtype == torch.int64
    assert encoded.forward_ms > 0
    assert not any(part.requires_grad for part in encoded.encoding)
    pixels = torch.from_numpy(photo).permute(2, 0, 1)
    assert torch.equal(encoded.x[0], (resize_photo(pixels, 2.0) - 127.5) / 127.5)


def test_target_is_the_truth_under_the_feature_pixels(network, encoded, truth):
    grid = network.grid
    h, w = encoded.encoding.F.shape[2:]
    for i in range(h):
        for j in range(w):
            # Input pixel x is at (x + 1/2) / 2 - 1/2 of the photo; the input is the photo times 2.
            y, x = ((grid.stride * k + grid.offset + 0.5) / 2 - 0.5 for k in (i, j))
            label = truth[min(round(max(y, 0)), 55), min(round(max(x, 0)), 71)]
            assert encoded.target[i * w + j] == label


def test_prepare_leaves_the_photo_alone(network, photo):
    frozen = photo.copy()
    frozen.setflags(write=False)
    encode_photo(network, frozen, 1.5)
    assert np.array_equal(frozen, photo)


@pytest.mark.parametrize("view", [np.s_[::-1], np.s_[:, ::-1], np.s_[:, :, ::-1], np.s_[::2]])
def test_prepare_takes_any_cachery_order(network, photo, view):
    got = encode_photo(network, photo[view], 1.0)
    expected = encode_photo(network, photo[view].copy(), 1.0)
    assert torch.equal(got.encoding.R, expected.encoding.R)


def test_bfloat16_is_close_and_steps_stay_float32(network, photo, truth):
    exact = encode_photo(network, photo, 2.0, Reference(truth))
    rough = encode_photo(network, photo, 2.0, Reference(truth), "bfloat16")
    assert rough.encoding.F.dtype == rough.encoding.R.dtype == torch.float32
    difference = (rough.encoding.F - exact.encoding.F).abs().mean()
    assert 0 < difference < 0.2 * exact.encoding.F.std()
    assert states(network, rough)[-1].logits.dtype == torch.float32


def test_too_large_an_input(network):
    photo = np.zeros((500, 1001, 3), np.uint8)
    pattern = (
        r"^a 1001 x 500 photo at scale 8 has 32\.0 million pixels, but the limit is 9 million;"
        r" choose a scale up to ([\d.]+) or a smaller photo\.$"
    )
    with pytest.raises(InputError, match=pattern) as caught:
        encode_photo(network, photo, 8.0)
    remedy = float(re.match(pattern, str(caught.value))[1])
    assert remedy**2 * 500 * 1001 <= MAX_INPUT < (remedy + 0.02) ** 2 * 500 * 1001


@pytest.mark.parametrize("size", [(56, 71), (72, 56), (1, 1), (56, 72, 1)])
def test_mask_of_another_size(network, photo, size):
    labels = np.zeros(size, np.int64)
    with pytest.raises(InputError, match=r"mask is .* but the photo is 72 x 56; give a mask of"):
        encode_photo(network, photo, 1.0, Reference(labels))


def test_network_in_training_is_refused(network64, encoded64):
    training = copy.deepcopy(network64).train()
    with pytest.raises(AssertionError, match="must be in eval mode"):
        training.encode(encoded64.x)


# Step 0


@pytest.mark.parametrize("variables", VARIABLES)
@pytest.mark.parametrize("steps", [0, 1])
def test_step_0_is_the_feedforward_prediction(network, encoded, variables, steps):
    expected = network.head(network.theta, *encoded.encoding)
    first = states(network, encoded, variables=variables, steps=steps)[0]
    if variables == "all":  # by the backbone as it was trained, not by the fused one
        torch.testing.assert_close(first.logits, expected.logits, atol=1e-3, rtol=1e-3)
        return
    assert torch.equal(first.logits, expected.logits)
    assert torch.equal(first.sigma, expected.sigma)
    assert first.distance == 0


@pytest.mark.parametrize("variables", ["score", "scale", "both"])
def test_step_0_of_centred_updates(network, encoded, variables):
    expected = network.head(network.theta, *encoded.encoding)
    first = states(network, encoded, variables=variables, centred=True)[0]
    assert torch.equal(first.logits, expected.logits)
    assert torch.equal(first.sigma, expected.sigma)


# Steps


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_t_updates_give_t_plus_1_steps(network, encoded, steps):
    got = states(network, encoded, steps=steps)
    assert [state.step for state in got] == list(range(steps + 1))


def test_first_update_is_adams_by_hand(network64, encoded64):
    # With one gradient g, Adam's corrected moments are g and g^2: every entry moves by the rate.
    theta = Theta(*(p.clone().requires_grad_() for p in network64.theta))
    prediction = network64.head(theta, *encoded64.encoding)
    pixels = Pixels(prediction.logits.flatten(1).T)
    gradients = torch.autograd.grad(objectives.thresholded_entropy(pixels), theta)
    moved = Theta(*(p - 1e-2 * g / (g.abs() + 1e-8) for p, g in zip(theta, gradients, strict=True)))
    expected = network64.head(moved, *encoded64.encoding)
    got = states(network64, encoded64, steps=1)[1]
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


def test_half_the_size_is_seen_once(network, encoded):
    encoded = encoded._replace(cache={})
    states(network, encoded, objective="entropy")
    assert encoded.cache == {}
    states(network, encoded, objective="entropy-two-scales")
    first = encoded.cache["half"]
    states(network, encoded, objective="entropy-two-scales", variables="score")
    assert encoded.cache["half"] is first


@pytest.mark.parametrize("objective", objectives.OBJECTIVES)
def test_updates_are_adams_by_hand(network64, encoded64, objective):
    chosen = objectives.OBJECTIVES[objective]
    theta = [p.clone().requires_grad_() for p in network64.theta]
    first = [torch.zeros_like(p) for p in theta]
    second = [torch.zeros_like(p) for p in theta]
    class_prior = None
    for t, state in enumerate(states(network64, encoded64, objective=objective)):
        prediction = network64.head(Theta(*theta), *encoded64.encoding)
        pixels = Pixels(prediction.logits.flatten(1).T, encoded64.target, class_prior)
        if t == 0 and chosen.two_scales:
            half = Pixels(half_size_logits(network64, encoded64.x))
            pixels.class_prior = objectives.two_scale_prior(pixels, half)
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
def test_loss_goes_where_the_objective_wants_it(network64, encoded64, objective):
    direction = objectives.OBJECTIVES[objective].direction
    losses = [s.loss for s in states(network64, encoded64, objective=objective, learning_rate=3e-5)]
    assert (direction * np.diff(losses) < 0).all()


def test_oracle_helps(network, encoded, truth):
    def accuracy(state):
        return metrics.accuracy(metrics.confusion(truth, photo_labels(state.logits, encoded), 21))

    got = states(network, encoded, objective="oracle", steps=30)
    assert accuracy(got[-1]) > accuracy(got[0]) + 0.2


def test_adversary_harms(network, encoded):
    # The network's own prediction for truth, so that there is something to lose.
    (start,) = states(network, encoded, steps=0)
    own = encoded._replace(target=start.logits.argmax(0).flatten())
    last = states(network, own, objective="adversary", steps=30)[-1]
    assert (last.logits.argmax(0).flatten() == own.target).float().mean() < 0.5


@pytest.mark.parametrize("variables", VARIABLES)
def test_only_the_chosen_variables_move(network64, encoded64, variables):
    got = states(network64, encoded64, variables=variables)
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
def test_nothing_survives_an_episode(network, encoded, variables):
    before = tensor_hash(network)
    first = states(network, encoded, variables=variables, learning_rate=0.1)
    assert tensor_hash(network) == before
    assert_same(first, states(network, encoded, variables=variables, learning_rate=0.1))
    assert not any(p.requires_grad or p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(
    ("first", "second"),
    [("both", "both"), ("score", "scale"), ("all", "both"), ("all", "all")],
)
def test_interleaved_episodes_are_separate(network, photo, truth, first, second):
    before = tensor_hash(network)
    one = encode_photo(network, photo, 2.0, Reference(truth))
    two = encode_photo(network, photo[::-1], 1.0, Reference(truth[::-1]))
    a, b = settings(variables=first), settings(variables=second, objective="oracle")
    separate = list(optimise(network, one, a)), list(optimise(network, two, b))
    pairs = list(zip(optimise(network, one, a), optimise(network, two, b), strict=True))
    for number in range(2):
        assert_same([pair[number] for pair in pairs], separate[number])
    assert tensor_hash(network) == before


def test_states_are_not_overwritten_by_later_ones(network, encoded):
    running = optimise(network, encoded, settings())
    first = next(running)
    copies = [first.logits.clone(), first.sigma.clone(), first.entropy.clone()]
    for _ in running:
        pass
    kept = [first.logits, first.sigma, first.entropy]
    assert all(torch.equal(a, b) for a, b in zip(copies, kept, strict=True))
    assert not any(value.requires_grad for value in kept)


def test_without_gradients_around_it(network, encoded):
    expected = states(network, encoded)
    with torch.no_grad():
        assert_same(states(network, encoded), expected)


# Tolerance


def test_tolerance_stops(network, encoded):
    full = states(network, encoded, steps=20, objective="entropy-all")
    losses = [s.loss for s in full]
    changes = [abs(b - a) / abs(a) for a, b in pairwise(losses)]
    tolerance = 1.0001 * sorted(changes)[5]
    end = next(i for i, change in enumerate(changes) if change < tolerance) + 1
    stopped = states(network, encoded, steps=20, objective="entropy-all", tolerance=tolerance)
    assert 1 <= end < 20
    assert_same(stopped, full[: end + 1])


def test_tolerance_0_never_stops(network, encoded):
    # Nothing but ignored pixels: no gradient, no change.
    still = encoded._replace(target=torch.full_like(encoded.target, IGNORE))
    got = states(network, still, objective="oracle", steps=4)
    assert len(got) == 5
    assert [s.loss for s in got] == [0] * 5
    assert torch.equal(got[0].logits, got[-1].logits)


# Truth


@pytest.mark.parametrize("objective", ["oracle", "adversary"])
def test_missing_truth(network, photo, objective):
    bare = encode_photo(network, photo, 1.0)
    with pytest.raises(InputError, match=f"'{objective}' needs the truth, but there is none; give"):
        next(optimise(network, bare, settings(objective=objective)))
    feedforward = list(optimise(network, bare, settings(objective=objective, steps=0)))
    assert len(feedforward) == 1


def steps(network, photo, reference, **values):
    chosen = settings(scale=2.0, **values)
    encoded = encode_photo(network, photo, chosen.scale, reference)
    return list(run_episode(network, encoded, chosen, reference))


def test_numbers_against_truth(network, photo, truth):
    for step in steps(network, photo, Reference(truth), objective="oracle"):
        matrix = metrics.confusion(truth, step.labels, 21)
        assert step.iou == metrics.mean_iou(matrix)
        assert step.accuracy == metrics.accuracy(matrix)
        assert step.agreement is None


def test_numbers_against_the_1x_prediction(network, photo):
    reference = prediction_at_1x(network, photo)
    assert reference.kind == "1x prediction"
    got = steps(network, photo, reference, objective="oracle", steps=20)
    for step in got:
        assert step.iou is None and step.accuracy is None
        assert step.agreement == pytest.approx(np.mean(step.labels == reference.labels))
    assert got[-1].agreement > got[0].agreement


def test_1x_prediction_is_that_of_the_network(network, photo):
    reference = prediction_at_1x(network, photo)
    (step,) = run_episode(network, encode_photo(network, photo, 1.0), settings(scale=1.0, steps=0))
    assert np.array_equal(reference.labels, step.labels)
    assert step.iou is None and step.accuracy is None and step.agreement is None


# Steps at the photo's resolution


def test_step_numbers(network, photo, truth):
    got = steps(network, photo, Reference(truth))
    for step in got:
        assert step.labels.shape == photo.shape[:2] and step.labels.dtype == np.uint8
        assert step.entropy_map.shape == step.sigma_map.shape == step.selected_map.shape
        assert step.entropy_map.dtype == step.sigma_map.dtype == np.float32
        assert step.selected_map.dtype == bool
        assert step.entropy == pytest.approx(step.entropy_map.mean())
        assert step.selected == pytest.approx(step.selected_map.mean())
        assert step.sigma == pytest.approx(step.sigma_map.mean() * 16)  # in input pixels
        assert 0 <= step.entropy <= math.log(21) and 0 <= step.sigma <= 4 * 16
        assert step.loss == pytest.approx(step.entropy_map[step.selected_map].sum(), rel=1e-5)
        assert step.changed == np.mean(step.labels != got[0].labels)
        assert step.ms > 0
    assert got[0].changed == 0 and got[-1].changed > 0


def test_labels_are_the_arg_max_of_bilinear_logits(network, photo, encoded):
    (state,) = states(network, encoded, steps=0)
    labels = photo_labels(state.logits, encoded)
    h, w = state.sigma.shape
    for i, j in ((0, 0), (10, 30), (41, 5), (55, 71)):
        y, x = (
            min(max(p, 0.0), n - 1.0) for p, n in (((2 * i + 0.5) / 16, h), ((2 * j + 0.5) / 16, w))
        )
        a, b = min(int(y), h - 2), min(int(x), w - 2)
        s, t = y - a, x - b
        corner = state.logits[:, a : a + 2, b : b + 2]
        mix = torch.tensor([[(1 - s) * (1 - t), (1 - s) * t], [s * (1 - t), s * t]])
        assert labels[i, j] == (corner * mix).sum((1, 2)).argmax()


def test_log_probability_maps(network, encoded):
    settings = Settings(steps=2, learning_rate=1e-2)
    pairs = zip(
        optimise(network, encoded, settings), run_episode(network, encoded, settings), strict=True
    )
    for state, step in pairs:
        assert torch.allclose(state.log_probabilities, state.logits.log_softmax(0), atol=1e-5)
        assert step.log_probability_map.dtype == np.float32
        assert np.array_equal(step.log_probability_map, state.log_probabilities.numpy())


def test_codes_give_the_probabilities_at_any_pixel(network, encoded):
    logits = next(optimise(network, encoded, Settings(steps=0))).logits / 4  # as of a trained one
    codes = Quantised.of(logits.log_softmax(0)[None].numpy(), *LOG_PROBABILITIES)
    exact = resample(logits, encoded.rows, encoded.columns).softmax(0)
    read = resample(torch.from_numpy(codes[0]), encoded.rows, encoded.columns).softmax(0)
    assert (read - exact).abs().max() < 0.015


def test_stopping_early_keeps_what_came(network, photo, truth):
    reference = Reference(truth)
    full = steps(network, photo, reference)
    running = run_episode(
        network, encode_photo(network, photo, 2.0, reference), settings(), reference
    )
    kept = [next(running), next(running)]
    running.close()
    assert_same(kept, full[:2])


def test_deterministic(network, photo, truth):
    first = steps(network, photo, Reference(truth), objective="entropy-marginal")
    assert_same(first, steps(network, photo, Reference(truth), objective="entropy-marginal"))

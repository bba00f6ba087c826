"""What holds for the episode of every method, on a tiny network."""

import numpy as np
import pytest
import torch

from segviz.adapt.episode import photo_labels, run_episode
from segviz.adapt.methods import END_TO_END, METHODS
from segviz.adapt.optimisation import optimise
from segviz.adapt.photo_views import PhotoViews, Reference
from segviz.adapt.settings import Settings
from segviz.network.checkpoint import tensor_hash

UPDATES = 2


@pytest.fixture(scope="module")
def gated(network, photo, truth, gate):
    """The views of `photo` through a network with a gate."""
    return PhotoViews(network, photo, Reference(truth), gate=gate)


@pytest.fixture(scope="module")
def feedforward(gated):
    (state,) = optimise(gated, Settings(method="feedforward", scale=1.0))
    return state


@pytest.fixture(scope="module", params=METHODS)
def episode(request, gated):
    """A method's settings and states."""
    steps = UPDATES if METHODS[request.param].objective else 0
    settings = Settings(method=request.param, scale=1.0, steps=steps)
    before = tensor_hash(gated.network)
    states = list(optimise(gated, settings))
    assert tensor_hash(gated.network) == before, "the network has been written to"
    return settings, states


def test_step_0_is_feedforward(episode, gated, feedforward):
    settings, (first, *_) = episode
    if settings.variables in END_TO_END and not settings.joins:  # by the backbone not folded
        torch.testing.assert_close(first.logits, feedforward.logits, atol=1e-3, rtol=1e-3)
        return
    assert torch.equal(first.logits, feedforward.logits)
    assert first.mean_entropy == feedforward.mean_entropy
    labels = photo_labels(feedforward, gated)
    assert np.array_equal(photo_labels(first, gated), labels)


def test_steps_are_numbered(episode):
    settings, states = episode
    assert [state.step for state in states] == list(range(settings.last_step + 1))


def test_maps_have_one_size(episode):
    _, states = episode
    shape = states[0].entropy.shape
    for state in states:
        assert state.sigma.shape == state.entropy.shape == state.selected.shape == shape
        assert state.log_probabilities.shape == (21, *shape)
        assert state.axes == states[0].axes
        assert state.entropy.isfinite().all() and state.sigma.isfinite().all()


def test_only_updates_move_parameters(episode):
    settings, states = episode
    assert all(state.distance == 0 for state in states if state.step <= settings.joins)
    # The random network is sure of no pixel, and these follow none but sure ones.
    if settings.method not in ("pseudo-label", "eta", "sar"):
        assert all(state.distance > 0 for state in states if state.step > settings.joins)


def test_weights_sum_to_1_and_sizes_lie_between_those_read(episode):
    settings, states = episode
    if not settings.info.combination:
        assert all(state.weights is None and state.sizes is None for state in states)
        return
    for state in states:
        assert state.weights.shape == (settings.joins + 1,)
        assert state.weights.sum().item() == pytest.approx(1)
        joined = min(state.step, settings.joins) + 1
        assert (state.weights > 0).sum() <= joined
        assert state.sizes.shape == state.entropy.shape
        assert state.sizes.min() >= 0.25 - 1e-5 and state.sizes.max() <= 2 + 1e-5
    assert (states[0].sizes - 1).abs().max() < 1e-6


def test_updates_begin_where_the_method_without_updates_ends(episode, gated):
    settings, states = episode
    if settings.steps == 0:
        return
    base = Settings(method=settings.info.base, scale=1.0)
    assert base.spelling == Settings(method=settings.method, scale=1.0, steps=0).spelling
    *_, last = optimise(gated, base)
    torch.testing.assert_close(
        states[settings.joins].log_probabilities, last.log_probabilities, atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("name", ["pyramid:rule", "pyramid:fixed:entropy"])
def test_step_0_of_octaves_below_the_input(network, photo, truth, name):
    """The input is large enough not to be read at twice its size."""
    views = PhotoViews(network, photo, Reference(truth))
    settings = Settings(method=name, scale=5.0)
    first, second, *_ = optimise(views, settings)
    (plain,) = optimise(views, Settings(method="feedforward", scale=5.0))
    assert torch.equal(first.logits, plain.logits) and first.axes == plain.axes
    assert torch.equal(first.sigma, plain.sigma)
    assert (first.weights > 0).tolist() == [True, False, False]
    assert (second.weights > 0).tolist() == [True, True, False]


@pytest.mark.parametrize("name", ["pyramid:rule", "pyramid:rule:oracle", "flip"])
def test_steps_at_the_photo_s_resolution(gated, photo, name):
    steps = list(run_episode(gated, Settings(method=name, scale=1.0)))
    for step in steps:
        assert step.labels.shape == photo.shape[:2]
        assert step.size_map.shape == step.entropy_map.shape and step.size_map.dtype == np.float32
        assert sum(step.weights) == pytest.approx(1)
        assert step.iou is not None
        assert step.changed == np.mean(step.labels != steps[0].labels)
    assert steps[-1].changed > 0


def test_oracle_on_the_weights_of_sizes_lowers_its_loss(gated):
    settings = Settings(method="pyramid:fixed:oracle", scale=1.0, steps=20)
    states = list(optimise(gated, settings))[settings.joins :]
    assert states[-1].loss < states[0].loss
    worse = Settings(method="pyramid:fixed:adversary", scale=1.0, steps=20)
    states = list(optimise(gated, worse))[worse.joins :]
    assert states[-1].loss > states[0].loss


def test_entropy_needs_no_truth_on_pyramids(network, photo):
    settings = Settings(method="pyramid:rule:entropy", scale=1.0, steps=1)
    *_, last = optimise(PhotoViews(network, photo), settings)
    assert last.step == settings.last_step and np.isfinite(last.loss)

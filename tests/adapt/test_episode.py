import math

import numpy as np
import pytest
import torch

from segviz import metrics
from segviz.adapt.episode import photo_labels, prediction_at_1x, run_episode
from segviz.adapt.optimisation import optimise
from segviz.adapt.photo_views import PhotoViews, Reference
from segviz.adapt.settings import Settings
from segviz.network.resampling import resample
from segviz.runs.record import LOG_PROBABILITIES, Quantised

from ..sequences import assert_same


def settings(**values):
    return Settings(**{"scale": 2.0, "steps": 3, "learning_rate": 1e-2, **values})


def steps(network, photo, reference, **values):
    chosen = settings(scale=2.0, **values)
    return list(run_episode(PhotoViews(network, photo, reference), chosen))


def test_numbers_against_truth(network, photo, truth):
    for step in steps(network, photo, Reference(truth), method="oracle"):
        matrix = metrics.confusion(truth, step.labels, 21)
        assert step.iou == metrics.mean_iou(matrix)
        assert step.accuracy == metrics.accuracy(matrix)
        assert step.agreement is None


def test_numbers_against_the_1x_prediction(network, photo):
    reference = prediction_at_1x(PhotoViews(network, photo))
    assert reference.kind == "1x prediction"
    got = steps(network, photo, reference, method="oracle", steps=20)
    for step in got:
        assert step.iou is None and step.accuracy is None
        assert step.agreement == pytest.approx(np.mean(step.labels == reference.labels))
    assert got[-1].agreement > got[0].agreement


def test_1x_prediction_is_that_of_the_network(network, photo):
    views = PhotoViews(network, photo)
    reference = prediction_at_1x(views)
    (step,) = run_episode(views, settings(scale=1.0, steps=0))
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


def test_labels_are_the_arg_max_of_bilinear_logits(views):
    (state,) = optimise(views, settings(steps=0))
    labels = photo_labels(state, views)
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


def test_log_probability_maps(views):
    chosen = settings(steps=2)
    pairs = zip(optimise(views, chosen), run_episode(views, chosen), strict=True)
    for state, step in pairs:
        assert torch.allclose(state.log_probabilities, state.logits.log_softmax(0), atol=1e-5)
        assert step.log_probability_map.dtype == np.float32
        assert np.array_equal(step.log_probability_map, state.log_probabilities.numpy())


def test_codes_give_the_probabilities_at_any_pixel(views):
    state = next(optimise(views, settings(steps=0)))
    logits, positions = state.logits / 4, views.positions(state.axes)  # as of a trained one
    codes = Quantised.of(logits.log_softmax(0)[None].numpy(), *LOG_PROBABILITIES)
    exact = resample(logits, *positions).softmax(0)
    read = resample(torch.from_numpy(codes[0]), *positions).softmax(0)
    assert (read - exact).abs().max() < 0.015


def test_stopping_early_keeps_what_came(network, photo, truth):
    reference = Reference(truth)
    full = steps(network, photo, reference)
    running = run_episode(PhotoViews(network, photo, reference), settings())
    kept = [next(running), next(running)]
    running.close()
    assert_same(kept, full[:2])


def test_deterministic(network, photo, truth):
    first = steps(network, photo, Reference(truth), method="entropy-marginal")
    assert_same(first, steps(network, photo, Reference(truth), method="entropy-marginal"))

import itertools

import numpy as np
import pytest
import torch

from segviz.adapt.episode import Prepared, optimise, photo_labels, prepare
from segviz.adapt.settings import Settings
from segviz.network.checkpoint import tensor_hash
from segviz.profiling import baselines


@pytest.fixture
def ours(network64, prepared64):
    states = optimise(network64, prepared64, Settings(steps=3))
    return [state.logits.flatten(1).T for state in states]


@pytest.mark.parametrize("way", ["whole", "whole, frozen", "partial"])
def test_rivals_of_theta_make_the_same_updates(way, network64, prepared64, ours):
    before = tensor_hash(network64)
    if way == "partial":
        steps = baselines.partial(network64, prepared64.encoding.F)
    else:
        steps = baselines.whole(network64, prepared64.x, "theta", frozen=way.endswith("frozen"))
    for mine, theirs in zip(ours, steps, strict=False):
        torch.testing.assert_close(mine, theirs, atol=1e-8, rtol=1e-8)
    assert (ours[3] - ours[0]).abs().max() > 1e-3
    assert tensor_hash(network64) == before


def test_adapting_norms_leaves_theta(network64, prepared64, monkeypatch):
    chosen = []
    descend = baselines._descend

    def spied(forward, parameters):
        chosen.extend(parameters)
        return descend(forward, parameters)

    monkeypatch.setattr(baselines, "_descend", spied)
    first, second = itertools.islice(baselines.whole(network64, prepared64.x, "norm"), 2)
    assert (second - first).abs().max() > 1e-6
    norms = [m for m in network64.backbone.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(chosen) == 2 * len([m for m in norms if m.affine]) > 0
    assert {value.dim() for value in chosen} == {1}  # no filter
    assert all(parameter.grad is None for parameter in network64.parameters())


def test_one_size_is_the_prediction_and_its_mirror_image(network, photo):
    def odds(image):
        prepared: Prepared = prepare(network, image, 2.0)
        logits = network.head(network.theta, *prepared.encoding).logits
        return prepared, logits

    prepared, logits = odds(photo)
    plain = photo_labels(logits, prepared)
    _, flipped = odds(photo[:, ::-1])
    from segviz.network.grid import resample

    both = [resample(one, prepared.rows, prepared.columns).softmax(0) for one in (logits, flipped)]
    expected = (both[0] + both[1].flip(2)).argmax(0).numpy()
    got = baselines.multi_scale(network, photo, 2.0, ratios=(1.0,))
    assert got.dtype == np.uint8 and (got == expected).all()
    assert (got == plain).mean() > 0.5


def test_several_sizes_of_a_mirrored_photo(network, photo):
    got = baselines.multi_scale(network, photo, 1.0)
    mirrored = baselines.multi_scale(network, np.ascontiguousarray(photo[:, ::-1]), 1.0)
    assert (got == mirrored[:, ::-1]).mean() > 0.99


def test_backbone_and_classifier(network, prepared):
    logits = baselines.backbone_and_classifier(network, prepared.x)
    assert logits.shape == (1, 21, *prepared.encoding.F.shape[-2:])

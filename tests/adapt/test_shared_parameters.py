"""Episodes in tiles: one set of parameters, whose gradient is that of the blended prediction."""

import numpy as np
import pytest
import torch

from segviz.adapt import Settings
from segviz.adapt.fast_gradient import LogitGradient
from segviz.adapt.parameters import copy_parameters
from segviz.adapt.photo_views import PhotoViews, Reference
from segviz.network.checkpoint import tensor_hash
from segviz.network.tiled import TiledNetwork
from segviz.runs.run import Run


@pytest.fixture(scope="module")
def large():
    """A photo of 300 x 96 (H, W, 3) uint8."""
    return np.random.default_rng(0).integers(0, 255, (96, 300, 3), dtype=np.uint8)


@pytest.mark.parametrize("variables", ["score", "norm", "all"])
def test_gradients_are_those_of_the_whole_input(foreign, large, variables):
    """Of this network, whose receptive field is within what tiles leave out, to rounding."""
    settings = Settings(method="entropy", variables=variables, scale=1.0, steps=1, tile=256)
    gradients = []
    for network in (foreign.network, TiledNetwork(foreign.network, 256)):
        views = PhotoViews(network, large)
        adapted = copy_parameters(network, views.encoded(1.0), settings)
        logits = adapted.predict().logits[:, :12, :37]
        values = torch.zeros(4, *adapted.predict().logits.shape[-2:])
        values[:, :12, :37] = torch.randn(4, 12, 37, generator=torch.Generator().manual_seed(0))
        adapted.backward(LogitGradient(values.flatten(1).T.contiguous(), None))
        gradients.append((logits, [each.grad for each in adapted.parameters()]))
    (whole, expected), (blended, found) = gradients
    assert torch.allclose(whole, blended, atol=1e-5)
    for a, b in zip(expected, found, strict=True):
        assert torch.allclose(a, b, atol=1e-3 * a.abs().max())


METHODS = ["entropy", "tent", "pyramid", "pyramid:rule:entropy", "oracle", "norm", "lame", "flip"]


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        *(("foreign", method) for method in METHODS),
        *(("trained", method) for method in ("entropy", "consistency", "norm", "t3a")),
    ],
)
def test_methods_run_in_tiles_and_leave_the_network_alone(request, large, kind, method):
    checkpoint = request.getfixturevalue(kind)
    network = checkpoint.network
    before = tensor_hash(*network.parts())
    groups = network.groups
    settings = Settings.parse(method, groups=groups, scale=1.0, tile=256, **_few(method))
    truth = np.zeros(large.shape[:2], np.int64)
    record = Run(checkpoint, large, settings, truth).all()
    assert record.complete and record.settings.tile == 256
    assert np.isfinite(record.numbers("entropy")).all()
    assert tensor_hash(*network.parts()) == before


def _few(method):
    return {"steps": 1} if Settings.parse(method).steps else {}


def test_small_views_beside_large_ones(trained, large):
    """Of a pyramid's sizes only the largest is cut; all share their parameters."""
    settings = Settings.parse(
        "pyramid:rule:entropy", scale=1.0, steps=1, tile=256, variables="score"
    )
    views = PhotoViews(TiledNetwork(trained.network, 256), large, Reference(large[..., 0] // 100))
    record = Run(trained, large, settings, large[..., 0].astype(np.int64) // 100).all()
    assert record.steps[-1]["distance"] > 0 and record.sizes is not None
    assert views.predicted(0.5).prediction.logits.shape[1:] == (3, 10)

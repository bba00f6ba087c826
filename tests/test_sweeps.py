"""The objectives and networks of the sweeps equal the library's where nothing is changed."""

import importlib.util
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from segviz.adapt import losses
from segviz.adapt.methods import METHODS
from segviz.adapt.objectives import OBJECTIVES
from segviz.adapt.photo_views import PhotoViews
from segviz.adapt.pixelwise import Pixels
from segviz.evaluation.row_store import RowStore
from segviz.runtime.distributed import TaskQueue

SIZE = (3, 4)


@pytest.fixture(scope="module")
def sweeps():
    """The script as a module; the objectives and methods it adds are removed afterwards."""
    path = Path(__file__).parents[1] / "benchmarks" / "sweeps.py"
    spec = importlib.util.spec_from_file_location("sweeps", path)
    module = importlib.util.module_from_spec(spec)
    before = [(registry, dict(registry)) for registry in (OBJECTIVES, METHODS)]
    spec.loader.exec_module(module)
    yield module
    for registry, entries in before:
        registry.clear()
        registry.update(entries)


@pytest.fixture
def logits():
    return torch.randn(SIZE[0] * SIZE[1], 5, dtype=torch.float64, requires_grad=True)


def with_prior(logits):
    """Pixels with a class prior that differs from their class marginal."""
    class_prior = torch.arange(1.0, 6.0, dtype=torch.float64)
    return Pixels(logits, class_prior=class_prior / class_prior.sum())


@pytest.mark.parametrize("name", ["entropy", "entropy-two-scales"])
def test_no_finer_grid_is_the_plain_loss(sweeps, logits, name):
    plain = OBJECTIVES[name]
    pixels = with_prior(logits)
    torch.testing.assert_close(sweeps.finer(plain, SIZE, 1).loss(pixels), plain.loss(pixels))


def test_a_finer_grid_interpolates_the_map(sweeps, logits):
    """Of a map that is constant along the columns, the finer one is too."""
    steps = torch.zeros(5, dtype=torch.float64)
    steps[1] = 1.0
    rows = torch.arange(3.0, dtype=torch.float64).repeat_interleave(4)[:, None] * steps
    seen = []
    spy = replace(OBJECTIVES["entropy"], loss=lambda p: seen.append(p.logits) or p.logits)
    sweeps.finer(spy, SIZE, 2).loss(Pixels(rows))
    fine = seen[0].view(6, 8, 5)
    torch.testing.assert_close(fine, fine[:, :1].expand_as(fine))
    assert (fine[:, 0, 1].diff() > 0).sum() >= 4


def test_gradients_pass_through_the_interpolation(sweeps, logits):
    loss = sweeps.finer(OBJECTIVES["entropy-two-scales"], SIZE, 4).loss
    pixels = with_prior(logits)
    (gradient,) = torch.autograd.grad(loss(pixels), logits)
    nudge = 1e-6 * torch.randn_like(logits)
    change = (loss(with_prior(logits + nudge)) - loss(pixels)).item()
    assert change == pytest.approx((gradient * nudge).sum().item(), rel=1e-3)


def test_weights(sweeps, logits):
    pixels, ours = with_prior(logits), OBJECTIVES["entropy-two-scales"]
    per_pixel = losses.thresholded_entropy(pixels) / len(logits)
    at_three = sweeps.weighted(ours, losses.MARGINAL_WEIGHT).loss(pixels)
    torch.testing.assert_close(at_three, ours.loss(pixels))
    torch.testing.assert_close(sweeps.weighted(ours, 0).loss(pixels), per_pixel)


def test_all_pixels(sweeps, logits):
    pixels, ours = with_prior(logits), OBJECTIVES["entropy-two-scales"]
    gap = sweeps.everywhere(ours).loss(pixels) - ours.loss(pixels)
    unselected = pixels.entropy[~pixels.selected()]
    assert len(unselected)
    torch.testing.assert_close(gap, unselected.sum() / len(logits))


@pytest.mark.parametrize("factor", [0.5, 1.5])
def test_starting_sigma(sweeps, trained, factor):
    photo = np.random.default_rng(0).integers(0, 255, (64, 80, 3), dtype=np.uint8)
    encoding = PhotoViews(trained.network, photo).encoded(1.0).encoding

    def mean(network):
        return network.head(network.theta, *encoding).sigma.mean().item()

    before = mean(trained.network)
    changed = sweeps.with_initial_sigma(trained.network, encoding, factor)
    assert mean(changed) == pytest.approx(factor * before, rel=1e-3)
    assert mean(trained.network) == before


def test_rows_are_measured_once_and_summarised(sweeps, trained, voc_root, tmp_path, monkeypatch):
    """The second run measures nothing, and every setting has a result."""
    monkeypatch.setattr(sweeps, "AT", 2)
    chosen = [
        replace(one, step=min(one.step, 2))
        for one in sweeps.variants()
        if one.base == "ours"
        and one.sweep in ("starting sigma", "loss resolution", "centred")
        and one.value != "4"
    ]
    monkeypatch.setattr(sweeps, "variants", lambda: chosen)
    ids = ["2007_000007", "2007_000008"]
    with closing(RowStore(tmp_path, trained.sha256, 21)) as store:
        stores = {sweeps.TRAINED: (trained, store)}
        sweeps.work(voc_root, ids, [1.0], stores, TaskQueue())
        monkeypatch.setattr(sweeps, "measure", lambda *_: pytest.fail("measured again"))
        sweeps.work(voc_root, ids, [1.0], stores, TaskQueue())
        found = list(sweeps.results(ids, [1.0], stores))
    assert len(found) == len(chosen)
    rows = {(row["sweep"], row["value"], row["step"]): row for row in found}
    assert rows["starting sigma", "1", 0]["over_feedforward"] == [0, 0]
    assert rows["centred", "yes", 2]["over_base"] == [0, 0]
    assert rows["centred", "no", 2]["entropy"] != rows["centred", "yes", 2]["entropy"]
    starts = [rows["starting sigma", value, 0]["sigma"] for value in ("0.5", "1", "2")]
    assert starts[0] < starts[1] < starts[2]

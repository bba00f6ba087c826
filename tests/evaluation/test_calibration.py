import math

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchmetrics.classification import BinaryAUROC, MulticlassCalibrationError

from segviz.adapt.optimisation import optimise
from segviz.adapt.photo_views import PhotoViews, Reference
from segviz.adapt.settings import Settings
from segviz.data.classes import IGNORE
from segviz.evaluation.calibration import (
    ENTROPY_BINS,
    CalibrationBins,
    calibration_of,
    calibration_of_step,
    merged,
)
from segviz.network.resampling import resample
from segviz.runs.run import Run

K, N = 5, 4000


@pytest.fixture
def prediction():
    """Probabilities (K, N) that are too sure of themselves, and the truth."""
    logits = 2 * torch.randn(K, N, dtype=torch.float64)
    truth = torch.distributions.Categorical(logits=logits.T / 2).sample()
    return logits.softmax(0), truth


def entropies(p):
    return -torch.special.xlogy(p, p).sum(0)


def test_ece_agrees_with_torchmetrics(prediction):
    p, truth = prediction
    metric = MulticlassCalibrationError(num_classes=K, n_bins=15, norm="l1")
    expected = metric(p.T.float(), truth).item()
    got = CalibrationBins.of(p, truth).numbers()["ece"]
    assert got == pytest.approx(expected, abs=1e-5) and got > 0.05


def test_auroc_agrees_with_torchmetrics(prediction):
    p, truth = prediction
    wrong = p.argmax(0) != truth
    entropy = entropies(p)
    got = CalibrationBins.of(p, truth).numbers()["auroc"]
    assert got == pytest.approx(BinaryAUROC()(entropy, wrong.long()).item(), abs=2e-3)
    tied = (entropy * ENTROPY_BINS / math.log(K)).long().clamp(max=ENTROPY_BINS - 1)
    exact = BinaryAUROC()(tied / ENTROPY_BINS, wrong.long()).item()
    assert got == pytest.approx(exact, abs=1e-6)


def test_nll_and_brier_by_the_definition(prediction):
    p, truth = prediction
    numbers = CalibrationBins.of(p, truth).numbers()
    assert numbers["nll"] == pytest.approx(functional.nll_loss(p.log().T, truth).item())
    target = functional.one_hot(truth, K).T
    assert numbers["brier"] == pytest.approx(((p - target) ** 2).sum(0).mean().item())


def test_aurc_is_the_mean_risk_over_all_coverages(prediction):
    p, truth = (values[..., :300] for values in prediction)
    wrong = (p.argmax(0) != truth).numpy()
    entropy = entropies(p).numpy()
    ties = np.minimum((entropy * ENTROPY_BINS / math.log(K)).astype(int), ENTROPY_BINS - 1)
    rng, areas = np.random.default_rng(0), []
    for _ in range(400):
        order = np.lexsort((rng.random(len(ties)), ties))
        areas.append((np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)).mean())
    got = CalibrationBins.of(p, truth).numbers()["aurc"]
    assert got == pytest.approx(np.mean(areas), abs=4 * np.std(areas) / 20 + 1e-9)


def test_a_perfect_and_a_useless_entropy():
    sure = torch.tensor([[0.99, 0.01], [0.5, 0.5001], [0.99, 0.01]]).T
    sure = sure / sure.sum(0)
    found = CalibrationBins.of(sure, torch.tensor([0, 0, 0])).numbers()
    assert found["auroc"] == 1 and found["aurc"] == pytest.approx((0 + 0 + 1 / 3) / 3)
    flat = torch.full((2, 6), 0.5)
    found = CalibrationBins.of(flat, torch.tensor([0, 1, 0, 1, 0, 1])).numbers()
    assert found["auroc"] == 0.5 and found["aurc"] == pytest.approx(0.5)
    assert found["ece"] == 0 and found["nll"] == pytest.approx(math.log(2))


def test_all_right_or_nothing_known():
    p = torch.tensor([[0.9, 0.1]]).T
    assert CalibrationBins.of(p, torch.tensor([0])).numbers()["auroc"] is None
    nothing = CalibrationBins.of(p, torch.tensor([IGNORE])).numbers()
    assert set(nothing.values()) == {None}
    assert CalibrationBins.empty().numbers() == nothing


def test_bins_of_parts_add_up(prediction):
    p, truth = prediction
    truth[::7] = IGNORE
    whole = CalibrationBins.of(p, truth)
    parts = merged(CalibrationBins.of(p[:, i::3], truth[i::3]) for i in range(3))
    assert parts.pixels == whole.pixels == int((truth != IGNORE).sum())
    for name, value in whole.numbers().items():
        assert parts.numbers()[name] == pytest.approx(value)
    assert np.array_equal(parts.entropy, whole.entropy)


def test_bins_survive_json(prediction):
    bins = CalibrationBins.of(*prediction)
    again = CalibrationBins.from_json(bins.to_json())
    assert again.numbers() == bins.numbers()
    assert list(again.reliability()) == list(bins.reliability())
    for text in ("{}", "[[],[],[],0,0]", bins.to_json().replace("[[", '[["a",', 1)):
        with pytest.raises(ValueError):
            CalibrationBins.from_json(text)


def test_reliability_lists_the_bins_that_have_pixels():
    p = torch.tensor([[0.97, 0.03], [0.95, 0.05], [0.6, 0.4]]).T
    low, high = CalibrationBins.of(p, torch.tensor([0, 1, 0])).reliability()
    assert low == (pytest.approx(0.6), 1.0, 1)
    assert high == (pytest.approx(0.96), 0.5, 2)


def test_prediction_at_the_photo_s_resolution():
    logits = torch.randn(K, 6, 7)
    rows, columns = torch.linspace(-0.5, 6, 150), torch.linspace(0, 6.5, 90)
    truth = np.random.default_rng(0).integers(0, K, (150, 90))
    truth[0] = IGNORE
    got = calibration_of(logits, rows, columns, truth)
    p = resample(logits, rows, columns).softmax(0)
    expected = CalibrationBins.of(p, torch.from_numpy(truth))
    assert got.pixels == 149 * 90
    for name, value in expected.numbers().items():
        assert got.numbers()[name] == pytest.approx(value, rel=1e-5)


def test_a_record_is_calibrated_as_its_network(trained, photo, truth):
    settings = Settings(scale=1.0, steps=2)
    record = Run(trained, photo, settings, truth).all()
    views = PhotoViews(trained.network, photo, Reference(truth))
    for state in optimise(views, settings):
        exact = calibration_of(state.logits, *views.positions(state.logit_axes), truth).numbers()
        for name, value in calibration_of_step(record, state.step).numbers().items():
            if value is None:  # there may be no right pixel
                assert exact[name] is None
            else:
                assert value == pytest.approx(exact[name], rel=0.05, abs=0.01), name
    assert calibration_of_step(Run(trained, photo, settings).all(), 0) is None

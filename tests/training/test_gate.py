"""The gate's training: samples of photos, and a gate that learns which size to read."""

import numpy as np
import pytest
import torch

from segviz.adapt.gate import FEATURES, Gate
from segviz.errors import InputError
from segviz.training import gate
from segviz.training.gate import (
    PIXELS,
    GateSamples,
    collect_samples,
    cross_validate,
    log_likelihood,
    read_samples,
    train_gate,
    write_samples,
)

SCALES = (1.0, 8.0)


def synthetic(count, seed=0):
    """Photos whose right size, 0 or 2, is told by the first number of the first size."""
    generator = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(count):
        features = torch.rand(2, 3, len(FEATURES), generator=generator)
        right = 2 * (features[:, 0, 0] > 0.5).long()
        likelihoods = torch.full((2, PIXELS, 3), 0.1)
        likelihoods[torch.arange(2), :, right] = 0.9
        made.append(GateSamples(features, likelihoods, torch.zeros(2, dtype=torch.int64)))
    return made


def test_samples_of_a_photo(trained, photo, truth):
    found = collect_samples(trained.network, photo, truth, SCALES)
    assert found.features.shape == (2, 3, len(FEATURES))
    assert found.likelihoods.shape == (2, PIXELS, 3)
    assert (found.likelihoods >= 0).all() and (found.likelihoods <= 1).all()
    assert found.plain.tolist() == [1, 0]  # the small input is read at twice its size, too
    again = collect_samples(trained.network, photo, truth, SCALES)
    assert torch.equal(again.likelihoods, found.likelihoods)


def test_pixels_are_drawn_class_by_class(trained, photo, truth):
    """A class of a few pixels counts as much as the background."""
    rare = np.zeros_like(truth)
    rare[:8, :8] = 7
    found = collect_samples(trained.network, photo, rare, (8.0,))
    alone = collect_samples(trained.network, photo, np.full_like(rare, 7), (8.0,))
    assert found.likelihoods.shape == alone.likelihoods.shape
    # One half is drawn from the corner, so it is there whatever the size of the corner.
    assert not torch.allclose(found.likelihoods.mean(1), alone.likelihoods.mean(1), atol=1e-4)


def test_a_photo_without_labels_has_no_samples(trained, photo, truth):
    assert collect_samples(trained.network, photo, np.full_like(truth, 255), SCALES) is None


def test_a_gate_learns_which_size_is_right():
    samples = synthetic(60)
    gate = Gate(train_gate(samples, seeds=2, updates=200))
    weights = gate.of_features(torch.cat([each.features for each in samples]))
    right = torch.cat([each.likelihoods for each in samples])[:, 0].argmax(1)
    assert (weights.argmax(1) == right).float().mean() > 0.95
    uniform = torch.full_like(weights, 1 / 3).log()
    assert log_likelihood(samples, weights).mean() > log_likelihood(samples, uniform).mean() + 0.5


def test_log_likelihood_by_hand():
    samples = [
        GateSamples(torch.zeros(1, 3, 5), torch.tensor([[[0.5, 0.25, 1.0]]]), torch.zeros(1))
    ]
    weights = torch.tensor([[0.5, 0.5, 0.0]]).clamp(min=1e-30).log()
    assert log_likelihood(samples, weights).item() == pytest.approx(np.log(0.375))


def test_cross_validation_weighs_a_photo_by_a_gate_trained_on_others():
    """Labels at random: held out, a gate is no better than equal weights."""
    generator = torch.Generator().manual_seed(1)
    samples = []
    for each in synthetic(40):
        order = torch.randperm(3, generator=generator)
        samples.append(each._replace(likelihoods=each.likelihoods[..., order]))
    gate = Gate(train_gate(samples, seeds=1, updates=100))
    own = gate.of_features(torch.cat([each.features for each in samples]))
    held_out = cross_validate(samples, 2, seeds=1, updates=100)
    assert held_out.shape == own.shape == (80, 3)
    assert torch.allclose(held_out.exp().sum(1), torch.ones(80), atol=1e-5)
    assert log_likelihood(samples, held_out).mean() < log_likelihood(samples, own).mean()


def test_too_few_photos():
    with pytest.raises(InputError, match="at least 10 photos with truth, got 3; give more"):
        train_gate(synthetic(3))


def stored(**changes):
    """Samples as `segviz gate` keeps them, perhaps with another tensor."""
    count = len(gate.SCALES)
    plain = GateSamples(
        torch.rand(count, 3, len(FEATURES)),
        torch.rand(count, PIXELS, 3),
        torch.zeros(count, dtype=torch.int64),
    )
    return plain._replace(**changes)


def test_samples_come_back(tmp_path):
    made = stored()
    write_samples(tmp_path / "a.pt", made)
    assert all(map(torch.equal, read_samples(tmp_path / "a.pt"), made))
    write_samples(tmp_path / "b.pt", None)
    assert read_samples(tmp_path / "b.pt") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"features": torch.rand(2, 3, 5)},
        {"features": torch.full((6, 3, 5), float("nan"))},
        {"likelihoods": torch.full((6, PIXELS, 3), 2.0)},
        {"plain": torch.full((6,), 7)},
        {"plain": torch.zeros(6)},
        {"plain": None},
    ],
)
def test_samples_that_do_not_fit_are_refused(tmp_path, changes):
    write_samples(tmp_path / "a.pt", stored(**changes))
    with pytest.raises(InputError, match=r"a\.pt is not a file of samples .*remove it"):
        read_samples(tmp_path / "a.pt")


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04" + bytes(99), b"\x80\x02."])
def test_foreign_files_of_samples_are_refused(tmp_path, content):
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.pt is not a file of samples .*remove it"):
        read_samples(tmp_path / "a.pt")

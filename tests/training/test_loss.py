import pytest
import torch
from torch.nn import functional

from segviz.data.classes import IGNORE
from segviz.training.feature_cache import CachedSample
from segviz.training.loss import LabelledLogits, cross_entropy, predict_cached, predict_crops


def labelled(height, width, seed):
    """Logits with labels at every feature pixel, some ignored."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 5, height, width, generator=generator)
    labels = torch.randint(0, 5, (2, height, width), generator=generator).to(torch.uint8)
    labels[:, 0] = IGNORE
    return LabelledLogits(logits, labels, torch.arange(height), torch.arange(width))


def test_mean_over_the_labelled_pixels_of_all_predictions():
    predictions = [labelled(4, 3, 0), labelled(2, 6, 1)]
    result = cross_entropy(predictions)
    losses, labels = [], []
    for prediction in predictions:
        known = prediction.labels != IGNORE
        rows = prediction.logits.movedim(1, -1)[known]
        losses.append(functional.cross_entropy(rows, prediction.labels[known].long()) * len(rows))
        labels.append(prediction.logits.argmax(1).flatten())
    count = 2 * (3 * 3 + 1 * 6)
    assert result.loss.item() == pytest.approx(sum(losses).item() / count, rel=1e-5)
    assert torch.equal(result.labels, torch.cat(labels))
    assert result.truth.shape == (2 * (4 * 3 + 2 * 6),) and result.truth.dtype == torch.int64
    assert torch.allclose(result.logits, predictions[-1].logits)


def test_gradient_is_0_at_ignored_pixels():
    prediction = labelled(4, 3, 0)
    prediction.logits.requires_grad_()
    cross_entropy([prediction]).loss.backward()
    gradient = prediction.logits.grad.abs().sum(1)
    assert (gradient[:, 0] == 0).all() and (gradient[:, 1:] > 0).all()


def test_crops_are_predicted_at_every_nth_label(network):
    photos = torch.randint(0, 256, (2, 3, 49, 49), dtype=torch.uint8)
    labels = torch.randint(0, 21, (2, 49, 49), dtype=torch.uint8)
    with torch.no_grad():
        (prediction,) = predict_crops(network, network, photos, labels, 3)
        expected = network(network.normalise(photos.float()))
    assert torch.allclose(prediction.logits, expected, atol=1e-4)
    assert torch.equal(prediction.labels, labels[:, ::3, ::3])
    # Label i sits at input pixel 3 i, feature pixel j at 16 j.
    assert (
        prediction.rows.tolist() == prediction.columns.tolist() == [i * 3 / 16 for i in range(17)]
    )


def test_cached_samples_are_predicted_each_at_its_size(network):
    sizes = [(3, 4), (5, 2)]
    samples = [
        CachedSample(
            torch.randn(1, 256, h, w),
            torch.zeros(h, w, dtype=torch.uint8),
            torch.arange(h),
            torch.arange(w),
        )
        for h, w in sizes
    ]
    with torch.no_grad():
        predictions = predict_cached(network, samples)
    assert [tuple(p.logits.shape) for p in predictions] == [(1, 21, h, w) for h, w in sizes]
    assert [tuple(p.labels.shape) for p in predictions] == [(1, h, w) for h, w in sizes]

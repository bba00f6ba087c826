"""Predictions of a batch and their cross-entropy at the pixels of its labels."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..data.classes import IGNORE
from ..network.dynamic import Segmenter
from ..network.resampling import resample
from .feature_cache import CachedSample

__all__ = ["BatchLoss", "LabelledLogits", "cross_entropy", "predict_cached", "predict_crops"]


class LabelledLogits(NamedTuple):
    """Logits on the feature grid with labels at positions on that grid.

    Arguments:
        logits: (B, K, h, w).
        labels: (B, rows, columns), uint8, 255 = ignore.
        rows: The labels' vertical positions on the feature grid, (rows,).
        columns: Their horizontal positions, (columns,).
    """

    logits: Tensor
    labels: Tensor
    rows: Tensor
    columns: Tensor


class BatchLoss(NamedTuple):
    """The loss of a batch and what it was computed from.

    Arguments:
        loss: The mean cross-entropy in nats over labelled pixels, a scalar.
        truth: The true labels of all N pixels, (N,), int64, 255 = ignore.
        labels: The predicted labels, (N,), int64.
        logits: The last prediction's logits at its labels, (B, K, rows, columns).
    """

    loss: Tensor
    truth: Tensor
    labels: Tensor
    logits: Tensor


def predict_crops(
    model: nn.Module, network: Segmenter, photos: Tensor, labels: Tensor, stride: int
) -> list[LabelledLogits]:
    """Predict a batch of crops.

    Arguments:
        model: `network`, or its distributed wrapper.
        network: The network.
        photos: (B, 3, crop, crop), uint8.
        labels: (B, crop, crop), uint8, 255 = ignore.
        stride: Every n-th label both ways is used.
    """
    x = network.normalise(photos.float()).contiguous(memory_format=torch.channels_last)
    crop = photos.shape[-1]
    positions = network.grid.lattice.to_features(crop, crop, photos.device)[::stride]
    return [LabelledLogits(model(x), labels[:, ::stride, ::stride], positions, positions)]


def predict_cached(network: Segmenter, samples: Sequence[CachedSample]) -> list[LabelledLogits]:
    """Predict a batch of cached samples, each of its own size."""
    device = network.score_weight.device
    samples = [CachedSample(*(part.to(device) for part in sample)) for sample in samples]
    logits = network.forward_maps([sample.maps for sample in samples])
    return [
        LabelledLogits(prediction, sample.labels[None], sample.rows, sample.columns)
        for prediction, sample in zip(logits, samples, strict=True)
    ]


def cross_entropy(predictions: Iterable[LabelledLogits]) -> BatchLoss:
    """Return the mean cross-entropy over all labelled pixels; 0 if all are ignored."""
    losses, truths, labels = [], [], []
    for prediction in predictions:
        logits = resample(prediction.logits.float(), prediction.rows, prediction.columns)
        truth = prediction.labels.long()
        losses.append(functional.cross_entropy(logits, truth, ignore_index=IGNORE, reduction="sum"))
        truths.append(truth.flatten())
        labels.append(logits.detach().argmax(1).flatten())
    truth = torch.cat(truths)
    loss = torch.stack(losses).sum() / (truth != IGNORE).sum().clamp(min=1)
    return BatchLoss(loss, truth, torch.cat(labels), logits)

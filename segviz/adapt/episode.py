"""Adapt the prediction of one photo, step by step: maps and metrics at the photo's resolution."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .. import metrics
from ..network.resampling import resampled_argmax
from .captured_episode import captured_episode, is_captured
from .device_step import QuantisedStep
from .optimisation import OptimisationState, optimise
from .photo_views import Axis, PhotoViews, Reference
from .settings import Settings

__all__ = ["Step", "photo_labels", "prediction_at_1x", "run_episode"]


@dataclass(frozen=True)
class Step:
    """Numbers and maps after t updates, as arrays.

    Arguments:
        step: t, 0 = feedforward.
        loss: The objective's value, in nats.
        entropy: The mean entropy over the feature pixels, in nats.
        selected: The fraction of feature pixels in S.
        sigma: The mean sigma, in input pixels; None without a dynamic receptive field.
        iou: Per-image IoU against the truth; None without truth.
        accuracy: Pixel accuracy against the truth; None without truth.
        agreement: Fraction of pixels that equal the 1x prediction; None unless that stands in.
        changed: The fraction of the photo's pixels whose label differs from step 0's.
        distance: Euclidean distance of the adapted parameters from the trained ones.
        ms: Milliseconds of the update and its forward pass (step 0: of the head alone).
        weights: The mean weight of each view, by its factor of s; None for a single view.
        labels: The prediction at the photo's resolution, shape (H, W), uint8.
        positions: Where the photo's rows (H,) and columns (W,) lie on the maps, float32.
        entropy_map: Shape (h, w), float32, nats.
        sigma_map: Shape (h, w), float32, feature pixels; None without a dynamic receptive field.
        selected_map: S, shape (h, w), bool.
        log_probability_map: The log-softmax, shape (K, h, w), float32, nats: 4 K bytes for each
            feature pixel, so keep no more of them than needed.
        size_map: The scale that the prediction is read at, shape (h, w), float32; None for a single
            view.
    """

    step: int
    loss: float
    entropy: float
    selected: float
    sigma: float | None
    iou: float | None
    accuracy: float | None
    agreement: float | None
    changed: float
    distance: float
    ms: float
    weights: tuple[float, ...] | None
    labels: np.ndarray
    positions: tuple[np.ndarray, np.ndarray]
    entropy_map: np.ndarray
    sigma_map: np.ndarray | None
    selected_map: np.ndarray
    log_probability_map: np.ndarray
    size_map: np.ndarray | None


def run_episode(views: PhotoViews, settings: Settings) -> Iterator[Step | QuantisedStep]:
    """Yield the states of `optimise` with maps and metrics at the photo's resolution.

    Closing the generator early is safe; what it yielded stays valid. On a GPU, the steps of most
    methods are captured as a graph, with the maps quantised there.

    Arguments:
        views: The views of the photo.
        settings: The episode's settings.
    """
    first: np.ndarray | None = None
    reference, network = views.reference, views.network
    if is_captured(views, settings):
        yield from captured_episode(views, settings)
        return
    for state in optimise(views, settings):
        labels = photo_labels(state, views)
        first = labels if first is None else first
        iou = accuracy = agreement = None
        if reference is not None:
            matrix = metrics.confusion(reference.labels, labels, network.classes)
            if reference.kind == "truth":
                iou, accuracy = metrics.mean_iou(matrix), metrics.accuracy(matrix)
            else:
                agreement = metrics.accuracy(matrix)
        sigma, (rows, columns) = state.sigma, views.positions(state.axes)
        yield Step(
            step=state.step,
            loss=state.loss,
            entropy=state.mean_entropy,
            selected=state.selected.float().mean().item(),
            sigma=None if sigma is None else sigma.mean().item() * network.stride,
            iou=iou,
            accuracy=accuracy,
            agreement=agreement,
            changed=float(np.mean(labels != first)),
            distance=state.distance,
            ms=state.ms,
            weights=None if state.weights is None else tuple(state.weights.tolist()),
            labels=labels,
            positions=(rows.cpu().numpy(), columns.cpu().numpy()),
            entropy_map=state.entropy.float().cpu().numpy(),
            sigma_map=None if sigma is None else sigma.float().cpu().numpy(),
            selected_map=state.selected.cpu().numpy(),
            log_probability_map=state.log_probabilities.float().cpu().numpy(),
            size_map=None if state.sizes is None else state.sizes.float().cpu().numpy(),
        )


def photo_labels(state: OptimisationState, views: PhotoViews) -> np.ndarray:
    """Return the labels at the photo's resolution, (H, W) uint8: bilinear logits, then argmax."""
    return _labels(state.logits, state.logit_axes, views)


def prediction_at_1x(views: PhotoViews) -> Reference:
    """Return the feedforward prediction at scale 1 in float32, to stand in where truth is none."""
    if views.precision != "float32":
        views = PhotoViews(views.network, views.photo, encoder=views.encoder)
    view = views.predicted(1.0)
    return Reference(_labels(view.prediction.logits, view.axes, views), "1x prediction")


@torch.no_grad()
def _labels(logits: Tensor, axes: tuple[Axis, Axis], views: PhotoViews) -> np.ndarray:
    return resampled_argmax(logits, *views.positions(axes)).cpu().numpy()

"""Adapt the prediction of one photo, step by step: maps and metrics at the photo's resolution."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from .. import metrics
from ..network.resampling import resampled_argmax
from .captured_episode import captured_episode, is_captured
from .optimisation import OptimisationState, optimise
from .photo_views import NO_SCORES, Axis, PhotoViews, Reference
from .settings import Settings
from .step import QuantisedStep, Step

__all__ = ["photo_labels", "prediction_at_1x", "run_episode"]


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
        scores = NO_SCORES
        if reference is not None:
            matrix = metrics.confusion(reference.labels, labels, network.classes)
            scores = reference.scores(matrix)
        sigma, (rows, columns) = state.sigma, views.positions(state.axes)
        yield Step(
            step=state.step,
            loss=state.loss,
            entropy=state.mean_entropy,
            selected=state.selected.float().mean().item(),
            sigma=None if sigma is None else sigma.mean().item() * network.stride,
            iou=scores.iou,
            accuracy=scores.accuracy,
            agreement=scores.agreement,
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

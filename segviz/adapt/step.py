"""A step of an episode: its numbers, and its maps as floats or quantised on the device."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .quantised import Quantised

__all__ = ["EpisodeStep", "QuantisedStep", "Step"]


@dataclass(frozen=True)
class EpisodeStep:
    """The state of an episode after t updates, without the maps that are quantised.

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
        labels: The prediction at the photo's resolution, shape (H, W), uint8.
        positions: Where the photo's rows (H,) and columns (W,) lie on the maps, float32.
        selected_map: S, shape (h, w), bool.
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
    labels: np.ndarray
    positions: tuple[np.ndarray, np.ndarray]
    selected_map: np.ndarray


@dataclass(frozen=True)
class Step(EpisodeStep):
    """Numbers and maps after t updates, as arrays.

    Arguments:
        weights: The mean weight of each view, by its factor of s; None for a single view.
        entropy_map: Shape (h, w), float32, nats.
        sigma_map: Shape (h, w), float32, feature pixels; None without a dynamic receptive field.
        log_probability_map: The log-softmax, shape (K, h, w), float32, nats: 4 K bytes for each
            feature pixel, so keep no more of them than needed.
        size_map: The scale that the prediction is read at, shape (h, w), float32; None for a single
            view.
    """

    weights: tuple[float, ...] | None
    entropy_map: np.ndarray
    sigma_map: np.ndarray | None
    log_probability_map: np.ndarray
    size_map: np.ndarray | None


@dataclass(frozen=True)
class QuantisedStep(EpisodeStep):
    """A step of the single view whose maps were quantised on the device.

    Arguments:
        codes: The maps by the names of `map_ranges`, without the axis of the steps.
        stride: The feature stride, in input pixels.
    """

    codes: dict[str, Quantised]
    stride: float
    weights: ClassVar[None] = None
    size_map: ClassVar[None] = None

    @property
    def entropy_map(self) -> np.ndarray:
        """Entropy, shape (h, w), float32, nats."""
        return self.codes["entropy"][...]

    @property
    def sigma_map(self) -> np.ndarray:
        """Sigma, shape (h, w), float32, feature pixels."""
        return self.codes["sigma"][...] / np.float32(self.stride)

    @property
    def log_probability_map(self) -> np.ndarray:
        """The log-softmax, shape (K, h, w), float32, nats."""
        return self.codes["log_probabilities"][...]

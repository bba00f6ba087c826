"""Adapt the prediction of one image: the iteration of the paper's section 2.3, as a generator."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .. import metrics
from ..errors import InputError
from ..network.dynamic import Encoding, Segmenter
from ..network.resampling import resampled_argmax, resize_photo
from . import objectives, parameters
from .fast_gradient import DifferentiablePixels
from .pixelwise import Pixels
from .settings import Settings

__all__ = [
    "MAX_INPUT",
    "EncodedPhoto",
    "OptimisationState",
    "Reference",
    "Step",
    "encode_photo",
    "half_size_logits",
    "optimise",
    "photo_labels",
    "prediction_at_1x",
    "run_episode",
]

MAX_INPUT = 9_000_000
"""The largest network input, in pixels: 4x of a 750 x 750 photo."""


@dataclass(frozen=True)
class Reference:
    """Labels that predictions are compared with.

    Arguments:
        labels: Shape (H, W), integer, the photo's own resolution, 255 = ignore.
        kind: "truth", or "1x prediction" for the feedforward prediction at scale 1 in its place.
    """

    labels: np.ndarray
    kind: Literal["truth", "1x prediction"] = "truth"


class EncodedPhoto(NamedTuple):
    """A photo after the frozen part of the network."""

    x: Tensor  # (1, 3, sH, sW) normalised input
    encoding: Encoding
    rows: Tensor  # (H,) positions of the photo's rows on the feature grid
    columns: Tensor  # (W,)
    target: Tensor | None  # (h w,) labels at the feature pixels, int64
    forward_ms: float  # from the resized input to the scale space
    cache: dict[str, Tensor]  # what an objective computes once for all runs on the photo


class OptimisationState(NamedTuple):
    """The optimisation after t updates, on the feature grid."""

    step: int
    logits: Tensor  # (K, h, w)
    sigma: Tensor  # (h, w), feature pixels
    log_probabilities: Tensor  # (K, h, w), nats
    entropy: Tensor  # (h, w), nats
    selected: Tensor  # (h, w), bool: S
    loss: float  # the objective's value before the next update
    distance: float  # of the adapted parameters from the trained ones
    ms: float  # the update that led here and its forward pass; at step 0 the head alone


@dataclass(frozen=True)
class Step:
    """Numbers and maps after t updates, as arrays.

    Arguments:
        step: t, 0 = feedforward.
        loss: The objective's value, in nats.
        entropy: The mean entropy over the feature pixels, in nats.
        selected: The fraction of feature pixels in S.
        sigma: The mean sigma, in input pixels.
        iou: Per-image IoU against the truth; None without truth.
        accuracy: Pixel accuracy against the truth; None without truth.
        agreement: Fraction of pixels that equal the 1x prediction; None unless that stands in.
        changed: The fraction of the photo's pixels whose label differs from step 0's.
        distance: Euclidean distance of the adapted parameters from the trained ones.
        ms: Milliseconds of the update and its forward pass (step 0: of the head alone).
        labels: The prediction at the photo's resolution, shape (H, W), uint8.
        entropy_map: Shape (h, w), float32, nats.
        sigma_map: Shape (h, w), float32, feature pixels.
        selected_map: S, shape (h, w), bool.
        log_probability_map: The log-softmax, shape (K, h, w), float32, nats: 4 K bytes for each
            feature pixel, so keep no more of them than needed.
    """

    step: int
    loss: float
    entropy: float
    selected: float
    sigma: float
    iou: float | None
    accuracy: float | None
    agreement: float | None
    changed: float
    distance: float
    ms: float
    labels: np.ndarray
    entropy_map: np.ndarray
    sigma_map: np.ndarray
    selected_map: np.ndarray
    log_probability_map: np.ndarray


@torch.no_grad()
def encode_photo(
    network: Segmenter,
    photo: np.ndarray,
    scale: float,
    reference: Reference | None = None,
    precision: str = "float32",
) -> EncodedPhoto:
    """Resize a photo and run what does not depend on theta, once.

    Arguments:
        network: The network, in eval mode.
        photo: Shape (H, W, 3), uint8.
        scale: The resize factor s.
        reference: Labels at the photo's resolution, if any.
        precision: float32, or bfloat16 for the backbone, aggregation and scale space.

    Raises:
        InputError: If the input would have more than `MAX_INPUT` pixels, or the labels do not fit.
    """
    height, width = photo.shape[:2]
    if scale * scale * height * width > MAX_INPUT:
        most = math.floor(100 * (MAX_INPUT / (height * width)) ** 0.5) / 100
        raise InputError(
            f"a {width} x {height} photo at scale {scale:g} has"
            f" {scale * scale * height * width / 1e6:.1f} million pixels, but the limit is"
            f" {MAX_INPUT / 1e6:.0f} million; choose a scale up to {most:g}"
            " or a smaller photo."
        )
    if reference is not None and reference.labels.shape != (height, width):
        raise InputError(
            f"the mask is {reference.labels.shape[1]} x {reference.labels.shape[0]} pixels, but the"
            f" photo is {width} x {height}; give a mask of the photo's size."
        )
    device = network.score_weight.device
    pixels = torch.tensor(np.ascontiguousarray(photo), device=device).permute(2, 0, 1)
    x = network.normalise(resize_photo(pixels, scale)[None])
    x = x.contiguous(memory_format=torch.channels_last)
    _synchronise(device)
    start = time.perf_counter()
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        encoding = Encoding(*(part.float() for part in network.encode(x)))
    _synchronise(device)
    forward_ms = 1e3 * (time.perf_counter() - start)

    grid, sizes = network.grid, x.shape[-2:]
    h, w = encoding.F.shape[-2:]
    target = None
    if reference is not None:
        labels = torch.from_numpy(reference.labels.astype(np.int64))
        nearest = [
            grid.to_photo(count, length, source)
            for count, length, source in zip((h, w), (height, width), sizes, strict=True)
        ]
        target = labels[nearest[0]][:, nearest[1]].flatten().to(device)
    rows = grid.to_features(height, sizes[0], device)
    columns = grid.to_features(width, sizes[1], device)
    return EncodedPhoto(x, encoding, rows, columns, target, forward_ms, {})


def optimise(
    network: Segmenter, encoded: EncodedPhoto, settings: Settings
) -> Iterator[OptimisationState]:
    """Run Adam on copies of theta; yield the state after 0, 1, ... T updates.

    Arguments:
        network: The network, in eval mode; never written to.
        encoded: What `encode_photo` made of the photo at `settings.scale`.
        settings: The episode's settings.

    Raises:
        InputError: If the objective needs truth and there is none.

    Source:
        Paper section 2.3 and, for Adam, section 3 (testing).
    """
    objective = objectives.find(settings.objective)
    if settings.needs_truth and encoded.target is None:
        raise InputError(
            f"the objective {settings.objective!r} needs the truth, but there is none;"
            " give a mask of the photo or let the 1x prediction stand in."
        )
    x, encoding = encoded.x, encoded.encoding
    adapted = parameters.copy_parameters(network, x, encoding, settings.variables, settings.centred)
    optimiser = torch.optim.Adam(
        adapted.parameters(), settings.learning_rate, maximize=objective.direction == -1
    )
    # Without truth, T = 0 runs under any objective: there is a loss to report, but not that one.
    if objective.needs_truth and encoded.target is None:
        objective = objectives.OBJECTIVES["entropy"]
    class_prior: Tensor | None = None
    previous = float("nan")

    _synchronise(x.device)
    start = time.perf_counter()
    for step in range(settings.steps + 1):
        with torch.set_grad_enabled(step < settings.steps):
            prediction = adapted.predict()
            h, w = prediction.sigma.shape
            rows = prediction.logits.flatten(1).T  # pixel-major, as they lie in memory
            pixels = DifferentiablePixels(rows, encoded.target, class_prior)
            if step == 0 and objective.two_scales:
                if "half" not in encoded.cache:
                    encoded.cache["half"] = half_size_logits(network, x)
                half = Pixels(encoded.cache["half"])
                pixels.class_prior = objectives.two_scale_prior(pixels, half)
            class_prior = pixels.class_prior
            loss = objective.loss(pixels)
        value = loss.item()  # waits for the device, so that the time is right
        ms = 1e3 * (time.perf_counter() - start)
        yield OptimisationState(
            step,
            prediction.logits,
            prediction.sigma,
            pixels.plain.log_probabilities.T.unflatten(1, (h, w)),
            pixels.plain.entropy.view(h, w),
            pixels.selected().view(h, w),
            value,
            adapted.distance(),
            ms,
        )
        if step == settings.steps or abs(value - previous) < settings.tolerance * abs(previous):
            return
        previous = value
        start = time.perf_counter()
        adapted.backward(pixels.gradient(loss))
        optimiser.step()


@torch.no_grad()
def half_size_logits(network: Segmenter, x: Tensor) -> Tensor:
    """Return the feedforward prediction at half the size of an input.

    Arguments:
        network: The network, in eval mode.
        x: Normalised input, shape (1, 3, H, W).

    Returns:
        Logits, shape (N, K), N the feature pixels of the smaller input.
    """
    size = [max(1, round(length / 2)) for length in x.shape[-2:]]
    small = functional.interpolate(x, size, mode="bilinear", antialias=True)
    small = small.contiguous(memory_format=torch.channels_last)
    logits = network.head(network.theta, *network.encode(small)).logits
    return logits.flatten(1).T.contiguous()


def run_episode(
    network: Segmenter,
    encoded: EncodedPhoto,
    settings: Settings,
    reference: Reference | None = None,
) -> Iterator[Step]:
    """Yield the states of `optimise` with maps and metrics at the photo's resolution.

    Closing the generator early is safe; what it yielded stays valid.

    Arguments:
        network: The network, in eval mode; never written to.
        encoded: What `encode_photo` made of photo and reference at `settings.scale`.
        settings: The episode's settings.
        reference: The labels that `encoded` was made with.
    """
    first: np.ndarray | None = None
    for state in optimise(network, encoded, settings):
        labels = photo_labels(state.logits, encoded)
        first = labels if first is None else first
        iou = accuracy = agreement = None
        if reference is not None:
            matrix = metrics.confusion(reference.labels, labels, network.architecture.classes)
            if reference.kind == "truth":
                iou, accuracy = metrics.mean_iou(matrix), metrics.accuracy(matrix)
            else:
                agreement = metrics.accuracy(matrix)
        yield Step(
            step=state.step,
            loss=state.loss,
            entropy=state.entropy.mean().item(),
            selected=state.selected.float().mean().item(),
            sigma=state.sigma.mean().item() * network.architecture.stride,
            iou=iou,
            accuracy=accuracy,
            agreement=agreement,
            changed=float(np.mean(labels != first)),
            distance=state.distance,
            ms=state.ms,
            labels=labels,
            entropy_map=state.entropy.float().cpu().numpy(),
            sigma_map=state.sigma.float().cpu().numpy(),
            selected_map=state.selected.cpu().numpy(),
            log_probability_map=state.log_probabilities.float().cpu().numpy(),
        )


@torch.no_grad()
def photo_labels(logits: Tensor, encoded: EncodedPhoto) -> np.ndarray:
    """Return the labels at the photo's resolution, (H, W) uint8: bilinear logits, then argmax."""
    return resampled_argmax(logits, encoded.rows, encoded.columns).cpu().numpy()


def prediction_at_1x(network: Segmenter, photo: np.ndarray) -> Reference:
    """Return the feedforward prediction at scale 1, to stand in where there is no truth."""
    encoded = encode_photo(network, photo, 1.0)
    state = next(optimise(network, encoded, Settings(scale=1.0, steps=0)))
    return Reference(photo_labels(state.logits, encoded).astype(np.int64), "1x prediction")


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)

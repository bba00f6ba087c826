"""A step of an episode as one function of tensors, from parameters to quantised maps.

Its work does not depend on the values that it computes, and it never waits for the device, so that
a GPU can replay it as a captured graph.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..network.dynamic import Segmenter
from ..network.interface import Prediction
from ..network.resampling import ArgmaxResampler
from . import losses
from .fast_gradient import DifferentiablePixels
from .objectives import OBJECTIVES
from .optimisation import check_method, half_size_logits, make_optimiser
from .parameters import ADAPTED, HeadParameters
from .photo_views import NO_SCORES, PhotoViews
from .pixelwise import Pixels
from .quantised import Quantised, map_ranges, quantise
from .settings import Settings
from .step import QuantisedStep

__all__ = ["DeviceStep", "PackedLayout", "runs_on_device"]

COMPUTED = ("loss", "entropy", "selected", "sigma", "distance", "changed")
"""The numbers of a step that are computed on the device, in their order."""


def runs_on_device(views: PhotoViews, settings: Settings) -> bool:
    """Return whether `DeviceStep` covers an episode.

    It covers updates of theta_score and theta_scale on the single view at s, whose number is known
    beforehand.
    """
    s, info = settings, settings.info
    plain = info.views == "single" and not info.combination and not s.joins
    counted = not s.stop and not s.tolerance and not info.radius and not info.reset
    dynamic = isinstance(views.network, Segmenter) and s.variables in ADAPTED
    return plain and counted and dynamic and s.steps > 0


class PackedLayout(NamedTuple):
    """Where the numbers and maps of a step lie in one vector of bytes."""

    photo: tuple[int, int]  # (H, W)
    grid: tuple[int, int]  # (h, w)
    classes: int
    compared: bool  # whether there is a confusion matrix

    def pack(self, numbers: Tensor, matrix: Tensor | None, maps: list[Tensor]) -> Tensor:
        """Return all of it as bytes, with a single copy of each."""
        floats = numbers if matrix is None else torch.cat((numbers, matrix))
        return torch.cat((floats.view(torch.uint8), *(codes.flatten() for codes in maps)))

    def unpack(
        self, packed: np.ndarray
    ) -> tuple[dict[str, float], np.ndarray | None, Iterator[np.ndarray]]:
        """Return numbers, confusion matrix and maps as views of the bytes."""
        count = len(COMPUTED) + self.compared * self.classes**2
        floats = packed[: 4 * count].view(np.float32)
        numbers = dict(zip(COMPUTED, floats[: len(COMPUTED)].tolist(), strict=True))
        matrix = None
        if self.compared:
            square = floats[len(COMPUTED) :].reshape(self.classes, self.classes)
            matrix = square.astype(np.int64)
        shapes = (self.photo, *[self.grid] * 3, (self.classes, *self.grid))
        sizes = [int(np.prod(shape)) for shape in shapes]
        parts = np.split(packed[4 * count :], np.cumsum(sizes)[:-1])
        return numbers, matrix, (p.reshape(s) for p, s in zip(parts, shapes, strict=True))


class DeviceStep:
    """The steps of one episode, each of them one call.

    Every call predicts with the parameters as they are, packs what a step shows, and updates the
    parameters. The first call fixes what later ones read: labels of step 0 and class marginal.

    Arguments:
        views: The views of the photo; the single view is encoded.
        settings: Settings that `runs_on_device` accepts.

    Raises:
        InputError: If the method needs truth, and there is none.
    """

    def __init__(self, views: PhotoViews, settings: Settings) -> None:
        check_method(views, settings)
        network = views.network
        assert isinstance(network, Segmenter) and settings.objective is not None
        self.views, self.settings, self.network = views, settings, network
        self.objective = OBJECTIVES[settings.objective]
        self.view = views.encoded(settings.scale)
        self.head = HeadParameters(
            network, self.view.encoding, settings.variables, settings.centred
        )
        on_gpu = network.device.type == "cuda"
        options = {"capturable": True} if on_gpu and settings.optimiser == "adam" else {}
        self.optimiser = make_optimiser(
            self.head.parameters(),
            settings.optimiser,
            settings.learning_rate,
            settings.momentum,
            self.objective.direction == -1,
            fused=True,
            **options,
        )
        height, width = self.view.encoding.F.shape[-2:]
        rows, columns = views.positions(self.view.axes)
        self.positions = rows.cpu().numpy(), columns.cpu().numpy()
        self.resampler = ArgmaxResampler(height, width, rows, columns)
        self.target = views.target(self.view.axes, (height, width))
        self.ranges = map_ranges(network)
        photo = views.photo.shape[:2]
        self.layout = PackedLayout(
            (photo[0], photo[1]), (height, width), network.classes, views.reference is not None
        )
        self.truth_offset: Tensor | None = None  # (H, W) K times the label; negative = ignore
        if views.reference is not None:
            truth = torch.from_numpy(views.reference.labels.astype(np.float32))
            truth = truth.to(network.device)
            ignored = truth >= network.classes
            self.truth_offset = (truth * network.classes + 0.5).masked_fill(ignored, -1e9)
        self.class_prior: Tensor | None = None
        self.first_labels: Tensor | None = None

    @torch.enable_grad()
    def __call__(self) -> Tensor:
        """Return the next step's numbers and maps, packed as `layout` says, (bytes,) uint8."""
        head = self.head
        distance = head.squared_distance().sqrt()
        prediction = head.predict()
        rows = prediction.logits.flatten(1).T
        pixels = DifferentiablePixels(rows, self.target, self.class_prior, sparse=False)
        if self.class_prior is None:
            if self.objective.two_scales:
                cache = self.view.cache
                if "half" not in cache:
                    cache["half"] = half_size_logits(self.network, self.view.x)
                pixels.class_prior = losses.two_scale_prior(pixels, Pixels(cache["half"]))
            self.class_prior = pixels.class_prior
        loss = self.objective.loss(pixels)
        packed = self._pack(prediction, pixels.plain, loss.detach(), distance)
        head.backward(pixels.gradient(loss))
        self.optimiser.step()
        return packed

    @torch.no_grad()
    def _pack(
        self, prediction: Prediction, pixels: Pixels, loss: Tensor, distance: Tensor
    ) -> Tensor:
        labels = self.resampler(prediction.logits)
        if self.first_labels is None:
            self.first_labels = labels
        assert prediction.sigma is not None
        sigma = prediction.sigma * self.network.stride
        selected = pixels.selected()
        changed = (labels != self.first_labels).float().mean()
        numbers = torch.stack(
            (
                loss.float(),
                pixels.entropy.mean(),
                selected.float().mean(),
                sigma.mean(),
                distance,
                changed,
            )
        )
        matrix = None
        if self.truth_offset is not None:
            count = self.network.classes**2
            # Half a bin from the edges; ignored pixels lie outside, where they are not counted.
            pairs = (self.truth_offset + labels).flatten()
            matrix = torch.histc(pairs, bins=count, min=0, max=count)
        maps = [
            labels,
            selected.byte(),
            quantise(pixels.entropy, *self.ranges["entropy"]),
            quantise(sigma, *self.ranges["sigma"]),
            quantise(pixels.log_probabilities, *self.ranges["log_probabilities"]).T,
        ]
        return self.layout.pack(numbers, matrix, maps)

    def step(self, index: int, packed: np.ndarray, ms: float) -> QuantisedStep:
        """Return a step from its bytes, which it keeps.

        Arguments:
            index: Its number t.
            packed: What a call returned, on the host.
            ms: The milliseconds that it took.
        """
        numbers, matrix, maps = self.layout.unpack(packed)
        labels, selected, entropy, sigma, log_probabilities = maps
        scores, reference = NO_SCORES, self.views.reference
        if matrix is not None and reference is not None:
            scores = reference.scores(matrix)
        codes = {"entropy": entropy, "sigma": sigma, "log_probabilities": log_probabilities}
        return QuantisedStep(
            step=index,
            **numbers,
            iou=scores.iou,
            accuracy=scores.accuracy,
            agreement=scores.agreement,
            ms=ms,
            labels=labels,
            positions=self.positions,
            selected_map=selected.view(bool),
            codes={name: Quantised(values, *self.ranges[name]) for name, values in codes.items()},
            stride=self.network.stride,
        )

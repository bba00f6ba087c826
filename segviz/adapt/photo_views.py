"""The views of one photo, each encoded once for all methods that read it."""

import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .. import metrics
from ..errors import InputError
from ..network.engines.encoders import PLAIN, PhotoEncoder, encoder_of
from ..network.interface import Network, Prediction
from ..network.resampling import Lattice, resize_photo
from ..network.tiled import TiledNetwork
from .encoding_cache import EncodingCache
from .gate import Gate
from .normalisation import copy_network, predict_normalised
from .settings import Settings
from .views import views_of

__all__ = ["NO_SCORES", "EncodedView", "PhotoViews", "PredictedView", "Reference", "Scores"]


class Scores(NamedTuple):
    """How well a prediction fits a reference, 0..1; None for what the reference does not tell.

    Arguments:
        iou: Per-image IoU against the truth.
        accuracy: Pixel accuracy against the truth.
        agreement: Fraction of pixels that equal the 1x prediction.
    """

    iou: float | None
    accuracy: float | None
    agreement: float | None


NO_SCORES = Scores(None, None, None)
"""The scores without a reference."""


@dataclass(frozen=True)
class Reference:
    """Labels that predictions are compared with.

    Arguments:
        labels: Shape (H, W), integer, the photo's own resolution, 255 = ignore.
        kind: "truth", or "1x prediction" for the feedforward prediction at scale 1 in its place.
    """

    labels: np.ndarray
    kind: Literal["truth", "1x prediction"] = "truth"

    def scores(self, matrix: np.ndarray) -> Scores:
        """Return the scores of a prediction, by its confusion matrix (K, K) with the labels."""
        if self.kind == "truth":
            return Scores(metrics.mean_iou(matrix), metrics.accuracy(matrix), None)
        return Scores(None, None, metrics.accuracy(matrix))


class Axis(NamedTuple):
    """One axis of a view: its lattice, and the input that the lattice lies on."""

    lattice: Lattice
    source: int  # the size of the input, in pixels
    mirrored: bool = False

    def of_photo(self, length: int, device: torch.device) -> Tensor:
        """Return the positions, in feature pixels, of the photo's pixels, shape (length,)."""
        positions = self.lattice.to_features(length, self.source, device)
        return positions.flip(0) if self.mirrored else positions

    def nearest(self, count: int, length: int) -> Tensor:
        """Return the photo's pixel nearest to each of `count` features, shape (count,), int64."""
        pixels = self.lattice.to_photo(count, length, self.source)
        return length - 1 - pixels if self.mirrored else pixels

    def of_features(self, other: "Axis", count: int, device: torch.device) -> Tensor:
        """Return the positions, in feature pixels, of another view's features, shape (count,)."""
        features = torch.arange(count, device=device, dtype=torch.float32)
        share = (features * other.lattice.stride + other.lattice.offset + 0.5) / other.source
        if self.mirrored != other.mirrored:
            share = 1 - share
        return (share * self.source - 0.5 - self.lattice.offset) / self.lattice.stride


class EncodedView(NamedTuple):
    """One view of a photo after the frozen part of the network."""

    x: Tensor  # (1, 3, sH, sW) normalised input
    encoding: Any  # what the network's `encode` returned
    axes: tuple[Axis, Axis]  # of rows and columns
    forward_ms: float  # from the resized input to the encoding
    cache: dict[str, Tensor]  # what an objective computes once for all runs on the photo


class PredictedView(NamedTuple):
    """The feedforward prediction for one view."""

    prediction: Prediction
    axes: tuple[Axis, Axis]
    forward_ms: float


class PhotoViews:
    """The views of one photo: each is encoded when it is first read, and then kept.

    Arguments:
        network: The network, in eval mode; never written to.
        photo: Shape (H, W, 3), uint8.
        reference: Labels at the photo's resolution, if any.
        precision: float32, or bfloat16 for the frozen part.
        gate: What weighs the sizes of a photo, if the network has a gate.
        encoder: What runs the frozen part; None = the engine that the network was prepared for. In
            tiles, PyTorch runs it.
        encodings: Where views are kept for other runs, too; None = nowhere.
        source: Names network, tile and photo in `encodings`.

    Raises:
        InputError: If the labels do not fit the photo.
    """

    def __init__(
        self,
        network: Network,
        photo: np.ndarray,
        reference: Reference | None = None,
        precision: str = "float32",
        gate: Gate | None = None,
        encoder: PhotoEncoder | None = None,
        encodings: EncodingCache | None = None,
        source: Hashable = None,
    ) -> None:
        height, width = photo.shape[:2]
        if reference is not None and reference.labels.shape != (height, width):
            raise InputError(
                f"the mask is {reference.labels.shape[1]} x {reference.labels.shape[0]} pixels, but"
                f" the photo is {width} x {height}; give a mask of the photo's size."
            )
        self.network = network
        self.photo = photo
        self.reference = reference
        self.precision = precision
        self.gate = gate
        # Engines are prepared for whole inputs.
        tiles = isinstance(network, TiledNetwork)
        self.encoder = PLAIN if tiles else encoder or encoder_of(network)
        self._shared, self._source = encodings, source
        self._encoded: dict[tuple[float, bool], EncodedView] = {}
        self._predicted: dict[tuple[float, bool, float], PredictedView] = {}

    def encoded(self, scale: float, mirrored: bool = False) -> EncodedView:
        """Return a view of the photo at a scale, encoded; keep it."""
        key = scale, mirrored
        if key not in self._encoded:
            self._encoded[key] = self._encode(scale, mirrored)
        return self._encoded[key]

    @torch.no_grad()
    def predicted(
        self, scale: float, mirrored: bool = False, keep: bool = False, alpha: float = 0.0
    ) -> PredictedView:
        """Return the feedforward prediction for a view.

        Arguments:
            scale: The resize factor of the photo.
            mirrored: Whether left and right are exchanged.
            keep: Whether to keep the encoding, too, for updates to come.
            alpha: The weight of the image's own normalisation statistics, 0..1.
        """
        key = scale, mirrored, alpha
        if key not in self._predicted:
            if alpha > 0:
                axes = self.predicted(scale, mirrored, keep).axes
                found = self._predict_normalised(scale, mirrored, alpha)
                self._predicted[key] = PredictedView(found[0], axes, found[1])
            else:
                encode = self.encoded if keep else self._encode
                view = self._encoded.get(key[:2]) or encode(scale, mirrored)
                prediction = self.network.predict(view.encoding)
                self._predicted[key] = PredictedView(prediction, view.axes, view.forward_ms)
        return self._predicted[key]

    def positions(self, axes: tuple[Axis, Axis]) -> tuple[Tensor, Tensor]:
        """Return where the photo's rows (H,) and columns (W,) lie on the features of a view."""
        (rows, columns), (height, width) = axes, self.photo.shape[:2]
        device = self.network.device
        return rows.of_photo(height, device), columns.of_photo(width, device)

    def target(self, axes: tuple[Axis, Axis], shape: tuple[int, ...]) -> Tensor | None:
        """Return the labels at the features of a view, shape (h w,), int64; None without any."""
        if self.reference is None:
            return None
        labels = torch.from_numpy(self.reference.labels.astype(np.int64))
        rows, columns = (
            axis.nearest(count, length)
            for axis, count, length in zip(axes, shape, labels.shape, strict=True)
        )
        return labels[rows][:, columns].flatten().to(self.network.device)

    def forward_ms(self, settings: Settings) -> float:
        """Return the milliseconds that the frozen passes of a method took, as far as made."""
        made = [
            self._predicted.get(key) or (None if key[2] else self._encoded.get(key[:2]))
            for key in self._keys(settings)
        ]
        return sum(view.forward_ms for view in made if view is not None)

    def has_read(self, settings: Settings) -> bool:
        """Return whether all frozen passes of a method have been made, and are kept."""
        encodings = settings.steps > 0 and settings.variables != "gate"
        made = {(*key, 0.0) for key in self._encoded}
        return made | (set() if encodings else self._predicted.keys()) >= set(self._keys(settings))

    def keep(self, scales: set[float]) -> None:
        """Let go of the encodings of all views but those at some scales."""
        self._encoded = {key: view for key, view in self._encoded.items() if key[0] in scales}

    def _keys(self, settings: Settings) -> list[tuple[float, bool, float]]:
        chosen = views_of(settings.info.views, settings.scale * max(self.photo.shape[:2]))
        return [(settings.scale * view.factor, view.mirrored, view.alpha) for view in chosen]

    @torch.no_grad()
    def _input(self, scale: float, mirrored: bool) -> Tensor:
        """Return the normalised input of a view, shape (1, 3, H, W)."""
        pixels = torch.tensor(np.ascontiguousarray(self.photo), device=self.network.device)
        x = self.network.normalise(resize_photo(pixels.permute(2, 0, 1), scale)[None])
        if mirrored:
            x = x.flip(-1)
        return x.contiguous(memory_format=torch.channels_last)

    def _predict_normalised(
        self, scale: float, mirrored: bool, alpha: float
    ) -> tuple[Prediction, float]:
        """Return the prediction with statistics of the image, and the milliseconds it took."""
        x, copied = self._input(scale, mirrored), copy_network(self.network, alpha)
        start = time.perf_counter()
        prediction = predict_normalised(copied, x)
        synchronise(self.network.device)
        return prediction, 1e3 * (time.perf_counter() - start)

    def _encode(self, scale: float, mirrored: bool) -> EncodedView:
        if self._shared is None:
            return self._encode_anew(scale, mirrored)
        key = self._source, scale, mirrored, self.encoder.name, self.precision
        found = self._shared.find(key)
        if found is None:
            found = self._encode_anew(scale, mirrored)
            self._shared.add(key, found)
        return found._replace(cache={})  # which may depend on the truth

    @torch.no_grad()
    def _encode_anew(self, scale: float, mirrored: bool) -> EncodedView:
        network, device = self.network, self.network.device
        x = self._input(scale, mirrored)
        synchronise(device)
        start = time.perf_counter()
        encoding = self.encoder.encode(network, x, self.precision)
        synchronise(device)
        forward_ms = 1e3 * (time.perf_counter() - start)

        lattices = network.lattices(encoding, *x.shape[-2:])
        axes = Axis(lattices[0], x.shape[-2]), Axis(lattices[1], x.shape[-1], mirrored)
        return EncodedView(x, encoding, axes, forward_ms, {})


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)

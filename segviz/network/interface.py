"""What an episode needs of a network; the dynamic network and wrapped modules provide it."""

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from .resampling import Lattice

__all__ = ["Network", "Prediction"]


class Prediction(NamedTuple):
    """The prediction for one input, on the network's own grid of pixels."""

    logits: Tensor  # (K, h, w), float32
    sigma: Tensor | None  # (h, w), in feature pixels; None without a dynamic receptive field


class Network(Protocol):
    """A segmentation network that is frozen, shared by many episodes, and never written to.

    An episode encodes each view of a photo once, then predicts from the encoding with its own
    copies of a group of parameters (`adapt.parameters`).
    """

    @property
    def classes(self) -> int:
        """The number of classes K, at most 255."""

    @property
    def stride(self) -> float:
        """The distance between two pixels of a prediction, in input pixels."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of parameters that it has, of `score`, `scale`, `norm` and `all`."""

    @property
    def max_sigma(self) -> float | None:
        """The largest sigma, in feature pixels; None without a dynamic receptive field."""

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""

    def parts(self) -> tuple[nn.Module, ...]:
        """Return the modules that hold its tensors."""

    def normalise(self, photo: Tensor) -> Tensor:
        """Return the network input (B, 3, H, W) for photos (B, 3, H, W) in 0..255."""

    def encode(self, x: Tensor) -> Any:  # noqa: ANN401
        """Run what an episode does not adapt on one input.

        Arguments:
            x: Normalised input of any size, shape (1, 3, H, W), float32.

        Returns:
            A tuple of tensors, or of whatever else the network's own `predict` takes.
        """

    def predict(self, encoding: Any) -> Prediction:  # noqa: ANN401
        """Return the prediction of the trained parameters from an encoding."""

    def predict_end_to_end(self, x: Tensor) -> Prediction:
        """Return the prediction for one input (1, 3, H, W), differentiable in all parameters."""

    def lattices(self, encoding: Any, height: int, width: int) -> tuple[Lattice, Lattice]:  # noqa: ANN401
        """Return where the rows and the columns of a prediction lie on the input.

        Arguments:
            encoding: What `encode` returned.
            height: The height of that input, in pixels.
            width: Its width.
        """

"""Parameters that several predictions share, such as those of views and of tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..network.interface import Prediction
from ..network.tiled import TiledEncoding
from .fast_gradient import LogitGradient

if TYPE_CHECKING:  # which makes these of tiles
    from .parameters import AdaptedParameters

__all__ = ["TiledParameters", "sum_of_gradients"]


class TiledParameters:
    """The parameters of a network that reads a view in tiles.

    Arguments:
        encoding: The tiles.
        heads: For each tile the parameters with its encoding; all share their copies.
        repeats: Whether each gradient repeats its tile's prediction, so that only one of them is
            held in memory for it.
    """

    def __init__(
        self, encoding: TiledEncoding, heads: Sequence[AdaptedParameters], repeats: bool
    ) -> None:
        self.encoding = encoding
        self.heads = heads
        self.repeats = repeats
        self.logits: list[Tensor] = []  # of each tile, of the last prediction

    def parameters(self) -> list[Tensor]:
        """Return the copies that an optimiser may change."""
        return self.heads[0].parameters()

    def predict(self) -> Prediction:
        """Return the blended prediction with the parameters as they are, detached."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.repeats):
            found = [head.predict() for head in self.heads]
        self.logits = [prediction.logits for prediction in found]
        return self.encoding.predict(found)

    def backward(self, gradient: LogitGradient) -> None:
        """Set the gradients of the parameters from that at the logits of the last prediction."""
        rows = gradient.dense(self.encoding.shape[0] * self.encoding.shape[1])
        maps = rows.T.unflatten(1, self.encoding.shape)
        total: list[Tensor] | None = None
        for tile, head, logits in zip(self.encoding.tiles, self.heads, self.logits, strict=True):
            leaf = logits.detach().requires_grad_()
            with torch.enable_grad():
                (own,) = torch.autograd.grad(tile.weighted(leaf), leaf, tile.part(maps))
                if self.repeats:
                    head.predict()
            head.backward(LogitGradient(own.flatten(1).T.contiguous(), None))
            total = add_gradients(total, self.parameters())
        set_gradients(self.parameters(), total)

    def distance(self) -> float:
        """Return the Euclidean distance of the parameters from the trained ones."""
        return self.heads[0].distance()


def sum_of_gradients(
    heads: Sequence[AdaptedParameters], gradients: Sequence[LogitGradient]
) -> None:
    """Set the gradients of parameters that heads share to the sum over the heads.

    Arguments:
        heads: The heads of several views, with one set of parameters.
        gradients: The gradients at the logits of the first of them; the others have none.
    """
    total: list[Tensor] | None = None
    for head, gradient in zip(heads, gradients, strict=False):
        head.backward(gradient)
        total = add_gradients(total, heads[0].parameters())
    set_gradients(heads[0].parameters(), total)


def add_gradients(total: list[Tensor] | None, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return a total with the gradients of parameters added, zero where there is none."""
    found = [torch.zeros_like(each) if each.grad is None else each.grad for each in parameters]
    return found if total is None else [a + b for a, b in zip(total, found, strict=True)]


def set_gradients(parameters: Sequence[Tensor], total: list[Tensor] | None) -> None:
    """Set the gradients of parameters; None = leave them."""
    for parameter, value in zip(parameters, total or (), strict=True):
        parameter.grad = value

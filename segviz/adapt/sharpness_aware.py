"""SAR's sharpness-aware update, and its return to the trained parameters."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

__all__ = ["ResetRule", "ascended"]

DECAY = 0.9
"""How much of the running mean of the loss a step keeps."""


@contextmanager
@torch.no_grad()
def ascended(parameters: Sequence[Tensor], radius: float) -> Iterator[None]:
    r"""Move parameters along their gradients inside the block, and back to the bit after it.

    .. math:: \theta + \rho \, g / \|g\|

    Arguments:
        parameters: Parameters with gradients.
        radius: The distance :math:`\rho`.

    Source:
        Foret et al. 2021, https://arxiv.org/abs/2010.01412.
    """
    moved = [parameter for parameter in parameters if parameter.grad is not None]
    before = [parameter.detach().clone() for parameter in moved]
    squares = [parameter.grad.square().sum() for parameter in moved if parameter.grad is not None]
    length = torch.stack(squares).sum().sqrt() if squares else torch.zeros(())
    for parameter in moved:
        assert parameter.grad is not None
        parameter.add_(parameter.grad * (radius / (length + 1e-12)))
    try:
        yield
    finally:
        for parameter, value in zip(moved, before, strict=True):
            parameter.copy_(value)


class ResetRule:
    r"""Return to the trained parameters once the running mean of the loss falls below a threshold.

    .. math:: m \leftarrow 0.9 \, m + 0.1 \, \ell, \qquad \text{reset if } m < r \ln K

    Arguments:
        parameters: The parameters, as trained.
        threshold: :math:`r`, as a fraction of the largest entropy.
        classes: The number of classes K.
    """

    def __init__(self, parameters: Sequence[Tensor], threshold: float, classes: int) -> None:
        self.parameters = parameters
        self.trained = [parameter.detach().clone() for parameter in parameters]
        self.least = threshold * math.log(classes)
        self.mean: float | None = None

    @torch.no_grad()
    def apply(self, loss: float) -> bool:
        """Take note of a loss; return whether the parameters were reset."""
        self.mean = loss if self.mean is None else DECAY * self.mean + (1 - DECAY) * loss
        if not self.mean < self.least:
            return False
        for parameter, value in zip(self.parameters, self.trained, strict=True):
            parameter.copy_(value)
        self.mean = None
        return True

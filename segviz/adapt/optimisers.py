"""The optimisers of an episode, and the update rule of SAR."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

__all__ = ["OPTIMISERS", "ResetRule", "ascended", "make_optimiser"]

DECAY = 0.9
"""How much of the running mean of the loss a step keeps."""

OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
}


def make_optimiser(
    parameters: Sequence[Tensor],
    name: str,
    rate: float,
    momentum: float,
    maximise: bool,
    **options: bool,
) -> torch.optim.Optimizer:
    """Return an optimiser without weight decay.

    Arguments:
        parameters: What it changes; nothing at all is allowed.
        name: A name in `OPTIMISERS`.
        rate: The learning rate.
        momentum: Of `sgd`; others have none.
        maximise: Whether the loss is to grow.
        options: Of the implementation, such as `fused`.
    """
    extra = {"momentum": momentum} if name == "sgd" else {}
    given = list(parameters) or [torch.zeros(0)]
    return OPTIMISERS[name](given, lr=rate, maximize=maximise, **extra, **options)


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

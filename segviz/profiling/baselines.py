"""Baselines: what a user would run instead of segviz.

Those that adapt descend the paper's objective with Adam, as `segviz.adapt` does, and reach the same
theta where they adapt theta: only the way there differs.
"""

import copy
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..adapt.losses import thresholded_entropy
from ..adapt.pixelwise import Pixels
from ..network.dynamic import Segmenter

__all__ = [
    "backbone_and_classifier",
    "batch_norm_parameters",
    "full_backpropagation",
    "head_backpropagation",
]

LEARNING_RATE = 1e-3


def full_backpropagation(
    network: Segmenter, x: Tensor, parameters: str, frozen: bool = False
) -> Iterator[Tensor]:
    """Adapt as most code does: forward and backward through the whole network at every step.

    Batch norms keep their trained statistics.

    Arguments:
        network: The network in eval mode; never written to.
        x: The network input (1, 3, H, W).
        parameters: "theta", or "norm" for the weights and biases of the backbone's batch norms, as
            in Tent (https://arxiv.org/abs/2006.10726).
        frozen: Whether gradients of all other parameters are turned off.

    Yields:
        Logits (N, K) before each update, without end.
    """
    own = copy.deepcopy(network).requires_grad_(not frozen)
    adapted = (
        list(own.trainable_theta())
        if parameters == "theta"
        else batch_norm_parameters(own.backbone)
    )
    for parameter in adapted:
        parameter.requires_grad_()
    return _descend(lambda: own(x)[0], adapted)


def head_backpropagation(network: Segmenter, F: Tensor) -> Iterator[Tensor]:
    """Adapt theta by autograd from the features on: blur and filter anew at every step.

    Arguments:
        network: The network in eval mode; never written to.
        F: Features (1, C, h, w).

    Yields:
        Logits (N, K) before each update, without end.
    """
    own = copy.deepcopy(network).requires_grad_(False)
    theta = list(own.trainable_theta())
    for parameter in theta:
        parameter.requires_grad_()
    return _descend(lambda: own.from_features(F)[0], theta)


def batch_norm_parameters(module: nn.Module) -> list[Tensor]:
    """Return the weights and biases of all affine batch norms of a module."""
    norms = (part for part in module.modules() if isinstance(part, nn.BatchNorm2d) and part.affine)
    return [value for norm in norms for value in (norm.weight, norm.bias)]


def _descend(forward: Callable[[], Tensor], parameters: Sequence[Tensor]) -> Iterator[Tensor]:
    optimiser = torch.optim.Adam(parameters, LEARNING_RATE)
    while True:
        logits = forward().flatten(1).T
        yield logits.detach()
        optimiser.zero_grad()
        thresholded_entropy(Pixels(logits)).backward()
        optimiser.step()


@torch.no_grad()
def backbone_and_classifier(network: Segmenter, x: Tensor) -> Tensor:
    """Predict without the dynamic receptive field: a linear classifier on the features.

    With pooled context on the coarsest map, this is the light DeepLabv3 head.

    Arguments:
        network: A frozen network in eval mode.
        x: The network input (1, 3, H, W).

    Returns:
        Logits (1, K, h, w).
    """
    F = network.cropped(network.aggregation(network.pyramid(x, network.fast_backbone)), x)
    return functional.conv2d(F, network.score_weight[..., None, None], network.score_bias)

"""What a user would run instead: other ways to the same update, and other answers to scale.

All adapt by the paper's objective with Adam, as `optimise` does, and give the same updates of
theta where they adapt theta: only the way there differs.
"""

import copy
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ..adapt.episode import prepare
from ..adapt.objectives import thresholded_entropy
from ..adapt.pixelwise import Pixels
from ..network.dynamic import Segmenter
from ..network.grid import resample

__all__ = ["RATIOS", "backbone_and_classifier", "multi_scale", "partial", "whole"]

RATIOS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
"""The sizes of test-time augmentation that are usual in segmentation, each plain and mirrored."""

RATE = 1e-3


def whole(network: Segmenter, x: Tensor, adapted: str, frozen: bool = False) -> Iterator[Tensor]:
    """Test-time training as most code does it: forward and backward through all, at every step.

    Batch norms keep their trained statistics.

    Arguments:
        network: The network, in eval mode; never written to.
        x: The network input, shape (1, 3, H, W).
        adapted: "theta", or "norm" for the weights and biases of the batch norms of the backbone
            (as in Tent, https://arxiv.org/abs/2006.10726).
        frozen: Whether all other parameters are known not to need gradients.

    Returns:
        Logits, shape (N, K), before each update; there is no end to them.
    """
    own = copy.deepcopy(network).requires_grad_(not frozen)
    chosen = list(own.trainable_theta()) if adapted == "theta" else _norms(own.backbone)
    for parameter in chosen:
        parameter.requires_grad_()
    return _descend(lambda: own(x)[0], chosen)


def partial(network: Segmenter, F: Tensor) -> Iterator[Tensor]:
    """From the features on, by automatic differentiation: blur and filter anew at every step.

    Arguments:
        network: The network, in eval mode; never written to.
        F: Features, shape (1, C, h, w).

    Returns:
        Logits, shape (N, K), before each update; there is no end to them.
    """
    own = copy.deepcopy(network).requires_grad_(False)
    theta = list(own.trainable_theta())
    for parameter in theta:
        parameter.requires_grad_()
    return _descend(lambda: own.from_features(F)[0], theta)


def _descend(forward: Callable[[], Tensor], parameters: Sequence[Tensor]) -> Iterator[Tensor]:
    optimiser = torch.optim.Adam(parameters, RATE)
    while True:
        logits = forward().flatten(1).T
        yield logits.detach()
        optimiser.zero_grad()
        thresholded_entropy(Pixels(logits)).backward()
        optimiser.step()


def _norms(module: nn.Module) -> list[Tensor]:
    norms = (part for part in module.modules() if isinstance(part, nn.BatchNorm2d) and part.affine)
    return [value for norm in norms for value in (norm.weight, norm.bias)]


@torch.no_grad()
def multi_scale(
    network: Segmenter, photo: np.ndarray, scale: float, ratios: Sequence[float] = RATIOS
) -> np.ndarray:
    """The mean prediction over several sizes of the input, each plain and mirrored.

    Arguments:
        network: The network, in eval mode.
        photo: Shape (H, W, 3), uint8.
        scale: The scale that the ratios are of.
        ratios: The sizes.

    Returns:
        Labels, shape (H, W), uint8.

    Raises:
        InputError: If the largest is too large.
    """
    total: Tensor | None = None
    for ratio in ratios:
        for mirrored in (False, True):
            prepared = prepare(network, photo[:, ::-1] if mirrored else photo, scale * ratio)
            logits = network.head(network.theta, *prepared.encoding).logits
            odds = resample(logits, prepared.rows, prepared.columns).softmax(0)
            odds = odds.flip(2) if mirrored else odds
            total = odds if total is None else total.add_(odds)
    assert total is not None, "no ratios"
    return total.argmax(0).byte().cpu().numpy()


@torch.no_grad()
def backbone_and_classifier(network: Segmenter, x: Tensor) -> Tensor:
    """A forward pass without the dynamic receptive field: features, and a classifier on them.

    With pooled context on the coarsest map this is the light DeepLabv3 head.

    Arguments:
        network: A frozen network, in eval mode.
        x: The network input, shape (1, 3, H, W).

    Returns:
        Logits, shape (1, K, h, w).
    """
    F = network.cropped(network.aggregation(network.pyramid(x, network.fast_backbone)), x)
    return functional.conv2d(F, network.score_weight[..., None, None], network.score_bias)

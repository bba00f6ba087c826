"""What training updates, and how fast each part of it."""

from typing import Any

import torch
from torch import nn

from ..network.dynamic import Segmenter
from .recipe import Recipe

__all__ = ["optimiser"]


def optimiser(
    network: Segmenter, recipe: Recipe, others: nn.Module | None = None
) -> torch.optim.SGD:
    """SGD over a network: new layers, theta_scale and backbone each at a rate of its own.

    Arguments:
        network: The network. Its backbone and context stop to require gradients where the recipe
            freezes them.
        recipe: The rates; each group has its factor on the learning rate as `factor`.
        others: A module that learns along at the rate of the new layers, or None.
    """
    old = [network.backbone] + ([network.context] if network.context is not None else [])
    old_parameters = [p for module in old for p in module.parameters()]
    scale = [network.scale_weight, network.scale_bias]
    known = {id(p) for p in old_parameters + scale}
    new = [p for p in network.parameters() if id(p) not in known]
    if others is not None:
        new += others.parameters()
    groups: list[dict[str, Any]] = [
        {"params": new, "factor": 1.0},
        {"params": scale, "factor": recipe.scale_rate},
    ]
    if recipe.backbone_rate > 0:
        groups.append({"params": old_parameters, "factor": recipe.backbone_rate})
    else:
        for parameter in old_parameters:
            parameter.requires_grad_(False)
    return torch.optim.SGD(
        groups,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )

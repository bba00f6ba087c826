"""The optimiser of a training run and the schedule of its learning rate."""

from typing import Any

import torch
from torch import nn

from ..network.dynamic import Segmenter
from .recipe import Recipe

__all__ = ["build_optimiser", "rate_factor"]


def build_optimiser(
    network: Segmenter, recipe: Recipe, extra: nn.Module | None = None
) -> torch.optim.SGD:
    """Return SGD with parameter groups for new layers, theta_scale and the backbone.

    Each group has its factor on the learning rate as `factor`. Backbone and context share the third
    group; if the recipe freezes them, there is none and their gradients are turned off.

    Arguments:
        network: The network to train.
        recipe: Its hyperparameters.
        extra: A module trained along with the new layers, or None.
    """
    pretrained = [module for module in (network.backbone, network.context) if module is not None]
    pretrained_parameters = [p for module in pretrained for p in module.parameters()]
    scale_parameters = [network.scale_weight, network.scale_bias]
    grouped = {id(p) for p in pretrained_parameters + scale_parameters}
    new_parameters = [p for p in network.parameters() if id(p) not in grouped]
    if extra is not None:
        new_parameters += extra.parameters()
    groups: list[dict[str, Any]] = [
        {"params": new_parameters, "factor": 1.0},
        {"params": scale_parameters, "factor": recipe.scale_rate},
    ]
    if recipe.backbone_rate > 0:
        groups.append({"params": pretrained_parameters, "factor": recipe.backbone_rate})
    else:
        for parameter in pretrained_parameters:
            parameter.requires_grad_(False)
    return torch.optim.SGD(
        groups,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )


def rate_factor(recipe: Recipe, iteration: int, iterations: int, time_used: float = 0.0) -> float:
    r"""Return the factor on the learning rate: linear warm-up times polynomial decay.

    .. math:: \min(1, (i + 1) / w) \, (1 - \max(i / n, t))^{0.9}

    Arguments:
        recipe: The hyperparameters; w is its `warmup`, in updates.
        iteration: i, the updates made so far.
        iterations: n, the updates planned.
        time_used: t, the fraction of the time limit used, at least 0.

    Source:
        Liu, Rabinovich, Berg 2016, ParseNet (https://arxiv.org/abs/1506.04579), "poly".
    """
    decay = (1 - min(1.0, max(iteration / iterations, time_used))) ** 0.9
    return decay * min(1.0, (iteration + 1) / max(1, recipe.warmup))

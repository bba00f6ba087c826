r"""Normalisation layers: their affine parameters, and batch norms that use the image's statistics.

With :math:`\mu_0, v_0` the running mean and variance of a channel, :math:`\mu_x, v_x` those of the
image at that layer, a batch norm normalises by

.. math:: \mu = \alpha \mu_x + (1 - \alpha) \mu_0, \qquad v = \alpha v_x + (1 - \alpha) v_0

Norms that see one position a channel, such as those behind a pooled 1x1 map, have no statistics of
the image: they are left alone.

Source:
    Nado et al. 2020, https://arxiv.org/abs/2006.10963; Schneider et al. 2020,
    https://arxiv.org/abs/2006.16971.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn

from ..network.dynamic import Segmenter
from ..network.interface import Network, Prediction
from ..network.norm_layers import norm_layers
from ..network.tiled import TiledNetwork

__all__ = ["affine_parameters", "copy_network", "mixed_input", "predict_normalised"]

PROBE = (128, 256)
"""The size of the input that norms behind a pooled map are found with, in pixels."""


def copy_network(network: Network, alpha: float = 0.0) -> Network:
    """Return a copy of a network whose batch norms mix in the statistics of their input.

    Arguments:
        network: The network, in eval mode; not written to.
        alpha: The weight of the input's statistics, 0..1; 0 = those of training alone.
    """
    copied = copy.deepcopy(network)
    if alpha > 0:
        for _, module in norm_layers(copied.parts()[0]):
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.register_forward_pre_hook(
                    lambda norm, inputs: mixed_input(norm, inputs[0], alpha)
                )
    return copied


def predict_normalised(network: Network, x: Tensor) -> Prediction:
    """Return the prediction of a copy for one input (1, 3, H, W), differentiable in all parameters.

    Each norm sees each pixel once, as in training: of the dynamic network, the response at the
    pixel's own level. In tiles, the statistics are those of each tile.
    """
    if isinstance(network, TiledNetwork):
        inner = network.network
        return network.predict_by(lambda tile: predict_normalised(inner, tile), x)
    if isinstance(network, Segmenter):
        return network.predict_as_trained(x)
    return network.predict_end_to_end(x)


def mixed_input(norm: Any, x: Tensor, alpha: float) -> Tensor:  # noqa: ANN401
    r"""Return the input for which a batch norm of eval mode gives the output of mixed statistics.

    .. math:: (x - \mu) \sqrt{\frac{v_0 + \epsilon}{v + \epsilon}} + \mu_0

    Arguments:
        norm: The batch norm, with running statistics.
        x: Its input, shape (B, C, ...), differentiable.
        alpha: The weight of the input's statistics, 0..1.
    """
    if norm.running_mean is None or x.numel() == x.shape[0] * x.shape[1]:
        return x
    trained_mean, trained_variance = norm.running_mean, norm.running_var
    variance, mean = torch.var_mean(x, (0, *range(2, x.dim())), correction=0)
    mean = alpha * mean + (1 - alpha) * trained_mean
    variance = alpha * variance + (1 - alpha) * trained_variance
    scale = ((trained_variance + norm.eps) / (variance + norm.eps)).sqrt()
    shape = (1, -1, *(1,) * (x.dim() - 2))
    return x * scale.view(shape) + (trained_mean - mean * scale).view(shape)


@torch.no_grad()
def affine_parameters(network: Network) -> list[str]:
    """Return the names of weights and biases of all norms but those behind a pooled 1x1 map.

    Arguments:
        network: A copy that nobody else uses; it is run on a small input.
    """
    root = network.parts()[0]
    layers = dict(norm_layers(root))
    pooled: set[nn.Module] = set()

    def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        weight = module.weight
        channels = weight.numel() if isinstance(weight, Tensor) else inputs[0].shape[1]
        if inputs[0].numel() == len(inputs[0]) * channels:
            pooled.add(module)

    hooks = [module.register_forward_pre_hook(note) for module in layers.values()]
    try:
        tensor = next(iter(root.parameters()))
        predict_normalised(network, torch.zeros(1, 3, *PROBE, device=tensor.device).to(tensor))
    finally:
        for hook in hooks:
            hook.remove()
    return [
        f"{name}.{kind}" if name else kind
        for name, module in layers.items()
        if module not in pooled
        for kind in ("weight", "bias")
        if isinstance(getattr(module, kind, None), nn.Parameter)
    ]

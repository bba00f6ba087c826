"""The frozen part of a dynamic network as modules that can be traced for inputs of any size.

Traced, a number such as a map's height is a constant; here all that depends on sizes is a tensor.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..dynamic import Segmenter
from ..receptive_field import dilation, gaussian
from ..resampling import Grid

__all__ = ["FrozenFeatures", "FrozenScaleSpace", "pad_input"]


class FrozenFeatures(nn.Module):
    """`Segmenter.features` of a padded input, before what lies on padding is cropped.

    Arguments:
        network: A frozen network, whose modules are shared.
    """

    def __init__(self, network: Segmenter) -> None:
        super().__init__()
        self.backbone = network.fast_backbone
        self.context = network.context
        self.aggregation = network.aggregation
        self.norm = network.feature_norm

    def forward(self, x: Tensor, mean: Tensor) -> Tensor:
        """Return features (1, C, h', w').

        Arguments:
            x: A padded input, shape (1, 3, H', W').
            mean: What each pixel of the coarsest map weighs in its mean, shape (1, 1, h, w).
        """
        maps = self.backbone(x)
        if self.context is not None:
            f, context = maps[-1], self.context
            pooled = (f * mean).sum((2, 3), keepdim=True)
            local = functional.relu(context.aspp0(f))
            spread = functional.relu(context.image_pooling(pooled)).expand_as(local)
            joined = torch.cat([spread, local], 1)
            maps[-1] = functional.relu(context.concat_projection(joined))
        features: Tensor = self.norm(self.aggregation(maps))
        return features


class FrozenScaleSpace(nn.Module):
    """`Segmenter.scale_space`.

    Arguments:
        network: A frozen network, whose modules are shared.
    """

    def __init__(self, network: Segmenter) -> None:
        super().__init__()
        self.filter = network.scale_space_filter.filter
        self.norm = network.response_norm
        self.sigmas = network.architecture.sigmas

    def forward(self, F: Tensor) -> Tensor:
        """Return the responses R, shape (h w, L, C), of features (1, C, h, w)."""
        levels = [self.norm(self._level(F, sigma))[0].flatten(1).T for sigma in self.sigmas]
        return torch.stack(levels, 1)

    def _level(self, F: Tensor, sigma: float) -> Tensor:
        d = dilation(sigma)
        weight, groups = self.filter.weight, self.filter.groups
        return functional.conv2d(_blur(F, sigma), weight, padding=d, dilation=d, groups=groups)


def _blur(F: Tensor, sigma: float) -> Tensor:
    """Blur as `receptive_field.blur` does."""
    if sigma == 0:
        return F
    weights, channels = gaussian(sigma, torch.float64).to(F.dtype), F.shape[1]
    reach = len(weights) // 2
    ones = torch.ones_like(F[:, :1, :, :1]), torch.ones_like(F[:, :1, :1, :])
    mass = []
    for inside, shape, padding in zip(
        ones, ((-1, 1), (1, -1)), ((reach, 0), (0, reach)), strict=True
    ):
        kernel = weights.view(1, 1, *shape)
        mass.append(functional.conv2d(inside, kernel, padding=padding))
        kernel = kernel.expand(channels, -1, -1, -1).contiguous()
        F = functional.conv2d(F, kernel, padding=padding, groups=channels)
    return F / (mass[0] * mass[1])


def pad_input(network: Segmenter, x: Tensor) -> tuple[Tensor, Tensor]:
    """Return an input (1, 3, H, W) padded, and the weights of a mean, as `FrozenFeatures` takes."""
    height, width = x.shape[-2:]
    grid = network.grid
    padded = functional.pad(x, (0, grid.padded(width) - width, 0, grid.padded(height) - height))
    coarse = network.backbone.grid(network.backbone.strides[-1])
    rows, columns = (_count(coarse, length) for length in padded.shape[-2:])
    valid = coarse.valid(height), coarse.valid(width)
    mean = x.new_zeros(1, 1, rows, columns)
    mean[..., : valid[0], : valid[1]] = 1 / (valid[0] * valid[1])
    return padded.contiguous(), mean


def _count(grid: Grid, padded: int) -> int:
    """Return the pixels of a map over a padded side."""
    return (padded - 1) // grid.stride + 1 if grid.corner else padded // grid.stride

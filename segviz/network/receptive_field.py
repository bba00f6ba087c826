r"""Dynamic Gaussian receptive fields: a free-form filter composed with a Gaussian per pixel.

Source:
    Shelhamer, Wang, Darrell, *Blurring the Line Between Structure and Learning to Optimize and
    Adapt Receptive Fields*, 2019, https://arxiv.org/abs/1904.11487
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .receptive_field_size import TRUNCATION

__all__ = [
    "ScaleSpace",
    "blur",
    "blur_by_matrices",
    "dilation",
    "gaussian",
    "read",
    "sigma_from_level",
]

MATRIX_SIDE = 512  # pixels: for longer maps, the quadratic cost of a matrix product outweighs it


def gaussian(
    sigma: float, dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu"
) -> Tensor:
    r"""Return a sampled Gaussian, truncated at :math:`2 \sigma` on each side and normalised.

    .. math:: g_\sigma(x) \propto \exp(-x^2 / 2 \sigma^2), \quad |x| \le \lceil 2 \sigma \rceil

    Arguments:
        sigma: The standard deviation in pixels, positive.
        dtype: The floating-point type of the result.
        device: The device of the result.

    Returns:
        The weights, shape (2 ceil(2 sigma) + 1,), sum 1.
    """
    reach = math.ceil(TRUNCATION * sigma)
    x = torch.arange(-reach, reach + 1, dtype=torch.float64, device=device)
    weights = torch.exp(-(x**2) / (2 * sigma**2))
    return (weights / weights.sum()).to(dtype)


def blur(x: Tensor, sigma: float) -> Tensor:
    r"""Blur maps by a separable Gaussian, renormalised at the borders: constants stay constant.

    .. math:: y = \frac{g_\sigma * x}{g_\sigma * 1}, \quad \text{x zero outside}

    Arguments:
        x: Maps, shape (B, C, H, W), floating point.
        sigma: The standard deviation in pixels; 0 returns `x` itself.

    Returns:
        The blurred maps, shape (B, C, H, W).
    """
    if sigma == 0:
        return x
    weights = gaussian(sigma, torch.float64, x.device).to(x.dtype)
    if x.is_cuda and max(x.shape[-2:]) <= MATRIX_SIDE:
        return blur_by_matrices(x, weights)
    reach, channels = len(weights) // 2, x.shape[1]
    mass = [_mass(weights, length) for length in x.shape[-2:]]
    # In channels-last layout, a depthwise convolution costs little more than its memory traffic.
    x = x.contiguous(memory_format=torch.channels_last)
    for shape, padding in (((-1, 1), (reach, 0)), ((1, -1), (0, reach))):
        kernel = weights.view(1, 1, *shape).expand(channels, -1, -1, -1).contiguous()
        x = functional.conv2d(x, kernel, padding=padding, groups=channels)
    return x / (mass[0][:, None] * mass[1])


def blur_by_matrices(x: Tensor, weights: Tensor) -> Tensor:
    r"""Blur maps as `blur` does, by a matrix product along each axis: faster on a GPU.

    .. math:: y = A_H \, x \, A_W^\top, \quad A_{ij} = g(i - j) / \textstyle\sum_k g(i - k)

    Arguments:
        x: Maps, shape (B, C, H, W), floating point.
        weights: The filter g, shape (2 n + 1,), symmetric.
    """
    rows, columns = (_blur_matrix(weights, length) for length in x.shape[-2:])
    return rows @ x @ columns.T


def _blur_matrix(weights: Tensor, length: int) -> Tensor:
    """Return the matrix that applies a filter along an axis of some length, (length, length)."""
    reach = len(weights) // 2
    position = torch.arange(length, device=weights.device)
    offset = position - position[:, None]
    inside = weights[offset.clamp(-reach, reach) + reach] * (offset.abs() <= reach)
    return inside / inside.sum(1, keepdim=True)


def _mass(weights: Tensor, length: int) -> Tensor:
    """Return how much of a filter lies inside at each position of an axis, shape (length,)."""
    inside = weights.new_ones(1, 1, length)
    return functional.conv1d(inside, weights[None, None], padding=len(weights) // 2)[0, 0]


def dilation(sigma: float) -> int:
    """Return the spacing of the free-form filter's taps at a level, in feature pixels."""
    return max(1, round(sigma))


def sigma_from_level(u: Tensor) -> Tensor:
    r"""Return the standard deviation at a continuous level.

    .. math:: \sigma(u) = 2^{u - 1} \text{ for } u \ge 1, \qquad \sigma(u) = u \text{ below}

    Arguments:
        u: Levels, any shape, in [0, L - 1].

    Returns:
        Standard deviations in feature pixels, the shape of `u`.
    """
    return torch.where(u < 1, u, torch.exp2(u - 1))


def read(R: Tensor, u: Tensor) -> Tensor:
    r"""Read the scale space at each pixel's own level, by linear interpolation between levels.

    .. math:: r = (1 - t) \, R_l + t \, R_{l+1}, \quad l = \lfloor u \rfloor, \; t = u - l

    At a level this is the filter with the Gaussian of that sigma. In between, and away from the
    borders, it differs from it by less than 6 % of :math:`\sum |f| \max |F|` where features vary as
    waves of 16 times the upper level's sigma or longer, and by less than 16 % at 8 times.

    Arguments:
        R: The scale space, shape (N, L, C): pixels, levels, channels.
        u: Levels in [0, L - 1], shape (N,).

    Returns:
        Responses, shape (N, C).
    """
    low = _lower(u, R.shape[1])
    weight = u - low
    return _blend(R, None, low, torch.stack((1 - weight, weight), 1))


def level_derivative(R: Tensor, u: Tensor, pixels: Tensor | None = None) -> Tensor:
    r"""Return the derivative of `read` by the level, :math:`R_{l+1} - R_l`, at some pixels.

    Arguments:
        R: The scale space, shape (N, L, C).
        u: Levels of those pixels, shape (M,).
        pixels: The indices of those pixels, shape (M,), int64; None = all, in order.

    Returns:
        Shape (M, C).
    """
    low = _lower(u, R.shape[1])
    weights = torch.arange(-1, 2, 2, dtype=R.dtype, device=R.device).expand(len(u), 2)
    return _blend(R, pixels, low, weights.contiguous())


def _lower(u: Tensor, levels: int) -> Tensor:
    return u.detach().floor().clamp(0, levels - 2).long()


def _blend(R: Tensor, pixels: Tensor | None, low: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted sum of two neighbouring levels of each pixel, in one pass."""
    _, levels, channels = R.shape
    if pixels is None:
        pixels = torch.arange(len(low), device=low.device)
    index = pixels * levels + low
    return functional.embedding_bag(
        torch.stack((index, index + 1), 1),
        R.reshape(-1, channels),
        per_sample_weights=weights,
        mode="sum",
    )


class ScaleSpace(nn.Module):
    r"""A free-form 3x3 filter over a Gaussian scale space.

    .. math:: R_l = f *_{d_l} (g_{\sigma_l} * F), \quad d_l = \max(1, \sigma_l)

    Arguments:
        channels: The number of feature channels C, in and out.
        sigmas: The standard deviations of the levels in feature pixels: 0, 1, 2, 4 ...
        groups: The number of channel groups of the filter, a divisor of C; 1 = a full convolution.
    """

    def __init__(self, channels: int, sigmas: Sequence[float], groups: int = 1) -> None:
        super().__init__()
        self.sigmas = tuple(sigmas)
        self.filter = nn.Conv2d(channels, channels, 3, bias=False, groups=groups)
        nn.init.kaiming_normal_(self.filter.weight, nonlinearity="relu")

    def level(self, F: Tensor, sigma: float) -> Tensor:
        """Return the response at one level, shape (B, C, h, w), for features of that shape."""
        d = dilation(sigma)
        weight, groups = self.filter.weight, self.filter.groups
        return functional.conv2d(blur(F, sigma), weight, padding=d, dilation=d, groups=groups)

    def forward(self, F: Tensor) -> list[Tensor]:
        """Return the responses at all levels, L maps of shape (B, C, h, w)."""
        return [self.level(F, sigma) for sigma in self.sigmas]

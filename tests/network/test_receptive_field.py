import math

import pytest
import torch
from torch import nn

from segviz.network.receptive_field import (
    ScaleSpace,
    blur,
    blur_by_matrices,
    dilation,
    gaussian,
    read,
    sigma_from_level,
)

SIGMAS = (0.0, 1.0, 2.0, 4.0)


def noise(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def space(channels=2, sigmas=SIGMAS, weight=None):
    module = ScaleSpace(channels, sigmas).double().requires_grad_(False)
    module.filter.weight.copy_(
        noise(channels, channels, 3, 3, seed=9) if weight is None else weight
    )
    return module


# The exact dynamic filter, pixel by pixel: its own Gaussian, its own spacing of the nine taps.


def taps(position):
    """The whole pixels around a position, with the weights of linear interpolation."""
    low = math.floor(position)
    part = position - low
    return [(low, 1 - part)] + ([(low + 1, part)] if part else [])


def blurred(F, sigma, y, x):
    """The Gaussian mean of F (C, h, w) around one pixel: only what is on the map counts."""
    if sigma == 0:
        return F[:, y, x]
    reach = math.ceil(2 * sigma)
    top, left = max(0, y - reach), max(0, x - reach)
    window = F[:, top : y + reach + 1, left : x + reach + 1]
    rows = torch.arange(window.shape[1], dtype=F.dtype)[:, None] + (top - y)
    columns = torch.arange(window.shape[2], dtype=F.dtype) + (left - x)
    weight = torch.exp(-(rows**2 + columns**2) / (2 * sigma**2))
    return (weight * window).sum((1, 2)) / weight.sum()


def exact(F, weight, sigma, y, x):
    """The response (C,) at one pixel; taps outside the map are zero."""
    d = max(1.0, sigma)
    response = torch.zeros(len(weight), dtype=F.dtype)
    for m in range(3):
        for n in range(3):
            for i, row in taps(y + (m - 1) * d):
                for j, column in taps(x + (n - 1) * d):
                    if 0 <= i < F.shape[1] and 0 <= j < F.shape[2]:
                        response += row * column * weight[:, :, m, n] @ blurred(F, sigma, i, j)
    return response


def pixel_major(levels):
    """Maps (1, C, h, w) of L levels as `read` takes them, (h w, L, C)."""
    return torch.stack([level[0].flatten(1).T for level in levels], 1)


# Gaussian


@pytest.mark.parametrize("sigma", [0.3, 0.5, 1, 1.7, 2, 4, 8, 16])
def test_gaussian(sigma):
    g = gaussian(sigma, torch.float64)
    reach = len(g) // 2
    assert len(g) % 2 == 1 and 2 * sigma <= reach < 2 * sigma + 1
    assert g.sum().item() == pytest.approx(1, abs=1e-15)
    assert torch.equal(g, g.flip(0))
    for x in range(1, reach + 1):
        ratio = (g[reach + x] / g[reach]).item()
        assert ratio == pytest.approx(math.exp(-(x**2) / (2 * sigma**2)))


def test_gaussian_type():
    assert gaussian(2.0).dtype == torch.float32
    assert torch.allclose(gaussian(2.0).double(), gaussian(2.0, torch.float64), atol=1e-8)


# Blur


@pytest.mark.parametrize("sigma", [0.5, 1, 2, 4, 9])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (6, 5), (20, 13)])
def test_blur_keeps_constants_up_to_the_borders(sigma, size):
    x = torch.full((2, 3, *size), 4.25, dtype=torch.float64)
    assert torch.allclose(blur(x, sigma), x, atol=1e-13)


@pytest.mark.parametrize("sigma", [0.7, 1, 2, 4])
def test_blur_is_the_two_dimensional_gaussian_mean(sigma):
    x = noise(1, 2, 9, 11)
    expected = torch.stack(
        [torch.stack([blurred(x[0], sigma, i, j) for j in range(11)], -1) for i in range(9)], -2
    )
    assert torch.allclose(blur(x, sigma)[0], expected, atol=1e-12)


@pytest.mark.parametrize("dims", [(2,), (3,), (2, 3)])
def test_blur_commutes_with_flips(dims):
    x = noise(2, 3, 8, 13)
    assert torch.allclose(blur(x.flip(dims), 2.0), blur(x, 2.0).flip(dims), atol=1e-13)


def test_blur_commutes_with_transposition():
    x = noise(1, 2, 10, 7)
    assert torch.allclose(blur(x.mT, 2.0), blur(x, 2.0).mT, atol=1e-13)


def test_blur_is_separable():
    rows, columns = noise(9), noise(12, seed=1)
    outer = blur(rows[None, None, :, None] * columns[None, None, None], 1.5)[0, 0]
    along = [blur(v[None, None, None], 1.5)[0, 0, 0] for v in (rows, columns)]
    assert torch.allclose(outer, torch.outer(*along), atol=1e-13)


def test_blur_mixes_no_channels_and_no_images():
    x = noise(2, 3, 9, 9)
    y = x.clone()
    y[1, 2] += 1
    changed = (blur(x, 2.0) != blur(y, 2.0)).flatten(2).any(2)
    assert changed.tolist() == [[False, False, False], [False, False, True]]


def test_no_blur_at_zero():
    x = noise(1, 2, 5, 5)
    assert torch.equal(blur(x, 0), x)


def test_blur_shrinks_the_range_and_the_variance():
    x = noise(1, 1, 40, 40)
    previous = x
    for sigma in (1.0, 2.0, 4.0):
        now = blur(x, sigma)
        assert now.max() < previous.max() and now.min() > previous.min()
        assert now.var() < previous.var()
        previous = now


# Scale space


@pytest.mark.parametrize("level", range(4))
def test_level_equals_the_exact_filter_at_every_pixel(level):
    F, module = noise(1, 2, 7, 10), space()
    R = module(F)[level][0]
    for y in range(7):
        for x in range(10):
            expected = exact(F[0], module.filter.weight, SIGMAS[level], y, x)
            assert torch.allclose(R[:, y, x], expected, atol=1e-12), (y, x)


def test_reading_at_whole_levels_is_exact():
    F, module = noise(1, 2, 5, 9), space()
    levels = module(F)
    for level, expected in enumerate(levels):
        u = torch.full((45,), float(level), dtype=torch.float64)
        got = read(pixel_major(levels), u).T.reshape(2, 5, 9)
        assert torch.allclose(got, expected[0], atol=1e-13)


def bound(s):
    r"""The largest error of linear interpolation in u, relative to the sum of |f| times max |F|.

    A wave of angular frequency w seen through a tap at k, |k|^2 <= 2, gives
    h(sigma) = exp(-sigma^2 w^2 / 2 + i sigma w k) up to a phase, and linear interpolation over a
    unit of u errs by at most max |h''(u)| / 8; with sigma = 2^(u-1) and q = sigma w up to s:
    |h''(u)| <= (ln 2)^2 (q^4 + 3 q^2 + sqrt(q^4 + 2 q^2)) exp(-q^2 / 2).
    """
    q = torch.linspace(0, s, 1000, dtype=torch.float64)
    second = (q**4 + 3 * q**2 + (q**4 + 2 * q**2).sqrt()) * torch.exp(-(q**2) / 2)
    return math.log(2) ** 2 / 8 * second.max().item()


@pytest.mark.parametrize("level", range(3))
@pytest.mark.parametrize(("length", "limit"), [(8, 0.16), (16, 0.06)])
def test_error_between_the_levels_is_bounded(level, length, limit):
    # Waves of `length` times the upper sigma, seen through the worst filters: one tap each.
    assert bound(2 * math.pi / length) < limit  # what the docstring of `read` says
    sigmas = SIGMAS[level : level + 2]
    middle = 3 * int(sigmas[1])  # the reach of blur and taps
    y, x = (torch.arange(2.0 * middle + 1, dtype=torch.float64) - middle for _ in range(2))
    worst = 0.0
    for angle in (0.0, math.pi / 4):
        for phase in (0.0, 1.0, 2.0):
            along = math.cos(angle) * y[:, None] + math.sin(angle) * x
            F = torch.sin(2 * math.pi / (length * sigmas[1]) * along + phase)[None]
            for tap in ((0, 0), (0, 1), (1, 1), (2, 0)):
                weight = torch.zeros(1, 1, 3, 3, dtype=torch.float64)
                weight[0, 0][tap] = 1
                module = space(1, sigmas, weight)
                R = torch.stack([r[0, :, middle, middle] for r in module(F[None])])[None]
                for part in (0.2, 0.5, 0.8):
                    u = torch.tensor([part], dtype=torch.float64)
                    sigma = sigma_from_level(u + level).item()
                    error = read(R, u)[0] - exact(F, weight, sigma, middle, middle)
                    worst = max(worst, error.abs().item())
    assert 0 < worst < limit


def test_scale_space_is_linear_and_keeps_size():
    module, a, b = space(), noise(2, 2, 6, 8), noise(2, 2, 6, 8, seed=1)
    for sum_, first, second in zip(module(2 * a - b), module(a), module(b), strict=True):
        assert sum_.shape == a.shape
        assert torch.allclose(sum_, 2 * first - second, atol=1e-12)


def test_one_filter_serves_all_levels():
    assert [name for name, _ in ScaleSpace(4, SIGMAS).named_parameters()] == ["filter.weight"]
    assert isinstance(ScaleSpace(4, SIGMAS), nn.Module)


# Levels, sigma, size


def test_sigma_at_the_levels():
    u = torch.arange(6, dtype=torch.float64)
    assert sigma_from_level(u).tolist() == [0, 1, 2, 4, 8, 16]


def test_sigma_grows_without_jumps():
    u = torch.linspace(0, 5, 20001, dtype=torch.float64)
    steps = sigma_from_level(u).diff() / u.diff()
    assert (steps > 0.69).all()  # ln 2, just above u = 1, is the flattest place
    assert (steps < 16 * math.log(2) + 1e-3).all()  # no jump: that would be a steep step


def test_sigma_gradient():
    u = torch.tensor([0.0, 0.4, 0.999, 1.001, 2.5, 4.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(sigma_from_level, u)


@pytest.mark.parametrize(("sigma", "d"), [(0, 1), (1, 1), (2, 2), (4, 4), (16, 16)])
def test_dilation(sigma, d):
    assert dilation(sigma) == d


# Reading


def test_read_picks_the_pixels_own_levels():
    R = noise(6, 4, 3)
    u = torch.tensor([0.0, 0.25, 1.0, 1.5, 2.75, 3.0], dtype=torch.float64)
    for pixel, level in enumerate(u.tolist()):
        low = min(int(level), 2)
        part = level - low
        expected = (1 - part) * R[pixel, low] + part * R[pixel, low + 1]
        assert torch.allclose(read(R, u)[pixel], expected, atol=1e-14)


def test_read_gradients():
    R = noise(5, 4, 2).requires_grad_()
    u = torch.tensor([0.3, 0.9, 1.5, 2.2, 2.9], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(read, (R, u))


def test_read_slope_is_the_difference_of_the_neighbours():
    R = noise(4, 3, 1)
    u = torch.tensor([0.0, 0.5, 1.0, 2.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(read(R, u).sum(), u)
    lows = torch.tensor([0, 0, 1, 1])  # at the top the level below is the lower neighbour
    pixels = torch.arange(4)
    assert torch.allclose(slope, (R[pixels, lows + 1] - R[pixels, lows])[:, 0], atol=1e-14)


@pytest.mark.parametrize("sigma", [0.7, 2.0, 8.0])
def test_blur_by_matrices_is_the_same_blur(sigma):
    x = torch.randn(2, 3, 21, 34, dtype=torch.float64)
    weights = gaussian(sigma, torch.float64)
    assert torch.allclose(blur_by_matrices(x, weights), blur(x, sigma), atol=1e-12)

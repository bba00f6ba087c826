"""Map between the feature grid, the network input and the photo."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "ArgmaxResampler",
    "Grid",
    "Lattice",
    "resample",
    "resampled_argmax",
    "resize_photo",
]


@dataclass(frozen=True)
class Lattice:
    r"""The positions of the pixels of a map along one axis of the network input.

    .. math:: x(i) = r \, i + o, \qquad i = 0, 1, \dots

    Arguments:
        stride: The distance of two pixels :math:`r`, in input pixels.
        offset: The position of pixel 0 :math:`o`, in input pixels.
    """

    stride: float
    offset: float

    def to_features(self, length: int, source: int, device: torch.device | str = "cpu") -> Tensor:
        r"""Return the positions on the feature grid of the pixels of a photo.

        .. math:: p(i) = \frac{(i + 1/2) \, n / N - 1/2 - o}{r}

        Arguments:
            length: The size :math:`N` of the photo along one axis, in pixels.
            source: The size :math:`n` of the network input made from it, in pixels.
            device: The device of the result.

        Returns:
            Positions in feature pixels, shape (N,), float32.
        """
        pixels = torch.arange(length, device=device, dtype=torch.float32)
        return ((pixels + 0.5) * (source / length) - 0.5 - self.offset) / self.stride

    def to_photo(self, count: int, length: int, source: int) -> Tensor:
        """Return the photo pixel nearest to each of `count` feature pixels, shape (count,), int64.

        Arguments:
            count: The number of feature pixels along one axis.
            length: The size of the photo along that axis, in pixels.
            source: The size of the network input made from it, in pixels.
        """
        inputs = torch.arange(count, dtype=torch.float64) * self.stride + self.offset
        pixels = (inputs + 0.5) * (length / source) - 0.5
        return pixels.round().long().clamp(0, length - 1)


@dataclass(frozen=True)
class Grid:
    r"""The lattice of feature pixels over a network input.

    .. math:: x(i) = r \, i + o, \qquad i = 0, 1, \dots

    With *corner* alignment (networks whose strided convolutions pad symmetrically) :math:`o = 0`
    and inputs are padded to :math:`m k + 1` pixels; with *centre* alignment (even pooling windows,
    patch embeddings) :math:`o = (r - 1) / 2` and inputs are padded to :math:`m k`.

    Arguments:
        stride: The feature stride :math:`r`, in input pixels.
        multiple: The coarsest stride :math:`m` of the backbone, in input pixels.
        corner: Whether the alignment is *corner*.
    """

    stride: int
    multiple: int
    corner: bool

    @property
    def offset(self) -> float:
        """Position of feature pixel 0, in input pixels."""
        return 0.0 if self.corner else (self.stride - 1) / 2

    def padded(self, length: int) -> int:
        """Return the smallest length of at least `length` input pixels that the backbone takes."""
        if self.corner:
            return -(-(length - 1) // self.multiple) * self.multiple + 1
        return -(-length // self.multiple) * self.multiple

    def valid(self, length: int) -> int:
        """Return how many feature pixels lie on the first `length` input pixels, at least 1."""
        return max(1, int((length - 1 - self.offset) // self.stride) + 1)

    @property
    def lattice(self) -> Lattice:
        """The lattice along either axis."""
        return Lattice(self.stride, self.offset)


def resample(maps: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Interpolate maps bilinearly at a product grid of positions, clamped at the borders.

    Arguments:
        maps: Shape (*, h, w), floating point.
        rows: Row positions in pixels of `maps`, shape (H,).
        columns: Column positions in pixels of `maps`, shape (W,).

    Returns:
        The maps at (rows x columns), shape (*, H, W).
    """

    def along(x: Tensor, positions: Tensor, dim: int) -> Tensor:
        low, high, weight = _neighbours(positions, x.shape[dim])
        weight = weight.to(x.dtype)
        weight = weight[:, None] if dim == -2 else weight
        return torch.lerp(x.index_select(dim, low), x.index_select(dim, high), weight)

    return along(along(maps, rows, -2), columns, -1)


def resampled_argmax(maps: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Return which map is the largest at each position: argmax of `resample`, but faster.

    Where the four pixels around a position agree on the largest map, so do all points between
    them; only the other positions are interpolated.

    Arguments:
        maps: Shape (K, h, w), floating point, K <= 256.
        rows: Row positions in pixels of `maps`, shape (H,).
        columns: Column positions in pixels of `maps`, shape (W,).

    Returns:
        Indices, the first where several are equal, shape (H, W), uint8.
    """
    count, height, width = maps.shape
    pixels = maps.permute(1, 2, 0)
    index = pixels.argmax(-1).byte()
    top, bottom, down = _neighbours(rows, height)
    left, right, across = _neighbours(columns, width)
    above, below = index[top], index[bottom]
    found = above[:, left]
    same = above[:, right] == found
    same &= below[:, left] == found
    same &= below[:, right] == found
    i, j = same.logical_not_().nonzero().unbind(1)
    y, x = down[i], across[j]
    corners = [top[i] * width + left[j], top[i] * width + right[j]]
    corners += [bottom[i] * width + left[j], bottom[i] * width + right[j]]
    weights = [(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x]
    values = functional.embedding_bag(
        torch.stack(corners, 1),
        pixels.reshape(-1, count),
        per_sample_weights=torch.stack(weights, 1).to(maps.dtype),
        mode="sum",
    )
    found[i, j] = values.argmax(1).byte()
    return found


class ArgmaxResampler:
    """`resampled_argmax` for many maps of one size, without waiting for the device.

    All positions are interpolated, so that the amount of work does not depend on the maps.

    Arguments:
        height: The height of the maps.
        width: Their width.
        rows: Row positions in pixels of the maps, shape (H,).
        columns: Column positions in pixels of the maps, shape (W,).
    """

    def __init__(self, height: int, width: int, rows: Tensor, columns: Tensor) -> None:
        self.rows = _neighbours(rows, height)
        self.columns = _neighbours(columns, width)

    def __call__(self, maps: Tensor) -> Tensor:
        """Return which of the maps (K, h, w) is the largest, shape (H, W), uint8."""
        top, bottom, down = self.rows
        left, right, across = self.columns
        pixels = maps.permute(1, 2, 0)  # as they lie in memory
        above, below = pixels.index_select(0, top), pixels.index_select(0, bottom)
        pixels = above.lerp_(below, down[:, None, None].to(maps.dtype))
        before, after = pixels.index_select(1, left), pixels.index_select(1, right)
        return before.lerp_(after, across[:, None].to(maps.dtype)).argmax(-1).byte()


def _neighbours(positions: Tensor, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the pixels before and after each position on an axis, and the fraction in between."""
    positions = positions.clamp(0, length - 1)
    low = positions.floor().clamp(max=max(length - 2, 0))
    weight = positions - low
    low = low.long()
    return low, (low + 1).clamp(max=length - 1), weight


def resize_photo(photo: Tensor, scale: float) -> Tensor:
    """Resize a photo bilinearly, with antialiasing when it shrinks.

    Arguments:
        photo: Shape (3, H, W), uint8 or float, any range.
        scale: The resize factor s > 0; no side of the result is below 1 pixel.

    Returns:
        Shape (3, round(s H), round(s W)), float32, the range of `photo`.
    """
    height, width = (max(1, round(scale * side)) for side in photo.shape[-2:])
    photo = photo[None].float()
    if (height, width) != tuple(photo.shape[-2:]):
        photo = functional.interpolate(
            photo, size=(height, width), mode="bilinear", antialias=scale < 1
        )
    return photo[0]

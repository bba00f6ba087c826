r"""Run a network on overlapping tiles of its input, and blend what it predicts.

Along each axis, tiles begin at multiples of `TILE_UNIT` pixels, so that networks whose strides
divide it see the same pixels at the same phase as without tiles. Where two tiles overlap on
:math:`[a, b]`, the weight of the second is

.. math:: w(x) = \mathrm{clip}\Big(\frac{x - a - m}{b - a - 2 m}, 0, 1\Big), \qquad m = (b - a) / 4,

and that of the first :math:`1 - w`: the outermost m pixels of a tile have no weight. Logits and
sigma are blended linearly. The result is that without tiles, up to rounding, wherever a prediction
depends on no input further away than m. A network that pools over its whole input pools over a
tile.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from .interface import Network, Prediction
from .resampling import Lattice, resample
from .tile_sizes import TILE_UNIT

__all__ = ["Span", "Tile", "TiledEncoding", "TiledNetwork", "tiled"]

OVERLAP = 4
"""Tiles overlap by their side divided by this."""


class Span(NamedTuple):
    """A tile along one axis."""

    start: int  # the first input pixel
    stop: int  # the input pixel behind the last
    first: int  # the first pixel of the blended map that it has a part in
    weights: Tensor  # (n,) of that pixel and those that follow
    positions: Tensor  # (n,) where these lie, in pixels of the tile's own map

    @property
    def last(self) -> int:
        """The pixel of the blended map behind the last."""
        return self.first + len(self.weights)


class Tile(NamedTuple):
    """A tile and its part of the blended map."""

    rows: Span
    columns: Span

    def crop(self, x: Tensor) -> Tensor:
        """Return its part of an input (1, 3, H, W)."""
        found = x[..., self.rows.start : self.rows.stop, self.columns.start : self.columns.stop]
        return found.contiguous(memory_format=torch.channels_last)

    def part(self, maps: Tensor) -> Tensor:
        """Return its part of the blended map, a view of maps (C, h, w) of any C."""
        rows, columns = self.rows, self.columns
        return maps[:, rows.first : rows.last, columns.first : columns.last]

    def weighted(self, maps: Tensor) -> Tensor:
        """Return what maps (C, h', w') of the tile add to its part, differentiable in them."""
        found = resample(maps, self.rows.positions, self.columns.positions)
        return found * (self.rows.weights[:, None] * self.columns.weights)


@dataclass(frozen=True, eq=False)
class TiledEncoding:
    """The encodings of all tiles, and how their predictions become one.

    Arguments:
        tiles: The tiles.
        encodings: What the network's `encode` returned for each.
        shape: The size (h, w) of the blended map.
        lattices: Where its rows and columns lie on the input.
    """

    tiles: tuple[Tile, ...]
    encodings: tuple[Any, ...]
    shape: tuple[int, int]
    lattices: tuple[Lattice, Lattice]

    def blend(self, maps: Iterable[Tensor]) -> Tensor:
        """Return one map (C, h, w), channels last in memory, from that of each tile (C, h', w')."""
        total: Tensor | None = None
        for tile, own in zip(self.tiles, maps, strict=True):
            if total is None:
                total = own.new_zeros(*self.shape, len(own)).permute(2, 0, 1)
            tile.part(total).add_(tile.weighted(own))
        assert total is not None
        return total

    def predict(self, predictions: Iterable[Prediction]) -> Prediction:
        """Return one prediction from that of each tile."""
        found = list(predictions)
        logits = self.blend(each.logits for each in found)
        sigmas = [each.sigma[None] for each in found if each.sigma is not None]
        return Prediction(logits, self.blend(sigmas)[0] if sigmas else None)


class TiledNetwork:
    """A network that reads large inputs in tiles.

    Inputs that fit into a tile are read as they are.

    Arguments:
        network: The network.
        side: The side of a tile in pixels, a multiple of `TILE_UNIT` within `TILE_SIDES`.
    """

    def __init__(self, network: Network, side: int) -> None:
        self.network = network
        self.side = side

    @property
    def classes(self) -> int:
        """The number of classes K."""
        return self.network.classes

    @property
    def stride(self) -> float:
        """The distance between two pixels of a prediction, in input pixels."""
        return self.network.stride

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of parameters that the network has."""
        return self.network.groups

    @property
    def max_sigma(self) -> float | None:
        """The largest sigma, in feature pixels; None without a dynamic receptive field."""
        return self.network.max_sigma

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return self.network.device

    def parts(self) -> tuple[nn.Module, ...]:
        """Return the modules that hold its tensors."""
        return self.network.parts()

    def normalise(self, photo: Tensor) -> Tensor:
        """Return the network input (B, 3, H, W) for photos (B, 3, H, W) in 0..255."""
        return self.network.normalise(photo)

    def fits(self, x: Tensor) -> bool:
        """Return whether an input (1, 3, H, W) is read as it is."""
        return max(x.shape[-2:]) <= self.side

    def encode(self, x: Tensor) -> Any:  # noqa: ANN401
        """Return a `TiledEncoding` of an input (1, 3, H, W), or the network's own if it fits."""
        return self.network.encode(x) if self.fits(x) else self._layout(x, self.encode_tile)

    def encode_tile(self, x: Tensor) -> Any:  # noqa: ANN401
        """Return the network's encoding of one tile (1, 3, h, w)."""
        return self.network.encode(x)

    def predict(self, encoding: Any) -> Prediction:  # noqa: ANN401
        """Return the prediction of the trained parameters from an encoding."""
        if isinstance(encoding, TiledEncoding):
            return encoding.predict(map(self.network.predict, encoding.encodings))
        return self.network.predict(encoding)

    def predict_end_to_end(self, x: Tensor) -> Prediction:
        """Return the prediction for one input (1, 3, H, W)."""
        return self.predict_by(self.network.predict_end_to_end, x)

    def predict_by(self, predict: Callable[[Tensor], Prediction], x: Tensor) -> Prediction:
        """Return the prediction for one input (1, 3, H, W) by a function that predicts a tile."""
        if self.fits(x):
            return predict(x)
        encoded: dict[torch.Size, Any] = {}  # of each size once: only the geometry matters

        @torch.no_grad()
        def encode(tile: Tensor) -> Any:  # noqa: ANN401
            if tile.shape not in encoded:
                encoded[tile.shape] = self.encode_tile(tile)
            return encoded[tile.shape]

        layout = self._layout(x, encode)
        return layout.predict(predict(tile.crop(x)) for tile in layout.tiles)

    def lattices(self, encoding: Any, height: int, width: int) -> tuple[Lattice, Lattice]:  # noqa: ANN401
        """Return where the rows and the columns of a prediction lie on the input."""
        if isinstance(encoding, TiledEncoding):
            return encoding.lattices
        return self.network.lattices(encoding, height, width)

    def _layout(self, x: Tensor, encode: Callable[[Tensor], Any]) -> TiledEncoding:
        """Cut an input into tiles, encode them, and find their places on one map."""
        height, width = x.shape[-2:]
        down, across = self._ranges(height), self._ranges(width)
        encodings, found = [], []
        for top, bottom in down:
            for left, right in across:
                crop = x[..., top:bottom, left:right].contiguous(memory_format=torch.channels_last)
                encodings.append(encode(crop))
                found.append(self.network.lattices(encodings[-1], bottom - top, right - left))
        of_rows = [each[0] for each in found[:: len(across)]]
        of_columns = [each[1] for each in found[: len(across)]]
        rows = list(_spans(down, of_rows, x.device))
        columns = list(_spans(across, of_columns, x.device))
        tiles = tuple(Tile(row, column) for row in rows for column in columns)
        lattices = of_rows[0], of_columns[0]
        return TiledEncoding(tiles, tuple(encodings), (rows[-1].last, columns[-1].last), lattices)

    def _ranges(self, length: int) -> list[tuple[int, int]]:
        """Return where tiles, of nearly equal distances, begin and end along an axis."""
        step = (self.side - self.side // OVERLAP) // TILE_UNIT * TILE_UNIT
        rest = max(0, length - self.side)
        count = math.ceil(rest / step)
        starts = [-(-rest * i // (count * TILE_UNIT)) * TILE_UNIT for i in range(1, count + 1)]
        return [(start, min(start + self.side, length)) for start in (0, *starts)]


def _spans(
    ranges: list[tuple[int, int]], lattices: list[Lattice], device: torch.device
) -> Iterator[Span]:
    """Yield the tiles along an axis; the blended map continues the lattice of the first."""
    whole = lattices[0]
    count = max(1, int((ranges[-1][1] - 1 - whole.offset) // whole.stride) + 1)
    pixels = torch.arange(count, dtype=torch.float64) * whole.stride + whole.offset
    rising = torch.ones_like(pixels)
    for index, ((start, stop), lattice) in enumerate(zip(ranges, lattices, strict=True)):
        falling = torch.ones_like(pixels)
        if index + 1 < len(ranges):
            begin, width = ranges[index + 1][0], stop - ranges[index + 1][0]
            falling = 1 - ((pixels - begin - width / 4) / (width / 2)).clamp(0, 1)
        weights = rising * falling
        inside = weights.nonzero()[:, 0].tolist()
        first, last = inside[0], inside[-1] + 1
        length = stop - start
        if lattice.offset and round(length / lattice.stride) == math.ceil(length / whole.stride):
            lattice = whole  # a tile that ends within a pixel of its map, whose grid goes on
        positions = (pixels[first:last] - start - lattice.offset) / lattice.stride
        parts = (weights[first:last], positions)
        own, at = (part.to(device, torch.float32) for part in parts)
        yield Span(start, stop, first, own, at)
        rising = 1 - falling


def tiled(network: Network, side: int) -> Network:
    """Return a network that reads inputs in tiles of a side in pixels; 0 = the network itself."""
    return TiledNetwork(network, side) if side else network

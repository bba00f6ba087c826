"""Maps as 8-bit codes over stated ranges: quantised once, on the device that computed them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import EllipsisType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # records are read without torch
    from torch import Tensor

    from ..network.interface import Network

__all__ = ["LOG_PROBABILITIES", "Quantised", "map_ranges", "quantise"]

LOG_PROBABILITIES = (-12.0, 0.0)
"""The range that log-probabilities are quantised over, in nats.

Probabilities read from interpolated codes are then within 1 % of the network's; a range of 8 nats
would bend them by up to 10 % between pixels of confident networks, one of 24 by 2 %.
"""


@dataclass(frozen=True)
class Quantised:
    r"""Maps as 8-bit codes over a stated range.

    .. math:: x \approx low + (high - low) \, code / 255

    Arguments:
        codes: Shape (T + 1, *, h, w), uint8.
        low: The value of code 0.
        high: The value of code 255.
    """

    codes: np.ndarray
    low: float
    high: float

    @classmethod
    def of(cls, maps: np.ndarray, low: float, high: float) -> Quantised:
        """Quantise floating-point maps of any shape; values outside the range are clipped."""
        single = getattr(maps, "dtype", None) == np.float32  # enough for 8 bits, and faster
        values: np.ndarray = np.asarray(maps, np.float32 if single else np.float64)
        # In place from here on: maps of all classes are large.
        scaled = np.asarray(values - low)
        scaled *= 255 / (high - low)
        np.clip(np.rint(scaled, out=scaled), 0, 255, out=scaled)
        return cls(scaled.astype(np.uint8), float(low), float(high))

    def __getitem__(self, step: int | EllipsisType) -> np.ndarray:
        """Return the map of a step, or all maps, shape (*, h, w), float32."""
        span = (self.high - self.low) / 255
        return (self.low + span * self.codes[step]).astype(np.float32)

    def __len__(self) -> int:
        """Return the number of steps T + 1."""
        return len(self.codes)

    def __repr__(self) -> str:
        """Return range and shape, without the codes."""
        return f"Quantised({self.low:g} to {self.high:g}, shape {self.codes.shape})"


def quantise(maps: Tensor, low: float, high: float) -> Tensor:
    """Return the codes of `Quantised.of` for float32 maps of any shape, on their device, uint8."""
    return ((maps - low) * (255 / (high - low))).round_().clamp_(0, 255).byte()


def map_ranges(network: Network) -> Mapping[str, tuple[float, float]]:
    """Return the least and the largest value of each map of a network, by name.

    Entropy and log-probabilities are in nats, sigma in input pixels.
    """
    ranges = {
        "entropy": (0.0, math.log(network.classes)),
        "log_probabilities": LOG_PROBABILITIES,
    }
    if network.max_sigma is not None:
        ranges["sigma"] = 0.0, network.stride * network.max_sigma
    return ranges

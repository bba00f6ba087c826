"""What entropy says about accuracy, image by image."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .results import MethodResult, ModelResult

__all__ = ["Changes", "changes", "pearson", "spearman", "strength"]

CHANCE = 2.0
"""A correlation of n pairs below CHANCE / sqrt(n) may well be chance (95 %)."""

STRENGTHS = ((0.6, "strongly"), (0.3, "clearly"), (0.0, "weakly"))


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's correlation of pairs, -1..1; NaN for fewer than 3 or without variation.

    Arguments:
        x: Shape (N,), finite.
        y: Shape (N,), finite.
    """
    if len(x) < 3:
        return math.nan
    x, y = x - x.mean(), y - y.mean()
    size = math.sqrt((x * x).sum() * (y * y).sum())
    return float((x * y).sum() / size) if size > 1e-15 else math.nan


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's: Pearson's of the ranks; equal values share their mean rank."""
    return pearson(_ranks(x), _ranks(y))


def strength(correlation: float, count: int) -> str | None:
    """A correlation of `count` pairs as an adverb; None where it may be chance or is no number."""
    size = abs(correlation)
    if not size >= CHANCE / math.sqrt(max(count, 1)):
        return None
    return next(word for least, word in STRENGTHS if size >= least)


def _ranks(values: np.ndarray) -> np.ndarray:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


@dataclass(frozen=True, eq=False)
class Changes:
    """What a method changed on each image against feedforward at the same scale.

    Only images with all numbers are in.

    Arguments:
        ids: The images.
        before: IoU or accuracy of feedforward, shape (N,), 0..1.
        after: The same after adaptation.
        entropy_before: Mean entropy of feedforward, shape (N,), nats.
        entropy_after: The same after adaptation.
    """

    ids: tuple[str, ...]
    before: np.ndarray
    after: np.ndarray
    entropy_before: np.ndarray
    entropy_after: np.ndarray

    @property
    def change(self) -> np.ndarray:
        """Of IoU or accuracy, in points, shape (N,)."""
        return 100 * (self.after - self.before)

    @property
    def entropy(self) -> np.ndarray:
        """The change of the mean entropy, shape (N,), nats."""
        return self.entropy_after - self.entropy_before

    def quadrants(self) -> dict[tuple[int, int], int]:
        """How many images by the signs of the changes of entropy and of accuracy, -1, 0 or 1."""
        signs = zip(np.sign(self.entropy), np.sign(np.round(self.change, 2)), strict=True)
        found: dict[tuple[int, int], int] = {}
        for one, two in signs:
            found[int(one), int(two)] = found.get((int(one), int(two)), 0) + 1
        return found

    def most(self, sign: Literal[1, -1], count: int) -> list[int]:
        """The places of at most `count` images that gained (1) or lost (-1) most, most first."""
        order = np.argsort(-sign * self.change, kind="stable")[:count]
        return [int(place) for place in order if sign * self.change[place] > 0]


def changes(
    model: ModelResult, result: MethodResult, measure: Literal["iou", "accuracy"]
) -> Changes | None:
    """Return the changes of each image against feedforward, or None if the file lacks them."""
    base = model.feedforward(result.scale)
    before = None if base is None else model.image_results(base)
    after = model.image_results(result)
    if before is None or after is None or not model.ids:
        return None
    columns = (getattr(before, measure), getattr(after, measure), before.entropy, after.entropy)
    values = np.array(columns, np.float64)  # None becomes NaN
    known = np.isfinite(values).all(axis=0)
    ids = tuple(np.array(model.ids)[known].tolist())
    return Changes(ids, *values[:, known])

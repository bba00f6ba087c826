"""Correlate entropy and accuracy, image by image."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .results import MethodResult, ModelResult

__all__ = ["Changes", "changes", "pearson", "spearman", "strength"]

CHANCE = 2.0
"""Correlations of n pairs below CHANCE / sqrt(n) are within chance, at the level of 95 %."""

STRENGTHS = ((0.6, "strongly"), (0.3, "clearly"), (0.0, "weakly"))


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Return Pearson's correlation of pairs, -1..1; NaN for fewer than 3 or constant values.

    Arguments:
        x: Shape (N,), finite.
        y: Shape (N,), finite.
    """
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    from scipy import stats  # takes a while, and most pages do without

    return float(stats.pearsonr(x, y).statistic)


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's rank correlation, -1..1; NaN for fewer than 3 or constant values.

    Arguments:
        x: Shape (N,), finite.
        y: Shape (N,), finite.
    """
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    from scipy import stats

    return float(stats.spearmanr(x, y).statistic)


def strength(correlation: float, count: int) -> str | None:
    """Return the strength of a correlation as an adverb; None if it is within chance or NaN.

    Arguments:
        correlation: Of pearson or spearman.
        count: The number of pairs.
    """
    size = abs(correlation)
    if not size >= CHANCE / math.sqrt(max(count, 1)):
        return None
    return next(word for least, word in STRENGTHS if size >= least)


@dataclass(frozen=True, eq=False)
class Changes:
    """The changes of each image against feedforward at the same scale.

    Images without all numbers are left out.

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
        """The change of IoU or accuracy, in points, shape (N,)."""
        return 100 * (self.after - self.before)

    @property
    def entropy(self) -> np.ndarray:
        """The change of the mean entropy, shape (N,), nats."""
        return self.entropy_after - self.entropy_before

    def quadrants(self) -> dict[tuple[int, int], int]:
        """Return the number of images by the signs of the changes of entropy and of accuracy.

        Changes of accuracy below 0.005 points count as 0.
        """
        signs = np.stack([np.sign(self.entropy), np.sign(np.round(self.change, 2))]).astype(int)
        return dict(Counter(map(tuple, signs.T.tolist())))

    def most(self, sign: Literal[1, -1], count: int) -> list[int]:
        """Return the indices of the `count` images that gained (1) or lost (-1) most, in order."""
        order = np.argsort(-sign * self.change, kind="stable")[:count]
        return [int(index) for index in order if sign * self.change[index] > 0]


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

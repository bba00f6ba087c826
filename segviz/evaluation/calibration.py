r"""Calibration: whether confidences are frequencies, and whether entropy finds the errors.

With N pixels that have a true label y, probabilities :math:`p_{ic}`, the predicted class
:math:`\hat y`, its confidence :math:`c_i = \max_c p_{ic}` and the entropy :math:`H_i`:

.. math::
    ECE = \sum_b \frac{N_b}{N} |\bar a_b - \bar c_b|, \quad
    NLL = \frac{1}{N} \sum_i -\log p_{i y_i}, \quad
    Brier = \frac{1}{N} \sum_{i c} (p_{ic} - [c = y_i])^2

with :math:`\bar a_b, \bar c_b` accuracy and mean confidence in bin b of 15 equal ones. AUROC
is the probability that a wrong pixel has a higher entropy than a right one; AURC the mean, over all
coverages, of the fraction of errors among the pixels of least entropy. Both are of entropies in 512
equal bins of 0..ln K, in which pixels count as tied.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Annotated, Any, Self

import msgspec
import numpy as np

from ..data.classes import IGNORE
from ..runs.record import Record

if TYPE_CHECKING:  # those who read bins need no torch, which takes seconds to import
    from torch import Tensor

__all__ = ["BINS", "CalibrationBins", "calibration_of", "calibration_of_step", "merged"]

BINS = 15
"""Bins of confidence."""

ENTROPY_BINS = 512

ROWS = 64
"""Rows of the photo whose probabilities are held at once."""


@dataclass(frozen=True, eq=False)
class CalibrationBins:
    """What calibration is computed from: sums over pixels, which add up over images.

    Arguments:
        counts: Pixels and right pixels by confidence, shape (15, 2), int64.
        confidence: The sum of the confidences in each bin, shape (15,), float64.
        entropy: Right and wrong pixels by entropy, shape (512, 2), int64.
        nll: The sum of the negative log-likelihoods, nats.
        brier: The sum of the Brier scores, each 0..2.
    """

    counts: np.ndarray
    confidence: np.ndarray
    entropy: np.ndarray
    nll: float
    brier: float

    @classmethod
    def empty(cls) -> Self:
        """Return the bins of no pixels."""
        counts, entropy = np.zeros((BINS, 2), np.int64), np.zeros((ENTROPY_BINS, 2), np.int64)
        return cls(counts, np.zeros(BINS), entropy, 0.0, 0.0)

    @classmethod
    def of(cls, probabilities: Tensor, truth: Tensor) -> Self:
        """Return the bins of pixels.

        Arguments:
            probabilities: Shape (K, ...), floating point, summing to 1 over the classes.
            truth: Class ids, int64, 255 = ignore, shape (...).
        """
        import torch

        known = truth.flatten() != IGNORE
        p = probabilities.flatten(1)[:, known]
        y = truth.flatten()[known]
        classes = len(p)
        top, label = p.max(0)
        right = label == y
        own = p.gather(0, y[None])[0]
        tiny = torch.finfo(p.dtype).tiny
        entropy = -torch.special.xlogy(p, p).sum(0)
        place = _bins(top, BINS, 1.0)
        by_entropy = _bins(entropy, ENTROPY_BINS, math.log(classes))
        return cls(
            np.stack([_counts(place, BINS), _counts(place[right], BINS)], 1),
            _counts(place, BINS, top),
            np.stack([_counts(by_entropy[hit], ENTROPY_BINS) for hit in (right, ~right)], 1),
            float(-own.clamp(min=tiny).double().log().sum()),
            float(((p * p).sum(0) - 2 * own + 1).double().sum()),
        )

    def __add__(self, other: CalibrationBins) -> CalibrationBins:
        """Return the bins of the pixels of both."""
        return CalibrationBins(
            self.counts + other.counts,
            self.confidence + other.confidence,
            self.entropy + other.entropy,
            self.nll + other.nll,
            self.brier + other.brier,
        )

    @property
    def pixels(self) -> int:
        """The number of pixels N."""
        return int(self.counts[:, 0].sum())

    def reliability(self) -> Iterator[tuple[float, float, int]]:
        """Yield mean confidence, accuracy and the number of pixels of each bin that has any."""
        for (count, right), confidence in zip(self.counts, self.confidence, strict=True):
            if count:
                yield float(confidence / count), float(right / count), int(count)

    def numbers(self) -> dict[str, float | None]:
        """Return ece, nll, brier, auroc and aurc; None where they are not defined."""
        n = self.pixels
        gaps = sum(count * abs(right - mean) for mean, right, count in self.reliability())
        found = {"ece": gaps, "nll": self.nll, "brier": self.brier}
        means = {name: value / n if n else None for name, value in found.items()}
        return {**means, "auroc": self._auroc(), "aurc": self._aurc()}

    def _auroc(self) -> float | None:
        right, wrong = self.entropy.T.astype(np.float64)
        pairs = right.sum() * wrong.sum()
        below = np.cumsum(right) - right
        return float((wrong * (below + right / 2)).sum() / pairs) if pairs else None

    def _aurc(self) -> float | None:
        """Return the expectation over the order of tied pixels."""
        n, area, seen, errors = self.pixels, 0.0, 0, 0
        for right, wrong in self.entropy.tolist():
            size = right + wrong
            if size:
                rate = wrong / size
                harmonic = _harmonic(seen + size) - _harmonic(seen)
                area += rate * size + (errors - rate * seen) * harmonic
                seen, errors = seen + size, errors + wrong
        return area / n if n else None

    def to_json(self) -> str:
        """Return the bins as JSON; entropies as [bin, right, wrong] of those with pixels."""
        places = np.flatnonzero(self.entropy.any(1))
        entropies = zip(places, *self.entropy[places].T, strict=True)
        facts = _Facts(
            self.counts.tolist(),
            self.confidence.tolist(),
            [(int(place), int(right), int(wrong)) for place, right, wrong in entropies],
            self.nll,
            self.brier,
        )
        return msgspec.json.encode(facts).decode()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the bins of what `to_json` returned.

        Raises:
            ValueError: If the text is anything else.
        """
        facts = msgspec.json.decode(text, type=_Facts)
        entropy = np.zeros((ENTROPY_BINS, 2), np.int64)
        if len(facts.counts) != BINS or len(facts.confidence) != BINS:
            raise ValueError(f"there must be {BINS} bins of confidence, got {len(facts.counts)}")
        for place, right, wrong in facts.entropy:
            if not 0 <= place < ENTROPY_BINS:
                raise ValueError(f"a bin of entropy must be below {ENTROPY_BINS}, got {place}")
            entropy[place] = right, wrong
        confidence = np.array(facts.confidence)
        return cls(np.array(facts.counts, np.int64), confidence, entropy, facts.nll, facts.brier)


Count = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Sum = Annotated[float, msgspec.Meta(ge=0, le=1e15)]


class _Facts(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    counts: list[tuple[Count, Count]]
    confidence: list[Sum]
    entropy: list[tuple[Count, Count, Count]]
    nll: Sum
    brier: Sum


def merged(bins: Any) -> CalibrationBins:  # noqa: ANN401
    """Return the bins of the pixels of several images, an iterable of `CalibrationBins`."""
    return reduce(CalibrationBins.__add__, bins, CalibrationBins.empty())


def calibration_of(
    logits: Tensor, rows: Tensor, columns: Tensor, truth: np.ndarray
) -> CalibrationBins:
    """Return the bins of a prediction at the photo's resolution: bilinear logits, then softmax.

    Arguments:
        logits: Shape (K, h, w), or log-probabilities.
        rows: The positions of the photo's rows on the map, shape (H,).
        columns: Those of its columns, shape (W,).
        truth: Class ids, integer, 255 = ignore, shape (H, W).
    """
    import torch

    from ..network.resampling import resample

    labels = torch.from_numpy(truth.astype(np.int64)).to(logits.device)
    logits = logits.detach()
    parts = (
        CalibrationBins.of(
            resample(logits, rows[start : start + ROWS], columns).softmax(0),
            labels[start : start + ROWS],
        )
        for start in range(0, len(rows), ROWS)
    )
    return merged(parts)


def calibration_of_step(record: Record, step: int) -> CalibrationBins | None:
    """Return the bins of a step of a record; None without truth.

    A record's log-probabilities are clipped at -12 nats, which bounds the NLL of a pixel.
    """
    if record.reference != "truth" or record.truth is None:
        return None
    import torch

    rows, columns = map(torch.from_numpy, record.positions)
    maps = torch.from_numpy(record.log_probabilities[step])
    return calibration_of(maps, rows, columns, record.truth)


def _bins(values: Tensor, count: int, top: float) -> Tensor:
    return (values * (count / top)).long().clamp(0, count - 1)


def _counts(places: Tensor, count: int, weights: Tensor | None = None) -> np.ndarray:
    given = None if weights is None else weights.double()
    return places.bincount(given, minlength=count).cpu().numpy()


def _harmonic(n: int) -> float:
    """Return 1 + 1/2 + ... + 1/n, to 1e-9."""
    if n < 32:
        return sum(1 / k for k in range(1, n + 1))
    return math.log(n) + np.euler_gamma + 1 / (2 * n) - 1 / (12 * n * n) + 1 / (120 * n**4)

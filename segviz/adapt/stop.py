r"""Stop rules: when to end the updates, without labels.

A rule compares each prediction with that before the first update. Once it is broken, the episode
ends with the prediction before. With :math:`m` the class marginal, :math:`s_c` the share of the
pixels labelled c, and :math:`y'` the labels at half the size:

.. math::
    \text{drift:} \; \mathrm{KL}(m^{(0)} \| m^{(t)}) > 0.1, \qquad
    \text{vanishing:} \; \exists c : s_c^{(0)} \ge 5 \%, \; s_c^{(t)} < \frac{1}{2} s_c^{(0)},
    \qquad \text{agreement:} \; \overline{[y = y']} < \max_{u < t} \overline{[y^{(u)} = y']} - 2 \%
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the names are read before torch is imported
    from torch import Tensor

    from .pixelwise import Pixels

__all__ = ["STOP_RULES", "StopRule"]

DRIFT = 0.1
LEAST_SHARE, VANISHED = 0.05, 0.5
DISAGREEMENT = 0.02

STOP_RULES = {
    "drift": "the class marginal is more than 0.1 nats (KL) away from that before the updates",
    "vanishing": "a class with 5 % of the pixels or more has lost half of them",
    "agreement": "agreement with the prediction at half the size has fallen by 2 points",
}
"""What breaks each rule."""


class StopRule:
    """A rule over one episode.

    Arguments:
        name: A name in `STOP_RULES`, or "" for a rule that never breaks.
        half: Returns the labels at half the size, on the same pixels, shape (N,), int64.
    """

    def __init__(self, name: str, half: Callable[[], Tensor]) -> None:
        self.name = name
        self.half = half
        self.labels: Tensor | None = None  # of half the size
        self.first: Tensor | None = None  # the marginal or the shares before the first update
        self.best = 0.0

    def is_broken(self, pixels: Pixels) -> bool:
        """Take note of the next prediction, and return whether it breaks the rule."""
        if self.name == "drift":
            return self._drift(pixels.marginal)
        if self.name == "vanishing":
            labels = pixels.probabilities.argmax(1)
            return self._vanishing(labels.bincount(minlength=pixels.logits.shape[1]))
        return self.name == "agreement" and self._agreement(pixels.logits.argmax(1))

    def _drift(self, marginal: Tensor) -> bool:
        if self.first is None:
            self.first = marginal
        tiny = 1e-12
        before, now = self.first.clamp(min=tiny), marginal.clamp(min=tiny)
        return (before * (before / now).log()).sum().item() > DRIFT

    def _vanishing(self, counts: Tensor) -> bool:
        if self.first is None:
            self.first = counts
        large = self.first >= LEAST_SHARE * counts.sum()
        return bool((large & (counts < VANISHED * self.first)).any().item())

    def _agreement(self, labels: Tensor) -> bool:
        if self.labels is None:
            self.labels = self.half()
        now = (labels == self.labels).float().mean().item()
        self.best = max(self.best, now)
        return now < self.best - DISAGREEMENT

"""The maps of a run in progress, in the arrays that its records show: nothing is kept twice."""

import math
from typing import Any

import numpy as np

from ..adapt.episode import Step
from .record import LOG_PROBABILITIES, Quantised

__all__ = ["Film"]


class Film:
    """Room for all steps of a run; the system gives memory only for those that come.

    Arguments:
        steps: T.
        first: Step 0, which has the sizes.
        classes: K.
        sigma: The largest sigma there can be, in input pixels.
        stride: Input pixels in a feature pixel.
    """

    def __init__(self, steps: int, first: Step, classes: int, sigma: float, stride: int) -> None:
        self.stride = stride
        self.ranges = {"entropy": (0.0, math.log(classes)), "sigma": (0.0, sigma)}
        labels, grid, classwise = (
            array.shape for array in (first.labels, first.entropy_map, first.log_probability_codes)
        )
        self._labels = np.empty((steps + 1, *labels), np.uint8)
        self._entropy = np.empty((steps + 1, *grid), np.uint8)
        self._sigma = np.empty((steps + 1, *grid), np.uint8)
        self._selected = np.empty((steps + 1, *grid), bool)
        self._log_probabilities = np.empty((steps + 1, *classwise), np.uint8)

    def add(self, step: Step) -> None:
        """Take the maps of a step."""
        t = step.step
        sigma = step.sigma_map * self.stride
        self._labels[t] = step.labels
        self._entropy[t] = Quantised.of(step.entropy_map, *self.ranges["entropy"]).codes
        self._sigma[t] = Quantised.of(sigma, *self.ranges["sigma"]).codes
        self._selected[t] = step.selected_map
        self._log_probabilities[t] = step.log_probability_codes

    def cut(self, count: int) -> dict[str, Any]:
        """The maps of the first steps, as a `Record` names them; they do not change any more."""
        return {
            "labels": self._labels[:count],
            "entropy": Quantised(self._entropy[:count], *self.ranges["entropy"]),
            "sigma": Quantised(self._sigma[:count], *self.ranges["sigma"]),
            "selected": self._selected[:count],
            "log_probabilities": Quantised(self._log_probabilities[:count], *LOG_PROBABILITIES),
        }

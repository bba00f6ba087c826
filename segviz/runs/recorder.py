"""Collect the maps of a run in progress in the arrays that its records share, without copies."""

import math
from typing import Any

import numpy as np

from ..adapt.episode import Step
from .record import LOG_PROBABILITIES, Quantised

__all__ = ["MapRecorder"]


class MapRecorder:
    """Quantise the maps of each step into arrays for all steps of a run.

    The operating system provides memory only for the steps that are written.

    Arguments:
        steps: The number of updates T.
        first: Step 0, which has the sizes.
        classes: The number of classes K.
        sigma: The largest possible sigma, in input pixels.
        stride: The feature stride, in input pixels.
    """

    def __init__(self, steps: int, first: Step, classes: int, sigma: float, stride: int) -> None:
        self.stride = stride
        self.ranges = {
            "entropy": (0.0, math.log(classes)),
            "sigma": (0.0, sigma),
            "log_probabilities": LOG_PROBABILITIES,
        }
        maps = {"labels": first.labels, "selected": first.selected_map, **self._floats(first)}
        self._arrays = {
            name: np.empty((steps + 1, *array.shape), bool if name == "selected" else np.uint8)
            for name, array in maps.items()
        }

    def add(self, step: Step) -> None:
        """Write the maps of a step."""
        t = step.step
        self._arrays["labels"][t] = step.labels
        self._arrays["selected"][t] = step.selected_map
        for name, values in self._floats(step).items():
            self._arrays[name][t] = Quantised.of(values, *self.ranges[name]).codes

    def maps(self, count: int) -> dict[str, Any]:
        """Return the maps of the first `count` steps under the names of `Record`'s fields.

        They are views of the recorder's arrays, which later steps do not change.
        """
        written = {name: array[:count] for name, array in self._arrays.items()}
        quantised = {
            name: Quantised(written[name], *limits) for name, limits in self.ranges.items()
        }
        return written | quantised

    def _floats(self, step: Step) -> dict[str, np.ndarray]:
        return {
            "entropy": step.entropy_map,
            "sigma": step.sigma_map * self.stride,
            "log_probabilities": step.log_probability_map,
        }

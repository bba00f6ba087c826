"""Collect the maps of a run in progress in the arrays that its records share, without copies."""

import math
from typing import Any

import numpy as np

from ..adapt.episode import Step
from ..adapt.settings import Settings
from ..adapt.views import VIEWS
from ..network.interface import Network
from .record import LOG_PROBABILITIES, Quantised

__all__ = ["MapRecorder"]


class MapRecorder:
    """Quantise the maps of each step into arrays for all steps of a run.

    The operating system provides memory only for the steps that are written.

    Arguments:
        settings: The settings of the run.
        first: Step 0, which has the sizes of the maps.
        network: The network, which has the ranges of the maps.
        forward_ms: Milliseconds of the frozen passes.
    """

    def __init__(
        self, settings: Settings, first: Step, network: Network, forward_ms: float
    ) -> None:
        self.stride = network.stride
        self.positions = first.positions
        self.forward_ms = forward_ms
        self.ranges = {
            "entropy": (0.0, math.log(network.classes)),
            "log_probabilities": LOG_PROBABILITIES,
        }
        if network.max_sigma is not None:
            self.ranges["sigma"] = 0.0, network.stride * network.max_sigma
        if first.size_map is not None:
            factors = [view.factor for view in VIEWS[settings.info.views]]
            low, high = min(factors), max(*factors, 2.0)  # small inputs are read at twice s, too
            self.ranges["sizes"] = low * settings.scale, high * settings.scale
        maps = {"labels": first.labels, "selected": first.selected_map, **self._floats(first)}
        count = settings.last_step + 1
        self._arrays = {
            name: np.empty((count, *array.shape), bool if name == "selected" else np.uint8)
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
        return {"sigma": None, **written, **quantised}

    def _floats(self, step: Step) -> dict[str, np.ndarray]:
        maps = {
            "entropy": step.entropy_map,
            "log_probabilities": step.log_probability_map,
        }
        if step.sigma_map is not None:
            maps["sigma"] = step.sigma_map * self.stride
        return maps if step.size_map is None else {**maps, "sizes": step.size_map}

"""Collect the maps of a run in progress in the arrays that its records share, without copies."""

from typing import Any

import numpy as np

from ..adapt.quantised import Quantised, map_ranges
from ..adapt.settings import Settings
from ..adapt.step import QuantisedStep, Step
from ..adapt.views import VIEWS
from ..network.interface import Network

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
        self,
        settings: Settings,
        first: Step | QuantisedStep,
        network: Network,
        forward_ms: float,
    ) -> None:
        self.stride = network.stride
        self.positions = first.positions
        self.forward_ms = forward_ms
        self.ranges = dict(map_ranges(network))
        if first.size_map is not None:
            factors = [view.factor for view in VIEWS[settings.info.views]]
            low, high = min(factors), max(*factors, 2.0)  # small inputs are read at twice s, too
            self.ranges["sizes"] = low * settings.scale, high * settings.scale
        maps = {"labels": first.labels, "selected": first.selected_map, **self._maps(first)}
        count = settings.last_step + 1
        self._arrays = {
            name: np.empty((count, *array.shape), bool if name == "selected" else np.uint8)
            for name, array in maps.items()
        }

    def add(self, step: Step | QuantisedStep) -> None:
        """Write the maps of a step."""
        t = step.step
        self._arrays["labels"][t] = step.labels
        self._arrays["selected"][t] = step.selected_map
        quantised = isinstance(step, QuantisedStep)
        for name, values in self._maps(step).items():
            codes = values if quantised else Quantised.of(values, *self.ranges[name]).codes
            self._arrays[name][t] = codes

    def maps(self, count: int) -> dict[str, Any]:
        """Return the maps of the first `count` steps under the names of `Record`'s fields.

        They are views of the recorder's arrays, which later steps do not change.
        """
        written = {name: array[:count] for name, array in self._arrays.items()}
        quantised = {
            name: Quantised(written[name], *limits) for name, limits in self.ranges.items()
        }
        return {"sigma": None, **written, **quantised}

    def _maps(self, step: Step | QuantisedStep) -> dict[str, np.ndarray]:
        """Return the maps of numbers by the names of `ranges`, as codes or as floats."""
        if isinstance(step, QuantisedStep):
            return {name: quantised.codes for name, quantised in step.codes.items()}
        maps = {
            "entropy": step.entropy_map,
            "log_probabilities": step.log_probability_map,
        }
        if step.sigma_map is not None:
            maps["sigma"] = step.sigma_map * self.stride
        return maps if step.size_map is None else {**maps, "sizes": step.size_map}

"""Estimate how long runs will take, from those that this process has made."""

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from ..adapt import END_TO_END, Settings
from ..runs.record import Record

__all__ = ["CHEAP", "RUN_TIMES", "RunTimes"]

CHEAP = 2.0
"""Seconds that a run may take to be started without being asked for."""

MAX_OBSERVATIONS = 64
"""The number of runs that are remembered; the oldest are forgotten."""


@dataclass(frozen=True)
class _Observation:
    network: str
    method: str
    variables: str
    pixels: float  # of the input, scale^2 x height x width
    forward: float  # seconds
    update: float | None  # seconds; None without updates


class RunTimes:
    r"""Times of runs, scaled to other sizes of input.

    .. math:: t = (t_{forward} + T \, t_{update}) \; s^2 H W / (s_0^2 H_0 W_0)

    where the times are those of the run observed at the nearest size of input :math:`s_0^2 H_0
    W_0`: of the same network and method if there is one, otherwise of another method that adapts
    as much of the network.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._observations: list[_Observation] = []

    def observe(self, record: Record) -> None:
        """Learn from a run."""
        height, width = record.photo.shape[:2]
        updates = [ms for ms in record.numbers("ms")[1:] if ms is not None]
        settings = record.settings
        found = _Observation(
            network=str(record.environment.get("sha256", "")),
            method=settings.method,
            variables=settings.variables,
            pixels=settings.scale**2 * height * width,
            forward=(record.forward_ms + (record.steps[0]["ms"] or 0.0)) / 1000,
            update=median(updates) / 1000 if updates else None,
        )
        with self._lock:
            self._observations = [*self._observations[1 - MAX_OBSERVATIONS :], found]

    def seconds(self, settings: Settings, size: tuple[int, int], network: str) -> float:
        """Estimate the time of a run in seconds.

        Arguments:
            settings: Its settings.
            size: The size (H, W) of the photo.
            network: The hash of its weights.

        Returns:
            The time; NaN where no run says anything about it.
        """
        with self._lock:
            known = [each for each in self._observations if each.network == network]
        pixels = settings.scale**2 * size[0] * size[1]
        forward = _nearest(known, pixels, settings)
        if forward is None:
            return math.nan
        seconds = forward.forward * pixels / forward.pixels
        if settings.last_step:
            whole = settings.variables in END_TO_END
            alike = [each for each in known if (each.variables in END_TO_END) == whole]
            update = _nearest([each for each in alike if each.update], pixels, settings)
            if update is None or update.update is None:
                return math.nan
            seconds += settings.last_step * update.update * pixels / update.pixels
        return seconds

    def total(self, runs: Iterable[Settings], size: tuple[int, int], network: str) -> float:
        """Estimate the time of several runs on one photo in seconds; NaN if one is unknown."""
        return sum(self.seconds(settings, size, network) for settings in runs)


RUN_TIMES = RunTimes()
"""What this process has learnt."""


def _nearest(known: list[_Observation], pixels: float, settings: Settings) -> _Observation | None:
    """Return the run of the method at the nearest size; of another method if there is none."""
    same = [
        each
        for each in known
        if (each.method, each.variables) == (settings.method, settings.variables)
    ]
    distance = {id(each): abs(math.log(each.pixels / pixels)) for each in known}
    return min(same or known, key=lambda each: distance[id(each)], default=None)

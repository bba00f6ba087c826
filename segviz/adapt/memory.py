"""A run that does not fit into the memory that is free is refused, not killed by the system."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch

from ..errors import InputError
from ..network.dynamic import Segmenter
from ..runtime.free_memory import available, text
from . import objectives
from .episode import MAX_INPUT
from .memory_estimate import estimate
from .settings import LIMITS, Settings

__all__ = ["Need", "Room", "hardest"]


class Need(NamedTuple):
    """What one memory shall hold.

    Arguments:
        bytes: How much a run takes of it; None where that cannot be known.
        free: How much there is; None where that cannot be known.
    """

    bytes: int | None
    free: int | None

    @property
    def lacks(self) -> bool:
        """Whether it is known that the run does not fit."""
        return self.bytes is not None and self.free is not None and self.bytes > self.free


@dataclass(frozen=True)
class Room:
    """The memory for runs of one photo.

    Arguments:
        network: The network, in eval mode.
        height: Of the photo, in pixels.
        width: Of the photo, in pixels.
        truth: Whether the photo has labels.
        ready: Whether the forward pass has been made.
        record: Whether a record is kept.
    """

    network: Segmenter
    height: int
    width: int
    truth: bool = True
    ready: bool = False
    record: bool = True

    def needs(self, settings: Settings) -> tuple[Need, ...]:
        """What a run takes: of the network's device and, if that is another, of the machine."""
        return self._needs(settings, self._free())

    def check(self, settings: Settings) -> None:
        """Refuse a run that does not fit.

        Raises:
            InputError: With what is needed, what is free, and what would fit. (Inputs beyond
                `MAX_INPUT` are for `prepare` to refuse.)
        """
        if settings.scale**2 * self.height * self.width > MAX_INPUT:
            return
        free = self._free()
        lack = next((need for need in self._needs(settings, free) if need.lacks), None)
        if lack is not None and lack.bytes is not None and lack.free is not None:

            def fits(changed: Settings) -> bool:
                return not any(need.lacks for need in self._needs(changed, free))

            raise InputError(
                f"{self._run(settings)} needs about {text(lack.bytes)} of memory, but"
                f" {text(lack.free, up=False)} are free; {self._remedies(settings, fits)}."
            )

    @contextmanager
    def watched(self, settings: Settings) -> Iterator[None]:
        """Within, memory that runs out all the same is refused, too.

        Raises:
            InputError: Then.
        """
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            out = isinstance(error, MemoryError | torch.OutOfMemoryError)
            if not out and "can't allocate memory" not in str(error):
                raise
            raise InputError(
                f"{self._run(settings)} needs more memory than is free; choose a smaller scale or"
                " fewer steps, or close other programs."
            ) from error

    def _run(self, settings: Settings) -> str:
        return f"a {self.width} x {self.height} photo at scale {settings.scale:g}"

    def _free(self) -> tuple[int | None, ...]:
        device = self.network.score_weight.device
        machine = available()
        return (available(device), machine) if device.type == "cuda" else (machine,)

    def _needs(self, settings: Settings, free: tuple[int | None, ...]) -> tuple[Need, ...]:
        found = estimate(self.network, self.height, self.width, settings, self.truth)
        if found is None:
            return tuple(Need(None, one) for one in free)
        if self.ready:
            found = replace(found, forward=0, steps=found.steps - found.kept)
        if not self.record:
            found = replace(found, record=0)
        if len(free) == 1:
            return (Need(found.total, free[0]),)
        return Need(max(found.forward, found.steps), free[0]), Need(found.record, free[1])

    def _remedies(self, settings: Settings, fits: Callable[[Settings], bool]) -> str:
        """What to change so that a run fits: each by itself is enough."""
        s, found = settings, []
        hundredths = range(math.ceil(100 * LIMITS["scale"][0]), math.ceil(100 * s.scale))
        scale = _last(lambda n: fits(replace(s, scale=n / 100)), hundredths)
        if scale is not None:
            found.append(f"a scale up to {scale / 100:g}")
        steps = _last(lambda n: fits(replace(s, steps=n)), range(1, s.steps))
        if steps is not None:
            found.append(f"at most {steps} step{'s' if steps > 1 else ''}")
        if s.variables == "all" and fits(replace(s, variables="both")):
            found.append("other variables than all")
        # Evaluations, which keep no record, have no such choice.
        if self.record and s.precision != "bfloat16" and fits(replace(s, precision="bfloat16")):
            found.append("--precision bfloat16 on the command line")
        close = "close other programs"
        return f"choose {', '.join(found)}, or {close}" if found else close


def hardest(settings: Iterable[Settings]) -> Settings:
    """Of settings at one scale and precision, those of the run that takes the most memory."""

    def weight(s: Settings) -> tuple[bool, bool, bool, int]:
        adapts = s.steps > 0
        two_scales = adapts and objectives.find(s.objective).two_scales
        return adapts and s.variables == "all", adapts, two_scales, s.steps

    return max(settings, key=weight)


def _last(holds: Callable[[int], bool], numbers: Sequence[int]) -> int | None:
    """The last of ascending numbers for which something holds that holds for all before it."""
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if holds(numbers[middle]) else (low, middle)
    return numbers[low - 1] if low else None

"""A run in progress: steps as they come, and the record of those there are."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..adapt.episode import (
    EncodedPhoto,
    Reference,
    Step,
    encode_photo,
    prediction_at_1x,
    run_episode,
)
from ..adapt.memory import MemoryBudget, MemoryNeed
from ..adapt.settings import Settings
from ..data.classes import CLASSES
from ..network.checkpoint import Checkpoint
from .provenance import environment
from .record import NUMBERS, Record
from .recorder import MapRecorder

__all__ = ["Run"]


class Run:
    """One episode on one photo, from resizing to record.

    Arguments:
        checkpoint: The network to adapt; never written to.
        photo: Shape (H, W, 3), uint8.
        settings: The episode's settings.
        truth: Labels of the photo, shape (H, W), integer, 255 = ignore; where there are none, the
            1x prediction stands in.
        title: What the photo is called.

    Raises:
        InputError: On iteration, if photo, mask and settings do not go together, or the run does
            not fit into the memory that is free.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        photo: np.ndarray,
        settings: Settings,
        truth: np.ndarray | None = None,
        title: str = "photo",
    ) -> None:
        self.checkpoint = checkpoint
        self.photo = photo
        self.settings = settings
        self.title = title
        self.reference = None if truth is None else Reference(truth)
        self.steps: list[dict[str, Any]] = []  # the numbers of each, as `Record` has them
        self.finished = False
        self.encoded: EncodedPhoto | None = None  # given by `Batch` where another run made it
        self._recorder: MapRecorder | None = None

    def __iter__(self) -> Iterator[Step]:
        """Run the episode, keeping every step; breaking off keeps those that came."""
        network, s, budget = self.checkpoint.network, self.settings, self._budget()
        self.steps, self.finished, self._recorder = [], False, None
        budget.check(s)
        with budget.guard(s):
            if self.reference is None:
                self.reference = prediction_at_1x(network, self.photo)
            if self.encoded is None:
                self.encoded = encode_photo(
                    network, self.photo, s.scale, self.reference, s.precision
                )
            for step in run_episode(network, self.encoded, s, self.reference):
                self._keep(step)
                yield step
        self.finished = True

    def memory(self) -> MemoryNeed:
        """What it will take of the network's device, and what is free there."""
        return self._budget().needs(self.settings)[0]

    def all(self) -> Record:
        """Run to the end."""
        for _ in self:
            pass
        return self.record()

    def record(self) -> Record:
        """The record of the steps there are; there must be at least step 0."""
        encoded, recorder, steps = self.encoded, self._recorder, tuple(self.steps)
        assert encoded is not None and recorder is not None and steps, (
            "a record needs at least step 0"
        )
        reference = self.reference
        return Record(
            title=self.title,
            settings=self.settings,
            photo=self.photo,
            truth=None if reference is None else reference.labels.astype(np.uint8),
            reference=None if reference is None else reference.kind,
            steps=steps,
            **recorder.maps(len(steps)),
            positions=(encoded.rows.cpu().numpy(), encoded.columns.cpu().numpy()),
            stride=self.checkpoint.network.architecture.stride,
            classes=tuple(self.checkpoint.card.get("classes", CLASSES)),
            forward_ms=encoded.forward_ms,
            complete=self.finished,
            environment=environment(self.checkpoint),
        )

    def _budget(self) -> MemoryBudget:
        height, width = self.photo.shape[:2]
        truth, encoded = self.reference is not None, self.encoded is not None
        return MemoryBudget(self.checkpoint.network, height, width, truth, encoded)

    def _keep(self, step: Step) -> None:
        if self._recorder is None:
            a = self.checkpoint.network.architecture
            sigma = a.sigmas[-1] * a.stride
            self._recorder = MapRecorder(self.settings.steps, step, a.classes, sigma, a.stride)
        self._recorder.add(step)
        self.steps.append({key: _plain(getattr(step, key)) for key in NUMBERS})


def _plain(value: float | int | None) -> float | int | None:
    """A JSON number, or None for what is not one."""
    return None if value is None or not math.isfinite(value) else value

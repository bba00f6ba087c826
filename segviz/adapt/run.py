"""A run in progress: steps as they come, and the record of those there are."""

import math
import platform
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from .. import __version__
from ..classes import CLASSES
from ..network.checkpoint import Checkpoint
from .episode import Prepared, Reference, Step, episode, prediction_at_1x, prepare
from .record import LOG_PROBABILITIES, NUMBERS, Quantised, Record
from .settings import Settings

__all__ = ["Run", "environment"]


def environment(checkpoint: Checkpoint) -> dict[str, Any]:
    """Versions, device and checkpoint, for records and result files."""
    device = checkpoint.network.score_weight.device
    cuda = device.type == "cuda"
    return {
        "segviz": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": torch.cuda.get_device_name(device) if cuda else str(device),
        "threads": torch.get_num_threads(),
        "checkpoint": checkpoint.name,
        "sha256": checkpoint.sha256,
    }


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
        InputError: On iteration, if photo, mask and settings do not go together.
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
        self.steps: list[Step] = []
        self.finished = False
        self.prepared: Prepared | None = None  # given by `Batch` where another run made it

    def __iter__(self) -> Iterator[Step]:
        """Run the episode, keeping every step; breaking off keeps those that came."""
        network = self.checkpoint.network
        if self.reference is None:
            self.reference = prediction_at_1x(network, self.photo)
        self.steps, self.finished = [], False
        s = self.settings
        if self.prepared is None:
            self.prepared = prepare(network, self.photo, s.scale, self.reference, s.precision)
        prepared = self.prepared
        for step in episode(network, prepared, s, self.reference):
            self.steps.append(step)
            yield step
        self.finished = True

    def all(self) -> Record:
        """Run to the end."""
        for _ in self:
            pass
        return self.record()

    def record(self) -> Record:
        """The record of the steps there are; there must be at least step 0."""
        prepared, steps, network = self.prepared, list(self.steps), self.checkpoint.network
        assert prepared is not None and steps, "a record needs at least step 0"
        reference = self.reference
        architecture = network.architecture
        sigma = architecture.sigmas[-1] * architecture.stride
        return Record(
            title=self.title,
            settings=self.settings,
            photo=self.photo,
            truth=None if reference is None else reference.labels.astype(np.uint8),
            reference=None if reference is None else reference.kind,
            steps=tuple({key: _plain(getattr(step, key)) for key in NUMBERS} for step in steps),
            labels=np.stack([step.labels for step in steps]),
            entropy=Quantised.of(
                np.stack([step.entropy_map for step in steps]), 0.0, math.log(architecture.classes)
            ),
            sigma=Quantised.of(
                np.stack([step.sigma_map for step in steps]) * architecture.stride, 0.0, sigma
            ),
            selected=np.stack([step.selected_map for step in steps]),
            log_probabilities=Quantised(
                np.stack([step.log_probability_codes for step in steps]), *LOG_PROBABILITIES
            ),
            positions=(prepared.rows.cpu().numpy(), prepared.columns.cpu().numpy()),
            stride=architecture.stride,
            classes=tuple(self.checkpoint.card.get("classes", CLASSES)),
            forward_ms=prepared.forward_ms,
            complete=self.finished,
            environment=environment(self.checkpoint),
        )


def _plain(value: float | int | None) -> float | int | None:
    """A JSON number, or None for what is not one."""
    return None if value is None or not math.isfinite(value) else value

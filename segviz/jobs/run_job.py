"""The runs in progress of one page: some made already, the others in a batch. Free of Streamlit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..adapt import Settings
from ..runs.describe import duration
from ..runs.record import Record
from .queue import Job

if TYPE_CHECKING:
    import numpy as np

    from ..network.checkpoint import Checkpoint
    from ..runs.batch import Batch, BatchStep

__all__ = ["Planned", "Runs", "Work", "progress"]

GROWTH = 1.25
"""Runs at work are looked at again once they have so many times the steps: what all looks read and
send together is at most about five times the steps of the last."""

SHARE = 0.2
"""The share of the time that looks may take from the runs."""

LONGEST = 2.0
"""Seconds after which there is another look whatever the last took."""


class Runs:
    """A `Batch` whose network, and torch with it, comes only when the work begins.

    Arguments:
        load: Gives the network; may take seconds.
        photo: Shape (H, W, 3), uint8.
        settings: One for each run, in the order to run them.
        truth: Labels of the photo, shape (H, W), integer, 255 = ignore; or None.
        title: What the photo is called.
    """

    def __init__(
        self,
        load: Callable[[], Checkpoint],
        photo: np.ndarray,
        settings: tuple[Settings, ...],
        truth: np.ndarray | None,
        title: str,
    ) -> None:
        self.photo, self.settings, self.title = photo, settings, title
        self._load, self._truth = load, truth
        self._batch: Batch | None = None

    def __len__(self) -> int:
        return len(self.settings)

    def __iter__(self) -> Iterator[BatchStep]:
        """Load the network, then iterate over the batch."""
        trained = self._load()
        from ..runs.batch import Batch

        self._batch = Batch(trained, self.photo, self.settings, self._truth, self.title)
        yield from self._batch

    @property
    def now(self) -> int | None:
        """The index of the run at work; None before there is a network."""
        return None if self._batch is None else self._batch.now

    def record(self, index: int) -> Record | None:
        """The record of a run as far as it came; None before its step 0."""
        return None if self._batch is None else self._batch.record(index)

    def steps(self, index: int) -> int:
        """How many steps of a run there are, step 0 included."""
        return 0 if self._batch is None else self._batch.steps(index)


@dataclass
class Look:
    """What was last seen of runs at work."""

    records: list[Record | None]
    steps: int
    at: float  # when, in seconds
    took: float = 0.0  # seconds to read and to draw it


@dataclass(frozen=True)
class Planned:
    """One run of a plan.

    Arguments:
        name: What tells it from the others, such as "oracle".
        settings: Its settings.
        id: Names the run, made or to be made.
        record: What it produced, if it was made before.
    """

    name: str
    settings: Settings
    id: str
    record: Record | None = None


@dataclass(frozen=True)
class Work:
    """A plan and the job that carries it out.

    Arguments:
        page: The page that asked for it.
        id: Names the result.
        plan: All runs, in the order to show them.
        job: Makes those that have no record, in this order; its work is a `Runs`.
        photo: Where the photo comes from.
        values: What the address says of the result.
        stoppable: Whether this session may stop it.
    """

    page: str
    id: str
    plan: tuple[Planned, ...]
    job: Job
    photo: str
    values: dict[str, Any]
    stoppable: bool = True
    looks: list[Look] = field(default_factory=list)

    def records(self) -> list[Record | None]:
        """The record of every run of the plan, as far as it came."""
        made = (self.job.work.record(index) for index in range(len(self.job.work)))
        return [one.record if one.record is not None else next(made) for one in self.plan]

    def look(self) -> Look:
        """The runs as they are now, or as they were at the last look if that was just now."""
        runs: Runs = self.job.work
        steps, now = sum(map(runs.steps, range(len(runs)))), time.monotonic()
        if self.looks:
            last = self.looks[0]
            soon = now < last.at + min(last.took / SHARE, LONGEST)
            if steps == last.steps or (not self.job.over and (soon or steps < GROWTH * last.steps)):
                return last
        self.looks[:] = [Look(self.records(), steps, now)]
        return self.looks[0]


def progress(job: Job) -> tuple[float, str]:
    """How far a job whose work is a `Runs` is, 0 to 1, and in words."""
    batch: Runs = job.work
    steps = [one.steps + 1 for one in batch.settings]
    if job.ahead:
        return 0.0, f"Waiting: {job.ahead} {'run' if job.ahead == 1 else 'runs'} ahead of you"
    at = batch.now
    if at is None:
        return 0.0, "Loading the network"
    name = f"Run {at + 1} of {len(batch)}, " if len(batch) > 1 else ""
    started = batch.steps(at)
    if not started:
        text = f"forward pass at scale {batch.settings[at].scale:g}"
        return job.items / sum(steps), name + text if name else text.capitalize()
    text = f"step {started - 1} of {batch.settings[at].steps}"
    text = name + text if name else text[:1].upper() + text[1:]
    if job.items > 1:
        left = job.seconds_each * (sum(steps) - job.items)
        text += f", {duration(job.seconds_each)} each, {duration(left)} left"
    return min(job.items / sum(steps), 1.0), text

"""The runs that a page requests: some made before, the others made by a job."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..adapt import Settings
from ..adapt.encoding_cache import EncodingCache
from ..runs.describe import duration
from ..runs.record import Record
from .queue import Job

if TYPE_CHECKING:
    import numpy as np

    from ..network.checkpoint import Checkpoint
    from ..runs.batch import Batch, BatchStep

__all__ = ["LazyBatch", "PlannedRun", "RunRequest", "Snapshot", "progress"]

GROWTH = 1.25
"""A new snapshot needs this many times the steps of the last one, so that all snapshots together
hold at most about five times the steps of the last."""

SHARE = 0.2
"""The fraction of the time that snapshots and their drawing may take from the runs."""

MAX_WAIT = 2.0
"""Seconds after which drawing time no longer delays the next snapshot."""


class LazyBatch:
    """A `Batch` that loads its network, and with it torch, when the iteration begins.

    Arguments:
        load: Returns the network; may take seconds.
        photo: Shape (H, W, 3), uint8.
        settings: One for each run, in the order to run them.
        truth: Labels of the photo, shape (H, W), integer, 255 = ignore; or None.
        title: What the photo is called.
        facts: As those of `Run`.
        encodings: As those of `Run`.
    """

    def __init__(
        self,
        load: Callable[[], Checkpoint],
        photo: np.ndarray,
        settings: tuple[Settings, ...],
        truth: np.ndarray | None,
        title: str,
        facts: Mapping[str, str] | None = None,
        encodings: EncodingCache | None = None,
    ) -> None:
        self.photo, self.settings, self.title = photo, settings, title
        self._load, self._truth, self._facts = load, truth, facts
        self._encodings = encodings
        self._batch: Batch | None = None

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.settings)

    def __iter__(self) -> Iterator[BatchStep]:
        """Load the network, then iterate over the batch."""
        trained = self._load()
        from ..runs.batch import Batch

        self._batch = Batch(
            trained,
            self.photo,
            self.settings,
            self._truth,
            self.title,
            self._facts,
            self._encodings,
        )
        yield from self._batch

    @property
    def current(self) -> int | None:
        """The index of the run in progress; None before the network is loaded."""
        return None if self._batch is None else self._batch.now

    def record(self, index: int) -> Record | None:
        """Return the record of a run with the steps made so far; None before its step 0."""
        return None if self._batch is None else self._batch.record(index)

    def steps(self, index: int) -> int:
        """Return the number of steps that a run has made, step 0 included."""
        return 0 if self._batch is None else self._batch.steps(index)


@dataclass
class Snapshot:
    """Records of runs at one moment.

    Arguments:
        records: One for each planned run; None before its step 0.
        steps: The number of steps of the runs in progress, all together.
        taken_at: When it was taken, in seconds of the monotonic clock.
        draw_seconds: How long it took to read and to draw; set by whoever draws it.
    """

    records: list[Record | None]
    steps: int
    taken_at: float
    draw_seconds: float = 0.0


@dataclass(frozen=True)
class PlannedRun:
    """One run of a request.

    Arguments:
        name: What distinguishes it from the others, such as "oracle".
        settings: Its settings.
        id: The run's id in the history.
        record: Its record, if it was made before.
    """

    name: str
    settings: Settings
    id: str
    record: Record | None = None


@dataclass(frozen=True)
class RunRequest:
    """The runs that a page requested, and the job that makes those without a record.

    Arguments:
        page: The page that requested them.
        id: The id of the result.
        plan: All runs, in the order to show them.
        job: Makes the missing runs, in the order of the plan.
        photo: The source of the photo, such as "sample:cat".
        values: The query parameters of the result.
        stoppable: Whether this session may stop the job.
    """

    page: str
    id: str
    plan: tuple[PlannedRun, ...]
    job: Job[LazyBatch]
    photo: str
    values: dict[str, Any]
    stoppable: bool = True
    _latest: list[Snapshot] = field(default_factory=list, init=False, repr=False)

    def records(self) -> list[Record | None]:
        """Return the record of every planned run, with the steps made so far."""
        made = (self.job.work.record(index) for index in range(len(self.job.work)))
        return [run.record if run.record is not None else next(made) for run in self.plan]

    def snapshot(self) -> Snapshot:
        """Return the runs as they are now, or the last snapshot if that is recent enough."""
        batch = self.job.work
        steps, now = sum(map(batch.steps, range(len(batch)))), time.monotonic()
        if self._latest:
            last = self._latest[0]
            recent = now < last.taken_at + min(last.draw_seconds / SHARE, MAX_WAIT)
            growing = not self.job.done and (recent or steps < GROWTH * last.steps)
            if steps == last.steps or growing:
                return last
        self._latest[:] = [Snapshot(self.records(), steps, now)]
        return self._latest[0]


def progress(job: Job[LazyBatch]) -> tuple[float, str]:
    """Return the progress of a job as a fraction, 0..1, and as text."""
    batch = job.work
    steps = [settings.steps + 1 for settings in batch.settings]
    if position := job.position:
        text = f"Waiting: {position} {'run' if position == 1 else 'runs'} ahead of you"
        ahead = job.seconds_ahead
        return 0.0, text if math.isnan(ahead) else f"{text}, about {duration(max(1, ahead))}"
    current = batch.current
    if current is None:
        return 0.0, "Loading the network"
    name = f"Run {current + 1} of {len(batch)}, " if len(batch) > 1 else ""
    made = batch.steps(current)
    if not made:
        text = f"forward pass at scale {batch.settings[current].scale:g}"
        return job.items / sum(steps), name + text if name else text.capitalize()
    text = f"step {made - 1} of {batch.settings[current].steps}"
    text = name + text if name else text[:1].upper() + text[1:]
    if job.items > 1:
        left = job.seconds_per_item * (sum(steps) - job.items)
        text += f", {duration(job.seconds_per_item)} each, {duration(left)} left"
    return min(job.items / sum(steps), 1.0), text

"""The runs in progress of one page: some made already, the others in a batch. Free of Streamlit."""

from dataclasses import dataclass
from typing import Any

from segviz.adapt import Record, Settings
from segviz.adapt.batch import Batch
from segviz.jobs import Job

from .words import duration, plain

__all__ = ["Planned", "Work", "progress"]


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
        job: Makes those that have no record, in this order; its work is a `Batch`.
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

    def records(self) -> list[Record | None]:
        """The record of every run of the plan, as far as it came."""
        made = iter(self.job.work.records())
        return [one.record if one.record is not None else next(made) for one in self.plan]


def progress(job: Job) -> tuple[float, str]:
    """How far a job whose work is a `Batch` is, 0 to 1, and in words."""
    batch: Batch = job.work
    steps = [one.steps + 1 for one in batch.settings]
    if job.ahead:
        return 0.0, f"Waiting: {job.ahead} {'run' if job.ahead == 1 else 'runs'} ahead of you"
    at = batch.now
    name = f"Run {at + 1} of {len(batch)}, " if len(batch) > 1 else ""
    started = batch.steps(at)
    if not started:
        text = f"forward pass at scale {batch.settings[at].scale:g}"
        return job.items / sum(steps), f"{name}{plain(batch.title)}: {text}"
    text = f"step {started - 1} of {batch.settings[at].steps}"
    text = name + text if name else text[:1].upper() + text[1:]
    if job.items > 1:
        left = job.seconds_each * (sum(steps) - job.items)
        text += f", {duration(job.seconds_each)} each, {duration(left)} left"
    return min(job.items / sum(steps), 1.0), text

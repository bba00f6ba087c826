"""An evaluation as the work of a job; it resumes from the rows stored earlier."""

import hashlib
import math
import os
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from .. import metrics
from ..adapt.methods import FEEDFORWARD
from ..data.splits import subset, voc_images
from ..errors import InputError
from ..evaluation.measured_method import MeasuredMethod, parse_methods
from ..evaluation.measurement import (
    MethodMeasurement,
    collect,
    measure_images,
    plan_measurements,
)
from ..evaluation.results import EvaluationResult
from ..evaluation.row_store import RowStore
from ..evaluation.summary import summarise
from ..network.checkpoint import Checkpoint
from ..runtime.distributed import TaskQueue
from ..validation import check_range
from .limits import check_app_limit
from .queue import SLOT, Slot

__all__ = [
    "EVALUATIONS",
    "Evaluation",
    "EvaluationPlan",
    "EvaluationProgress",
    "check_plan",
    "rows_folder",
]

EVALUATIONS = Slot()
"""One evaluation runs at a time; each of its images also waits for the compute slot."""

MAX_EPISODES = 60
"""The largest number of episodes for each image."""

POLL = 0.5
"""Seconds between two updates of the queue position."""


@dataclass(frozen=True)
class EvaluationPlan:
    """What to measure, as chosen on the page.

    Arguments:
        split: The name of a list of VOC.
        images: The number of images of the split, a fixed random subset.
        methods: Methods as spelled on the command line; feedforward is always measured too.
        variables: The parameter groups that each method adapts, one after the other.
        scales: The resize factors.
        steps: The numbers of updates to measure at.
    """

    split: str
    images: int
    methods: tuple[str, ...]
    variables: tuple[str, ...]
    scales: tuple[float, ...]
    steps: tuple[int, ...]

    @property
    def command(self) -> str:
        """The shell command that measures the same."""
        words = [
            *("python", "-m", "segviz", "evaluate", "--voc-root", "DIR", "--split", self.split),
            *("--limit", str(self.images)),
            *("--scales", ",".join(f"{scale:g}" for scale in self.scales)),
            *("--methods", ",".join((FEEDFORWARD, *self.methods))),
            *("--variables", ",".join(self.variables)),
            *("--steps", ",".join(map(str, self.steps))),
            *("--by-image", "--json"),
        ]
        return shlex.join(words)

    @property
    def episodes(self) -> int:
        """The number of episodes for each image."""
        return len(self.methods) * len(self.variables) * len(self.scales)


def check_plan(plan: EvaluationPlan) -> list[MeasuredMethod]:
    """Check a plan, and return its methods, feedforward first.

    Raises:
        InputError: If a choice is empty, a value is out of its range, or there are more than
            `MAX_EPISODES` episodes for each image.
    """
    for name in ("methods", "variables", "scales", "steps"):
        if not getattr(plan, name):
            raise InputError(f"no {name} are chosen; choose at least one.")
    for scale in plan.scales:
        check_app_limit("scale", scale)
    methods = parse_methods((FEEDFORWARD, *plan.methods), plan.variables, plan.steps)
    for method in methods:
        check_app_limit("steps", method.steps[-1])
    remedy = "choose fewer methods, variables or scales"
    check_range("the number of episodes for each image", plan.episodes, 1, MAX_EPISODES, remedy)
    return methods


def rows_folder(root: Path) -> Path:
    """Return the folder for the rows of a VOC folder; in another, an id may be another image."""
    runs = Path(os.environ.get("SEGVIZ_RUNS") or "runs")
    return runs / "page" / hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class EvaluationProgress:
    """The progress of an evaluation.

    Arguments:
        position: The number of runs that are before it in the queue of the compute slot.
        images: The number of images that are measured or failed.
        reused: How many of these were measured by an earlier evaluation.
        images_per_second: The rate of measuring; NaN before the first image.
        seconds_left: The estimated time left; NaN before the first image.
        miou: The mIoU in percent over the images so far, with what it is of.
    """

    position: int = 0
    images: int = 0
    reused: int = 0
    images_per_second: float = math.nan
    seconds_left: float = math.nan
    miou: tuple[tuple[str, float], ...] = ()


class Evaluation:
    """Measure methods at scales over a split, image by image; a stop keeps what is measured.

    Arguments:
        trained: The network.
        root: The VOC2012 folder.
        plan: What to measure.
        slot: The compute slot that each image waits for.

    Raises:
        InputError: If a value of the plan is out of its range.
    """

    def __init__(
        self, trained: Checkpoint, root: Path, plan: EvaluationPlan, slot: Slot = SLOT
    ) -> None:
        self.data = voc_images(root, plan.split)
        count = len(self.data.ids)
        check_range(f"the number of images of {plan.split}", plan.images, 1, count)
        self.trained = trained
        self.plan = plan
        self.ids = subset(self.data.ids, plan.images)
        self.folder = rows_folder(root)
        self.measurements = plan_measurements(
            plan.scales, check_plan(plan), trained.network.classes
        )
        self.failed: dict[str, str] = {}
        self.progress = EvaluationProgress()
        self._result: tuple[EvaluationProgress, EvaluationResult] | None = None
        self._slot = slot

    def __iter__(self) -> Iterator[None]:
        """Measure what the folder lacks, yielding often so that a stop takes effect soon."""
        trained = self.trained
        store = RowStore(
            self.folder, trained.sha256, trained.network.classes, gate=trained.gate_hash
        )
        try:
            wanted = {measurement.key for measurement in self.measurements}
            missing = {
                name for name in self.ids if not wanted <= store.keys(self.data.row_key(name))
            }
            start, measured = time.monotonic(), 0
            for images, name in enumerate(self.ids, 1):
                if name in missing:
                    yield from self._measure(store, name)
                    measured += 1
                self.failed |= collect(store, self.data, [name], self.measurements)
                each = (time.monotonic() - start) / measured if measured else math.nan
                self.progress = EvaluationProgress(
                    images=images,
                    reused=images - measured,
                    images_per_second=1 / each if measured else math.nan,
                    seconds_left=each * (len(missing) - measured),
                    miou=_running_miou(self.measurements),
                )
                yield
        finally:
            store.close()

    def result(self) -> EvaluationResult | None:
        """Return what is measured, as `segviz evaluate --by-image --json` prints it.

        Not to be called while a job iterates over this evaluation.

        Returns:
            The result; None before the first image.
        """
        if not self.measurements[0].images:
            return None
        # Cached: resampling takes a while, and every rerun of the page asks.
        if self._result is None or self._result[0] is not self.progress:
            model = summarise(self.trained, self.measurements, self.failed)
            found = EvaluationResult(
                **msgspec.structs.asdict(model),
                split=self.plan.split,
                command=self.plan.command,
                complete=self.progress.images == len(self.ids),
            )
            self._result = self.progress, found
        return self._result[1]

    def _measure(self, store: RowStore, name: str) -> Iterator[None]:
        """Measure one image, scale by scale, queueing anew for each."""
        for scale in self.plan.scales:
            with self._slot.enqueue() as ticket:
                while position := ticket.position:
                    self.progress = replace(self.progress, position=position)
                    yield
                    ticket.wait(POLL)
                self.progress = replace(self.progress, position=0)
                here = [each for each in self.measurements if each.scale == scale]
                measure_images(self.trained, self.data, [name], here, store, TaskQueue())
            yield
            if not {each.key for each in here} <= store.keys(self.data.row_key(name)):
                return  # it failed, and the store has the reason


def _running_miou(measurements: Sequence[MethodMeasurement]) -> tuple[tuple[str, float], ...]:
    """Return the mIoU at the largest scale: feedforward, and the first method without truth."""
    scale = max(measurement.scale for measurement in measurements)
    found = []
    for measurement in measurements:
        if measurement.scale != scale or not measurement.images:
            continue
        method = measurement.method
        if not method.method.info.needs_truth:
            title = f"{measurement.key.method} at {scale:g}x"
            found.append((title, 100 * metrics.mean_iou(measurement.matrix)))
    return tuple(found[:2])

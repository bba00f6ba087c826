"""An evaluation as the work of a job; it resumes from the rows stored earlier."""

import hashlib
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from .. import metrics
from ..data.class_map import known_targets
from ..data.dataset import DataSet
from ..data.folders import FolderImages
from ..data.splits import subset
from ..evaluation.class_matching import match_classes
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
from .evaluation_plan import EvaluationData, EvaluationPlan, check_plan
from .queue import SLOT, Slot, check_stop

__all__ = ["EVALUATIONS", "Evaluation", "EvaluationProgress", "rows_folder"]

EVALUATIONS = Slot()
"""One evaluation runs at a time; each of its images also waits for the compute slot."""

POLL = 0.5
"""Seconds between two updates of the queue position."""


def rows_folder(root: Path) -> Path:
    """Return the folder for the rows of a data set; in another, an id may be another image."""
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
    """Measure methods at scales over a data set, image by image; a stop keeps what is measured.

    Classes of the data that the network does not have are ignored.

    Arguments:
        trained: The network.
        data: The images, with truth.
        plan: What to measure.
        slot: The compute slot that each image waits for.

    Raises:
        InputError: If a value of the plan is out of its range; on iteration, if a mask cannot be
            used, or the network has no class of the data.
    """

    def __init__(
        self, trained: Checkpoint, data: EvaluationData, plan: EvaluationPlan, slot: Slot = SLOT
    ) -> None:
        count = len(data.images.ids)
        check_range(f"the number of images of {data.name}", plan.images, 1, count)
        self.trained = trained
        self.name = data.name
        self.data: DataSet = data.images
        if data.by_ids and isinstance(data.images, FolderImages):
            self.data = data.images.with_classes(trained.class_list)
        self.given = data.given or {}
        self.plan = plan
        self.command = plan.command(data, trained.name)
        self.ids = subset(self.data.ids, plan.images)
        self.folder = rows_folder(data.folder)
        self.notes: list[str] = []
        self.measurements = plan_measurements(
            plan.scales, check_plan(plan, trained.network.groups), trained.network.classes
        )
        self.failed: dict[str, str] = {}
        self.progress = EvaluationProgress()
        self._result: tuple[EvaluationProgress, EvaluationResult] | None = None
        self._slot = slot

    def __iter__(self) -> Iterator[None]:
        """Measure what the folder lacks, yielding often so that a stop takes effect soon."""
        trained = self.trained
        classes = trained.class_list
        given = known_targets(self.given, classes)
        self.data, self.notes = match_classes(self.data, self.ids, classes, given)
        yield
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
                split=self.name,
                command=self.command,
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
                measure_images(
                    self.trained,
                    self.data,
                    [name],
                    here,
                    store,
                    TaskQueue(),
                    on_step=check_stop,
                )
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

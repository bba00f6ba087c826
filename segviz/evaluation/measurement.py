"""Measure methods at scales on images with truth: one confusion matrix per image."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from .. import metrics
from ..adapt.episode import photo_labels
from ..adapt.gate import Gate
from ..adapt.memory import MemoryBudget, most_demanding
from ..adapt.optimisation import OptimisationState, optimise
from ..adapt.photo_views import PhotoViews, Reference
from ..adapt.settings import Settings
from ..data.dataset import DataSet
from ..errors import InputError
from ..network.checkpoint import Checkpoint
from ..network.engines.encoders import PLAIN, prepare_engine
from ..network.tiled import tiled
from ..runtime.distributed import TaskQueue
from .calibration import CalibrationBins, calibration_of
from .measured_method import MeasuredMethod
from .results import Calibration, ImageResults, MethodResult
from .row_store import EpisodeRow, RowKey, RowStore

__all__ = [
    "MethodMeasurement",
    "collect",
    "measure_image",
    "measure_images",
    "plan_measurements",
    "row_key",
]


def row_key(scale: float, measured: MeasuredMethod, step: int) -> RowKey:
    """Return the key of a row; without updates a method is its base, such as feedforward."""
    method = measured.at(step)
    return RowKey(scale, method.spelling, method.variables if step else "", step)


@dataclass
class MethodMeasurement:
    """One method at one scale after some updates, accumulated over images.

    Arguments:
        scale: The resize factor of the photos.
        method: The method.
        step: The number of updates.
        matrix: The sum of the confusion matrices, shape (K, K), int64, row = truth.
        images: The ids of the images.
        iou: Mean IoU of each image, 0..1.
        accuracy: Pixel accuracy of each image, 0..1.
        entropy: Mean entropy of each image, in nats.
        sigma: Mean sigma of each image, in input pixels.
        seconds: Duration of forward pass and updates on each image.
        overlaps: `metrics.overlap` of each image's confusion matrix, shape (2, K), int64.
        bins: The sum of the bins of calibration.
        calibrated: The number of images that have bins.
    """

    scale: float
    method: MeasuredMethod
    step: int
    matrix: np.ndarray
    images: list[str] = field(default_factory=list)
    iou: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    entropy: list[float] = field(default_factory=list)
    sigma: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    overlaps: list[np.ndarray] = field(default_factory=list)
    bins: CalibrationBins = field(default_factory=CalibrationBins.empty)
    calibrated: int = 0

    @property
    def key(self) -> RowKey:
        """The key of its rows."""
        return row_key(self.scale, self.method, self.step)

    def add(self, image: str, row: EpisodeRow) -> None:
        """Add the row of an image."""
        self.matrix += row.matrix
        self.images.append(image)
        self.iou.append(metrics.mean_iou(row.matrix))
        self.accuracy.append(metrics.accuracy(row.matrix))
        self.entropy.append(row.entropy)
        self.sigma.append(row.sigma)
        self.seconds.append(row.seconds)
        self.overlaps.append(metrics.overlap(row.matrix))
        if row.bins is not None:
            self.bins, self.calibrated = self.bins + row.bins, self.calibrated + 1

    def result(self) -> MethodResult:
        """Return the totals: means over images, IoU over all pixels; without standard errors."""
        adapted = self.step > 0
        complete = 0 < self.calibrated == len(self.images)
        settings = self.method.method
        return MethodResult(
            scale=self.scale,
            method=self.key.method,
            variables=settings.variables if adapted else None,
            steps=self.step,
            learning_rate=settings.learning_rate if adapted else None,
            centred=settings.centred if adapted else None,
            miou=metrics.finite_or_none(metrics.mean_iou(self.matrix)),
            accuracy=metrics.finite_or_none(metrics.accuracy(self.matrix)),
            entropy=_mean(self.entropy),
            sigma=_mean(self.sigma),
            seconds=_mean(self.seconds),
            class_iou=tuple(map(metrics.finite_or_none, metrics.class_iou(self.matrix).tolist())),
            calibration=Calibration(**self.bins.numbers()) if complete else None,
        )

    def by_image(self) -> ImageResults:
        """Return the numbers of each image, in the order of `images`."""
        return ImageResults(
            scale=self.scale,
            method=self.key.method,
            variables=self.method.method.variables if self.step else None,
            steps=self.step,
            iou=tuple(map(_rounded, self.iou)),
            accuracy=tuple(map(_rounded, self.accuracy)),
            entropy=tuple(map(_rounded, self.entropy)),
        )


def plan_measurements(
    scales: Sequence[float], methods: Sequence[MeasuredMethod], classes: int
) -> list[MethodMeasurement]:
    """Return the empty measurements of an evaluation, scale by scale, without duplicates.

    Raises:
        InputError: If a scale is out of its range.
    """
    planned: dict[RowKey, MethodMeasurement] = {}
    for scale in map(float, scales):
        Settings(scale=scale)  # checks the range
        for method in methods:
            for step in method.steps:
                empty = np.zeros((classes, classes), np.int64)
                measurement = MethodMeasurement(scale, method, step, empty)
                planned.setdefault(measurement.key, measurement)
    return list(planned.values())


def measure_images(
    checkpoint: Checkpoint,
    data: DataSet,
    ids: Sequence[str],
    measurements: Sequence[MethodMeasurement],
    store: RowStore,
    tasks: TaskQueue,
    on_image: Callable[[], None] = lambda: None,
    on_step: Callable[[], None] = lambda: None,
    calibration: bool = False,
    tile: int = 0,
    engine: str = "torch",
    on_method: Callable[[float, str], None] = lambda *_: None,
) -> None:
    """Measure and store the rows that are missing, sharing the images with the other processes.

    If an image cannot be measured, the reason is stored.

    Arguments:
        checkpoint: The network.
        data: The images, whose truth has the classes of the network.
        ids: Those to measure.
        measurements: What to measure on each.
        store: Receives the rows.
        tasks: Hands the images to the processes that share them.
        on_image: Called after each image and while waiting for other processes; an exception of it
            ends the evaluation.
        on_step: Called after each step; an exception of it ends the evaluation, without rows of the
            image.
        calibration: Whether rows need the bins of calibration.
        tile: The side of the tiles that inputs are cut into, in pixels; 0 = none.
        engine: What runs the frozen part; of tiles, PyTorch does.
        on_method: Called with scale and spelling before each method at each scale.
    """
    for index in tasks.claim(len(ids)):
        name = ids[index]
        key = data.row_key(name)
        stored = store.keys(key, calibration)
        missing = [measurement for measurement in measurements if measurement.key not in stored]
        if missing:
            try:
                photo, truth = data.photo(name), data.truth(name)
                for rows in measure_image(
                    checkpoint, photo, truth, missing, on_step, calibration, tile, engine, on_method
                ):
                    store.add(key, rows)
            except (InputError, OSError, MemoryError, RuntimeError) as error:
                store.fail(key, " ".join(str(error).split()) or type(error).__name__)
        on_image()
    for _ in tasks.wait_for_others():
        on_image()


def measure_image(
    checkpoint: Checkpoint,
    photo: np.ndarray,
    truth: np.ndarray | None,
    measurements: Sequence[MethodMeasurement],
    on_step: Callable[[], None] = lambda: None,
    calibration: bool = False,
    tile: int = 0,
    engine: str = "torch",
    on_method: Callable[[float, str], None] = lambda *_: None,
) -> Iterator[list[EpisodeRow]]:
    """Yield the rows of one image, scale by scale: one forward pass a scale, one episode a method.

    Arguments:
        checkpoint: The network.
        photo: Shape (H, W, 3), uint8.
        truth: Labels, shape (H, W), integer, 255 = ignore; None leaves the matrices empty.
        measurements: What to measure.
        on_step: Called after each step.
        calibration: Whether to bin the probabilities, too, where there is truth.
        tile: The side of the tiles that inputs are cut into, in pixels; 0 = none.
        engine: What runs the frozen part.
        on_method: Called with scale and spelling before each method at each scale.

    Raises:
        InputError: If photo, truth and scale do not go together, or an episode does not fit into
            the free memory.
    """
    network = checkpoint.network
    reference = None if truth is None else Reference(truth)
    gate = Gate.of_card(checkpoint.card.get("gate"))
    # Not the engine that the app prepared: published numbers are PyTorch's unless asked otherwise.
    encoder = PLAIN if engine == PLAIN.name else prepare_engine(network, engine)
    views = PhotoViews(tiled(network, tile), photo, reference, gate=gate, encoder=encoder)
    budget = MemoryBudget(network, photo.shape[0], photo.shape[1], recorded=False)
    for scale in dict.fromkeys(measurement.scale for measurement in measurements):
        here = [measurement for measurement in measurements if measurement.scale == scale]
        budget.check(
            most_demanding(Settings.of(each.method.method, scale, tile=tile) for each in here)
        )

        def row(key: RowKey, state: OptimisationState, seconds: float) -> EpisodeRow:
            matrix = np.zeros((network.classes, network.classes), np.int64)
            if truth is not None:
                matrix = metrics.confusion(truth, photo_labels(state, views), network.classes)
            sigma = math.nan if state.sigma is None else state.sigma.mean().item() * network.stride
            bins = None
            if calibration and truth is not None:
                positions = views.positions(state.logit_axes)
                bins = calibration_of(state.logits, *positions, truth)
            return EpisodeRow(key, matrix, state.mean_entropy, sigma, seconds, bins)

        rows = []
        for method in dict.fromkeys(measurement.method for measurement in here):
            settings = Settings.of(method.method, scale, tile=tile)
            on_method(scale, settings.spelling)
            steps = {measurement.step for measurement in here if measurement.method == method}
            milliseconds = 0.0
            for state in optimise(views, settings):
                on_step()
                milliseconds += state.ms
                seconds = (views.forward_ms(settings) + milliseconds) / 1e3
                updates = state.step - settings.joins
                if updates in steps:
                    rows.append(row(row_key(scale, method, updates), state, seconds))
            # The last state stands for the steps after an early stop.
            later = (step for step in steps if step > updates)
            rows += [row(row_key(scale, method, step), state, seconds) for step in later]
        views.keep(set())  # the next scale reads others, or smaller ones as predictions
        yield rows


def collect(
    store: RowStore, data: DataSet, ids: Sequence[str], measurements: Sequence[MethodMeasurement]
) -> dict[str, str]:
    """Add the stored rows of the images that have all measurements, in the order of `ids`.

    So all measurements cover the same images, and sums do not depend on the order of measuring.

    Returns:
        By id of the images that could not be measured, the reason.
    """
    reasons, failed = store.failures(), {}
    for name in ids:
        key = data.row_key(name)
        rows = store.rows(key)
        if all(measurement.key in rows for measurement in measurements):
            for measurement in measurements:
                measurement.add(name, rows[measurement.key])
        elif key in reasons:
            failed[name] = reasons[key]
    return failed


def _mean(values: Sequence[float]) -> float | None:
    return metrics.finite_or_none(math.fsum(values) / len(values)) if values else None


def _rounded(value: float) -> float | None:
    return metrics.finite_or_none(round(value, 4))

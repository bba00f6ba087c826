"""Methods at scales over a VOC split: a confusion matrix for every image, kept as they come."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import metrics
from ..adapt.episode import (
    EncodedPhoto,
    OptimisationState,
    Reference,
    encode_photo,
    optimise,
    photo_labels,
)
from ..adapt.memory import MemoryBudget, most_demanding
from ..adapt.settings import Settings
from ..data import voc
from ..errors import InputError
from ..network.checkpoint import Checkpoint
from ..runtime.distributed import TaskQueue
from .row_store import Key, Row, Store

__all__ = ["FEEDFORWARD", "Cell", "Method", "collect", "evaluate", "plan"]

FEEDFORWARD = "feedforward"


@dataclass(frozen=True)
class Method:
    """One way to adapt, and the steps at which it is measured.

    Arguments:
        settings: Objective, variables and the rest; the scale is set by the evaluation.
        at: The steps, ascending; the episode ends with the last.
    """

    settings: Settings
    at: tuple[int, ...]

    @classmethod
    def parse(
        cls,
        spelling: str,
        variables: str = "both",
        steps: Sequence[int] = (32,),
        **defaults: Any,  # noqa: ANN401
    ) -> "Method":
        """Read a method as the command line spells it.

        Arguments:
            spelling: `OBJECTIVE[:centred][:lr=RATE][:tolerance=PART][:steps=T]`, or
                `feedforward`.
            variables: Which parameters are adapted.
            steps: Where to measure, unless the spelling says so.
            defaults: Settings that the spelling does not give.

        Raises:
            InputError: If it is not one.
        """
        spelling = spelling.strip()
        name, *options = spelling.split(":")
        if name == FEEDFORWARD:
            if options:
                raise InputError(f"{spelling!r}: feedforward takes no options; write feedforward.")
            return cls(Settings(steps=0), (0,))
        values: dict[str, Any] = {**defaults, "objective": name, "variables": variables}
        for option in options:
            key, _, value = option.partition("=")
            try:
                if option == "centred":
                    values["centred"] = True
                elif key == "lr":
                    values["learning_rate"] = float(value)
                elif key == "tolerance":
                    values["tolerance"] = float(value)
                elif key == "steps":
                    steps = (int(value),)
                else:
                    raise ValueError
            except ValueError:
                raise InputError(
                    f"{option!r} in {spelling!r} is not an option of a method;"
                    " there are centred, lr=RATE, tolerance=PART and steps=T."
                ) from None
        at = tuple(sorted({Settings(steps=step).steps for step in steps}))
        if not at:
            raise InputError("there are no steps to measure at; give at least one, such as 32.")
        return cls(Settings(**values, steps=at[-1]), at)

    @property
    def name(self) -> str:
        """Its one spelling, without steps and variables."""
        s = self.settings
        if self.at == (0,):
            return FEEDFORWARD
        parts = [s.objective]
        parts += ["centred"] if s.centred else []
        parts += [f"lr={s.learning_rate}"] if s.learning_rate != Settings.learning_rate else []
        parts += [f"tolerance={s.tolerance}"] if s.tolerance else []
        return ":".join(parts)

    def key(self, scale: float, step: int) -> Key:
        """What the store calls it; all feedforward predictions are one."""
        if step == 0:
            return Key(scale, FEEDFORWARD, "both", 0)
        return Key(scale, self.name, self.settings.variables, step)


@dataclass
class Cell:
    """One method at one scale after some steps, over the images so far."""

    scale: float
    method: Method
    step: int
    matrix: np.ndarray
    images: list[str] = field(default_factory=list)
    iou: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    entropy: list[float] = field(default_factory=list)
    sigma: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    overlaps: list[np.ndarray] = field(default_factory=list)

    @property
    def key(self) -> Key:
        """What the store calls it."""
        return self.method.key(self.scale, self.step)

    def add(self, image: str, row: Row) -> None:
        """Count an image in."""
        self.matrix += row.matrix
        self.images.append(image)
        self.iou.append(metrics.mean_iou(row.matrix))
        self.accuracy.append(metrics.accuracy(row.matrix))
        self.entropy.append(row.entropy)
        self.sigma.append(row.sigma)
        self.seconds.append(row.seconds)
        self.overlaps.append(metrics.overlap(row.matrix))

    def result(self) -> dict[str, Any]:
        """The row of the result: means over images, IoU over all pixels, None for no number."""
        feedforward = self.step == 0
        settings = self.method.settings
        return {
            "scale": self.scale,
            "method": self.key.method,
            "variables": None if feedforward else settings.variables,
            "steps": self.step,
            "learning_rate": None if feedforward else settings.learning_rate,
            "centred": None if feedforward else settings.centred,
            "miou": metrics.known(metrics.mean_iou(self.matrix)),
            "accuracy": metrics.known(metrics.accuracy(self.matrix)),
            "entropy": _mean(self.entropy),
            "sigma": _mean(self.sigma),
            "seconds": _mean(self.seconds),
            "class_iou": [
                metrics.known(value) for value in metrics.class_iou(self.matrix).tolist()
            ],
        }

    def by_image(self) -> dict[str, Any]:
        """The numbers of each image, in the order of `images`; None for no number."""
        return {
            "scale": self.scale,
            "method": self.key.method,
            "variables": self.method.settings.variables if self.step else None,
            "steps": self.step,
            "iou": [_short(value) for value in self.iou],
            "accuracy": [_short(value) for value in self.accuracy],
            "entropy": [_short(value) for value in self.entropy],
        }


def plan(scales: Sequence[float], methods: Sequence[Method], classes: int) -> list[Cell]:
    """The empty cells of an evaluation, scale by scale, each asked for once.

    Raises:
        InputError: If a scale is out of its range.
    """
    cells: dict[Key, Cell] = {}
    for scale in scales:
        Settings(scale=scale)
        for method in methods:
            for step in method.at:
                cell = Cell(scale, method, step, np.zeros((classes, classes), np.int64))
                cells.setdefault(cell.key, cell)
    return list(cells.values())


def evaluate(
    checkpoint: Checkpoint,
    root: Path,
    ids: Sequence[str],
    cells: Sequence[Cell],
    store: Store,
    tasks: TaskQueue,
    on_image: Callable[[], None] = lambda: None,
) -> None:
    """Measure what the store does not have yet, sharing the images with the other processes.

    An image that cannot be measured is kept in the store with the reason.

    Arguments:
        checkpoint: The network.
        root: The VOC2012 folder.
        ids: The images.
        cells: What to measure on each.
        store: Where the rows go; what it holds at the end may be collected.
        tasks: Hands the images to the processes that share them.
        on_image: Called after each image and while waiting for the others; what it raises ends the
            evaluation.
    """
    for index in tasks.claim(len(ids)):
        name = ids[index]
        have = store.keys(name)
        wanted = [cell for cell in cells if cell.key not in have]
        if wanted:
            try:
                photo, truth = voc.read_photo(root, name), voc.read_truth(root, name)
                for rows in measure(checkpoint, photo, truth, wanted):
                    store.add(name, rows)
            except (InputError, OSError, MemoryError, RuntimeError) as error:
                store.fail(name, " ".join(str(error).split()) or type(error).__name__)
        on_image()
    for _ in tasks.wait_for_others():
        on_image()


def measure(
    checkpoint: Checkpoint, photo: np.ndarray, truth: np.ndarray, cells: Sequence[Cell]
) -> Iterator[list[Row]]:
    """The rows of one image, scale by scale: one forward pass a scale, one episode a method.

    Raises:
        InputError: If photo, truth and scale do not go together, or an episode does not fit into
            the memory that is free.
    """
    network = checkpoint.network
    stride, classes = network.architecture.stride, network.architecture.classes
    reference = Reference(truth)
    budget = MemoryBudget(network, photo.shape[0], photo.shape[1], recorded=False)
    for scale in dict.fromkeys(cell.scale for cell in cells):
        here = [cell for cell in cells if cell.scale == scale]
        budget.check(replace(most_demanding(cell.method.settings for cell in here), scale=scale))
        prepared = encode_photo(network, photo, scale, reference)

        def row(
            key: Key, state: OptimisationState, seconds: float, prepared: EncodedPhoto = prepared
        ) -> Row:
            labels = photo_labels(state.logits, prepared)
            matrix = metrics.confusion(truth, labels, classes)
            sigma = state.sigma.mean().item() * stride
            return Row(key, matrix, state.entropy.mean().item(), sigma, seconds)

        rows = []
        for method in dict.fromkeys(cell.method for cell in here):
            wanted = {cell.step for cell in here if cell.method == method}
            seconds = prepared.forward_ms / 1e3
            start = time.perf_counter()
            for state in optimise(network, prepared, method.settings):
                seconds += time.perf_counter() - start
                if state.step in wanted:
                    rows.append(row(method.key(scale, state.step), state, seconds))
                start = time.perf_counter()
            # An episode that its tolerance ended early stays as it is.
            late = (step for step in wanted if step > state.step)
            rows += [row(method.key(scale, step), state, seconds) for step in late]
        yield rows


def collect(store: Store, ids: Sequence[str], cells: Sequence[Cell]) -> dict[str, str]:
    """Fill the cells from the store with the images that all cells have, in the order of `ids`.

    So all cells count the same images, and the sums do not depend on who measured what when.

    Returns:
        Of the images left out, those that could not be measured, with the reason.
    """
    reasons, failed = store.failures(), {}
    for name in ids:
        rows = store.rows(name)
        if all(cell.key in rows for cell in cells):
            for cell in cells:
                cell.add(name, rows[cell.key])
        elif name in reasons:
            failed[name] = reasons[name]
    return failed


def _mean(values: Sequence[float]) -> float | None:
    return metrics.known(math.fsum(values) / len(values)) if values else None


def _short(value: float) -> float | None:
    return metrics.known(round(value, 4))

"""Methods at scales over a VOC split: one confusion matrix each, at the photos' own resolution."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import metrics, voc
from .adapt.episode import Reference, State, optimise, photo_labels, prepare
from .adapt.settings import Settings
from .errors import InputError
from .network.checkpoint import Checkpoint

__all__ = ["FEEDFORWARD", "Cell", "Method", "evaluate", "table"]

FEEDFORWARD = "feedforward"


@dataclass(frozen=True)
class Method:
    """One way to adapt, as the command line spells it.

    Arguments:
        spelling: `OBJECTIVE[:centred][:lr=RATE][:steps=T]`, or `feedforward`.
        settings: What it stands for; the scale is set by the evaluation.
    """

    spelling: str
    settings: Settings

    @classmethod
    def parse(cls, spelling: str, variables: str = "both", **defaults: Any) -> "Method":  # noqa: ANN401
        """Read a method.

        Arguments:
            spelling: As above.
            variables: Which parameters are adapted.
            defaults: Settings that the spelling does not give.

        Raises:
            InputError: If it is not one.
        """
        spelling = spelling.strip()
        name, *options = spelling.split(":")
        if name == FEEDFORWARD:
            if options:
                raise InputError(f"{spelling!r}: feedforward takes no options; write feedforward.")
            return cls(spelling, Settings(steps=0))
        values: dict[str, Any] = {**defaults, "objective": name, "variables": variables}
        for option in options:
            key, _, value = option.partition("=")
            try:
                if option == "centred":
                    values["centred"] = True
                elif key == "lr":
                    values["learning_rate"] = float(value)
                elif key == "steps":
                    values["steps"] = int(value)
                else:
                    raise ValueError
            except ValueError:
                raise InputError(
                    f"{option!r} in {spelling!r} is not an option of a method;"
                    " there are centred, lr=RATE and steps=T."
                ) from None
        return cls(spelling, Settings(**values))


@dataclass
class Cell:
    """One method at one scale, over the images so far."""

    scale: float
    method: Method
    matrix: np.ndarray
    images: int = 0
    entropy: float = 0.0
    sigma: float = 0.0
    seconds: float = 0.0
    failed: list[str] = field(default_factory=list)

    def result(self) -> dict[str, Any]:
        """The row of the result: means over images, IoU over all pixels, None for no number."""
        feedforward = self.method.spelling == FEEDFORWARD
        settings = self.method.settings
        count = max(1, self.images)
        return {
            "scale": self.scale,
            "method": self.method.spelling,
            "variables": None if feedforward else settings.variables,
            "steps": settings.steps,
            "learning_rate": None if feedforward else settings.learning_rate,
            "centred": None if feedforward else settings.centred,
            "miou": _plain(metrics.mean_iou(self.matrix)),
            "accuracy": _plain(metrics.accuracy(self.matrix)),
            "entropy": self.entropy / count,
            "sigma": self.sigma / count,
            "seconds": self.seconds / count,
            "class_iou": [_plain(value) for value in metrics.class_iou(self.matrix).tolist()],
        }


def evaluate(
    checkpoint: Checkpoint,
    root: Path,
    ids: Sequence[str],
    scales: Sequence[float],
    methods: Sequence[Method],
    on_image: Callable[[int, list[Cell]], None] = lambda done, cells: None,
) -> list[Cell]:
    """Run every method on every image at every scale.

    Arguments:
        checkpoint: The network.
        root: The VOC2012 folder.
        ids: The images.
        scales: The resize factors.
        methods: The methods; with none at 0 steps, the feedforward row is simply absent.
        on_image: Called with the number of images done and the cells after each image; what it
            raises ends the evaluation, and the cells are as they were then.

    Returns:
        One cell per scale and method; an image that cannot be read is listed in `failed`.
    """
    k = checkpoint.network.architecture.classes
    cells = [Cell(scale, m, np.zeros((k, k), np.int64)) for scale in scales for m in methods]
    for done, name in enumerate(ids, 1):
        try:
            photo, truth = voc.read_photo(root, name), voc.read_truth(root, name)
            results = list(_one_image(checkpoint, photo, truth, cells))
        except InputError as error:
            for cell in cells:
                cell.failed.append(f"{name}: {error}")
            on_image(done, cells)
            continue
        # Added only when all of the image's cells are there, so that all count the same images.
        for cell, (matrix, entropy, sigma, seconds) in zip(cells, results, strict=True):
            cell.matrix += matrix
            cell.images += 1
            cell.entropy += entropy
            cell.sigma += sigma
            cell.seconds += seconds
        on_image(done, cells)
    return cells


def _one_image(
    checkpoint: Checkpoint, photo: np.ndarray, truth: np.ndarray, cells: Sequence[Cell]
) -> Iterator[tuple[np.ndarray, float, float, float]]:
    network = checkpoint.network
    stride, classes = network.architecture.stride, network.architecture.classes
    reference = Reference(truth)
    prepared = None
    at = float("nan")
    for cell in cells:
        if prepared is None or cell.scale != at:
            at, prepared = cell.scale, prepare(network, photo, cell.scale, reference)
        start = time.perf_counter()
        state: State | None = None
        for state in optimise(network, prepared, cell.method.settings):  # noqa: B007
            pass
        assert state is not None
        seconds = time.perf_counter() - start + prepared.forward_ms / 1e3
        labels = photo_labels(state.logits, prepared)
        yield (
            metrics.confusion(truth, labels, classes),
            state.entropy.mean().item(),
            state.sigma.mean().item() * stride,
            seconds,
        )


def table(cells: Sequence[Cell]) -> str:
    """The cells as text: a row per method, a column of mIoU in percent per scale."""
    scales = sorted({cell.scale for cell in cells})
    rows: dict[tuple[str, str], dict[float, float]] = {}
    for cell in cells:
        result = cell.result()
        row = rows.setdefault((result["method"], result["variables"] or ""), {})
        row[cell.scale] = 100 * metrics.mean_iou(cell.matrix)
    width = max(len(method) for method, _ in rows) + 2
    lines = [f"{'mIoU, %':{width}}{'variables':10}" + "".join(f"{s:>8g}x" for s in scales)]
    for (method, variables), values in rows.items():
        numbers = "".join(f"{values[s]:9.2f}" if s in values else " " * 9 for s in scales)
        lines.append(f"{method:{width}}{variables:10}{numbers}")
    return "\n".join(lines)


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None

"""Running loss and mIoU of a training, and its CSV log."""

import csv
import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from .. import metrics
from ..data.classes import IGNORE
from ..runtime.files import write_atomically

__all__ = ["DECAY", "RunningMetrics", "append_row", "drop_rows_after"]

DECAY = 0.98
"""Weight of the past at each update of the exponential moving averages."""


class RunningMetrics:
    """Exponential moving averages of the loss and the confusion matrix.

    The sums stay on the device: only `compute` synchronises with a GPU.

    Arguments:
        classes: The number of classes K.
        device: The device of the batches.
    """

    def __init__(self, classes: int, device: torch.device) -> None:
        self.classes = classes
        # The last entry counts ignored pixels.
        self.counts = torch.zeros(classes * classes + 1, device=device)
        self.loss = torch.zeros((), device=device)
        self.weight = torch.zeros((), device=device)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The averages by name, to save and to write to."""
        return {"counts": self.counts, "loss": self.loss, "weight": self.weight}

    def update(self, loss: Tensor, truth: Tensor, labels: Tensor) -> None:
        """Add the result of one update.

        Arguments:
            loss: A scalar.
            truth: True labels in 0..K-1 or 255 = ignore, shape (N,), int64.
            labels: Predicted labels in 0..K-1, shape (N,), int64.
        """
        cells = torch.where(truth == IGNORE, self.classes**2, truth * self.classes + labels)
        # Integers: float32 loses single counts beyond 2^24.
        counts = torch.zeros(len(self.counts), dtype=torch.int32, device=truth.device)
        counts.scatter_add_(0, cells, torch.ones_like(cells, dtype=torch.int32))
        self.counts.mul_(DECAY).add_(counts)
        # In place, as a captured graph needs it.
        self.loss.mul_(DECAY).add_(loss)
        self.weight.mul_(DECAY).add_(1)

    def compute(self) -> tuple[float, float]:
        """Return the mean loss and the training mIoU (0..1); NaN before the first update."""
        matrix = self.counts[:-1].view(self.classes, -1).double().cpu().numpy()
        # 0 / 0 is NaN.
        return (self.loss / self.weight).item(), metrics.mean_iou(matrix)


def append_row(path: Path, row: Mapping[str, str]) -> None:
    """Append a row to a CSV file; a new file starts with the column names."""
    is_new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if is_new:
            writer.writeheader()
        writer.writerow(row)


def drop_rows_after(path: Path, iteration: int) -> None:
    """Remove the rows of a CSV file after an iteration, and what a kill left of a row.

    Arguments:
        path: The file; it need not exist.
        iteration: The last iteration whose row stays.
    """
    if not path.exists():
        return
    with path.open(newline="", errors="replace") as file:
        head, *rows = file.readlines() or [""]
    if not head.endswith("\n"):
        path.unlink()  # the next row writes the column names again
        return
    kept = [row for row in rows if row.endswith("\n") and _iteration(row) <= iteration]
    write_atomically(path, "".join([head, *kept]).encode())


def _iteration(row: str) -> float:
    first = row.partition(",")[0]
    return int(first) if first.isdecimal() else math.inf

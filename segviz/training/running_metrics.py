"""How training goes, counted where it happens."""

import csv
from pathlib import Path

import torch
from torch import Tensor

from .. import metrics
from ..data.classes import IGNORE

__all__ = ["Progress", "log"]

FADE = 0.98


class Progress:
    """Fading means of loss and training mIoU: how it goes now, not how it went.

    The sums stay on the device, so that a GPU is waited for only where they are read.

    Arguments:
        classes: The number of classes K.
        device: Where the batches are.
    """

    def __init__(self, classes: int, device: torch.device) -> None:
        self.classes = classes
        # One place more, for ignored pixels.
        self.counts = torch.zeros(classes * classes + 1, device=device)
        self.loss = torch.zeros((), device=device)
        self.weight = 0.0

    def add(self, loss: Tensor, truth: Tensor, labels: Tensor) -> None:
        """Add an update.

        Arguments:
            loss: A scalar.
            truth: Labels in 0..K-1 or 255, shape (N,), int64.
            labels: Those predicted, shape (N,), int64.
        """
        places = torch.where(truth == IGNORE, self.classes**2, truth * self.classes + labels)
        new = torch.zeros(len(self.counts), dtype=torch.int32, device=truth.device)
        new.scatter_add_(0, places, torch.ones_like(places, dtype=torch.int32))
        self.counts.mul_(FADE).add_(new)
        self.loss = FADE * self.loss + loss
        self.weight = FADE * self.weight + 1

    def read(self) -> tuple[float, float]:
        """The mean loss, and the training mIoU (0..1); NaN before the first update."""
        matrix = self.counts[:-1].view(self.classes, -1).double().cpu().numpy()
        loss = self.loss.item() / self.weight if self.weight else float("nan")
        return loss, metrics.mean_iou(matrix)


def log(path: Path, row: dict[str, str]) -> None:
    """Append a row to a CSV file, whose first line names the columns."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)

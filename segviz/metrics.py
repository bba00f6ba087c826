"""Confusion matrices and what follows from them."""

import math

import numpy as np

from .data.classes import IGNORE

__all__ = [
    "accuracy",
    "class_iou",
    "confusion",
    "image_iou",
    "known",
    "mean_iou",
    "mean_iou_of",
    "overlap",
]


def confusion(truth: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Pixel counts of truth against prediction.

    Arguments:
        truth: Labels 0..classes-1 or 255 = ignore, any shape, integer.
        labels: Predicted labels 0..classes-1, the shape of `truth`, integer.
        classes: The number of classes K.

    Returns:
        Shape (K, K), int64: row = truth, column = prediction; ignored pixels are not counted.

    Raises:
        ValueError: If the shapes differ.
    """
    if truth.shape != labels.shape:
        raise ValueError(f"truth has shape {truth.shape}, the prediction {labels.shape}")
    known = truth != IGNORE
    pairs = truth[known].astype(np.int64) * classes + labels[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def overlap(matrix: np.ndarray) -> np.ndarray:
    """Pixels of each class in the intersection and in the union of truth and prediction.

    Returns:
        Shape (2, K), int64; they add up over images, as the matrices do.
    """
    intersection = np.diag(matrix)
    return np.stack([intersection, matrix.sum(0) + matrix.sum(1) - intersection])


def mean_iou_of(overlaps: np.ndarray) -> np.ndarray:
    """mIoU, shape (...), of `overlap` counts (..., 2, K): over the classes that occur, 0..1.

    NaN where none occurs.
    """
    values = _iou(overlaps)
    occurs = np.isfinite(values)
    counts, sums = occurs.sum(-1), np.where(occurs, values, 0).sum(-1)
    return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)


def class_iou(matrix: np.ndarray) -> np.ndarray:
    """Intersection over union of each class, shape (K,); NaN for classes that do not occur."""
    return _iou(overlap(matrix))


def mean_iou(matrix: np.ndarray) -> float:
    """mIoU over a data set: the mean of `class_iou` over the classes that occur, 0..1.

    NaN if no pixel was counted.
    """
    return float(mean_iou_of(overlap(matrix)))


def accuracy(matrix: np.ndarray) -> float:
    """The fraction of counted pixels that are right, 0..1; NaN if none was counted."""
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else float("nan")


def image_iou(truth: np.ndarray, labels: np.ndarray, classes: int) -> float:
    """Per-image IoU: the mean over the classes present in truth or prediction, 0..1."""
    return mean_iou(confusion(truth, labels, classes))


def known(value: float) -> float | None:
    """The value, or None for what is no finite number, since JSON has no name for it."""
    return value if math.isfinite(value) else None


def _iou(overlaps: np.ndarray) -> np.ndarray:
    """Shape (..., K) of (..., 2, K) pixels; NaN for an empty union."""
    intersection, union = np.moveaxis(np.asarray(overlaps, np.float64), -2, 0)
    return np.divide(intersection, union, out=np.full(union.shape, np.nan), where=union > 0)

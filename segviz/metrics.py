"""Confusion matrices, and the metrics that follow from them: IoU, mIoU and accuracy."""

import math

import numpy as np

from .data.classes import IGNORE

__all__ = [
    "accuracy",
    "class_iou",
    "confusion",
    "finite_or_none",
    "mean_iou",
    "mean_iou_from_overlap",
    "overlap",
]


def confusion(truth: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Count the pixels of each pair of true and predicted class.

    Arguments:
        truth: Class ids, integer, 0..K-1 or 255 = ignore, any shape.
        labels: Predicted class ids, integer, 0..K-1, the shape of `truth`.
        classes: The number of classes K.

    Returns:
        Shape (K, K), int64: row = truth, column = prediction; ignored pixels are not counted.

    Raises:
        ValueError: If the shapes differ.
    """
    if truth.shape != labels.shape:
        raise ValueError(
            f"truth and prediction must have one shape, got {truth.shape} and {labels.shape};"
            " bring the prediction to the resolution of the truth."
        )
    counted = truth != IGNORE
    pairs = truth[counted].astype(np.int64) * classes + labels[counted]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def overlap(matrix: np.ndarray) -> np.ndarray:
    """Return each class's pixels in the intersection and in the union of truth and prediction.

    Arguments:
        matrix: A confusion matrix, shape (K, K).

    Returns:
        Shape (2, K), int64; additive over images, as confusion matrices are.
    """
    intersection = np.diag(matrix)
    return np.stack([intersection, matrix.sum(0) + matrix.sum(1) - intersection])


def mean_iou_from_overlap(overlaps: np.ndarray) -> np.ndarray:
    """Return the mIoU over the classes that occur, 0..1; NaN where none occurs.

    Arguments:
        overlaps: Counts of `overlap`, shape (..., 2, K).

    Returns:
        Shape (...), float64.
    """
    values = _iou(overlaps)
    occurs = np.isfinite(values)
    counts, sums = occurs.sum(-1), np.where(occurs, values, 0).sum(-1)
    return np.divide(sums, counts, out=np.full(counts.shape, np.nan), where=counts > 0)


def class_iou(matrix: np.ndarray) -> np.ndarray:
    """Return intersection / union of each class, shape (K,), 0..1; NaN if a class is absent.

    Arguments:
        matrix: A confusion matrix, shape (K, K).
    """
    return _iou(overlap(matrix))


def mean_iou(matrix: np.ndarray) -> float:
    """Return the mean of `class_iou` over the classes that occur, 0..1; NaN if no pixel is counted.

    Arguments:
        matrix: The confusion matrix of a data set (its mIoU) or of one image (its IoU), (K, K).
    """
    return float(mean_iou_from_overlap(overlap(matrix)))


def accuracy(matrix: np.ndarray) -> float:
    """Return the fraction of counted pixels that are right, 0..1; NaN if none was counted.

    Arguments:
        matrix: A confusion matrix, shape (K, K).
    """
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else float("nan")


def finite_or_none(value: float) -> float | None:
    """Return the value if it is finite, else None: JSON has neither NaN nor infinity."""
    return value if math.isfinite(value) else None


def _iou(overlaps: np.ndarray) -> np.ndarray:
    """Return intersection / union, shape (..., K), of counts (..., 2, K); NaN for empty unions."""
    intersection, union = np.moveaxis(np.asarray(overlaps, np.float64), -2, 0)
    return np.divide(intersection, union, out=np.full(union.shape, np.nan), where=union > 0)

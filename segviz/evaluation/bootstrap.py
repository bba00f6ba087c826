"""Estimate the standard error of an mIoU by the bootstrap over images."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from ..metrics import mean_iou_from_overlap

__all__ = ["RESAMPLES", "difference", "resampled_miou", "standard_error"]

RESAMPLES = 1000


@lru_cache(maxsize=2)
def _draws(images: int, resamples: int) -> np.ndarray:
    """Return how often each image is drawn, shape (B, N), int64; a function of B and N alone."""
    picks = np.random.default_rng(0).integers(0, images, (resamples, images))
    return np.stack([np.bincount(pick, minlength=images) for pick in picks])


def resampled_miou(overlaps: Sequence[np.ndarray], resamples: int = RESAMPLES) -> np.ndarray:
    """Return the mIoU of all images, then of B samples of as many images with replacement.

        m_b = mIoU(sum_n w_bn (intersection_n, union_n)), w_b ~ Multinomial(N, 1/N)

    The samples depend on N alone, so the values of other methods on the same images, in the same
    order, are of the same samples.

    Arguments:
        overlaps: For each of the N images `metrics.overlap` of its confusion matrix, (2, K) int64.
        resamples: The number of samples B.

    Returns:
        Shape (1 + B,), float64, 0..1. NaN where no pixel was counted, and in all samples of a
        single image.

    Source:
        Efron, Bootstrap methods: another look at the jackknife, 1979, section 2.
    """
    found = np.full(1 + resamples, np.nan)
    if len(overlaps):
        stack = np.stack(overlaps)
        found[0] = mean_iou_from_overlap(stack.sum(0))
        if len(stack) > 1:
            found[1:] = mean_iou_from_overlap(np.tensordot(_draws(len(stack), resamples), stack, 1))
    return found


def standard_error(values: np.ndarray) -> float:
    """Return the standard deviation over the samples of `resampled_miou`; NaN for fewer than 2."""
    drawn = values[1:][np.isfinite(values[1:])]
    return float(drawn.std()) if len(drawn) > 1 else float("nan")


def difference(values: np.ndarray, others: np.ndarray) -> tuple[float, float]:
    """Return the difference of two mIoUs and its standard error over the same samples.

    Arguments:
        values: `resampled_miou` of one method.
        others: `resampled_miou` of another on the same images.
    """
    gap = values - others
    return float(gap[0]), standard_error(gap)

"""The size of the dynamic receptive field; without torch, for whatever draws or describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["TRUNCATION", "extent"]

TRUNCATION = 2
"""Standard deviations that a Gaussian reaches to each side."""

Array = TypeVar("Array", np.ndarray, "Tensor")


def extent(sigma: Array, stride: float) -> Array:
    r"""Return the receptive field size: the side length of the dynamic filter.

    .. math:: r \, (2 d + 4 \sigma + 1), \quad d = \max(1, \sigma)

    Arguments:
        sigma: Standard deviations in feature pixels, an array or tensor of any shape.
        stride: The feature stride r in input pixels.

    Returns:
        Side lengths in input pixels, the type and shape of `sigma`.
    """
    return stride * (2 * sigma.clip(1) + 2 * TRUNCATION * sigma + 1)

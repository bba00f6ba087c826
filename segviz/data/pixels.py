"""Read photos and masks that are already in memory: PIL images, arrays and tensors."""

from typing import Any

import numpy as np
from PIL import Image

from ..errors import InputError
from .images import upright_rgb

__all__ = ["as_labels", "as_pixels"]


def as_pixels(photo: Any) -> np.ndarray:  # noqa: ANN401
    """Return a photo as pixels.

    Floats are taken as 0..1 or 0..255 by their largest value, and refused if they are neither.

    Arguments:
        photo: A PIL image, an array (H, W, 3), or a torch tensor (3, H, W) or (H, W, 3); integers
            0..255, or floats 0..1 or 0..255.

    Returns:
        Shape (H, W, 3), uint8 RGB.

    Raises:
        InputError: If its shape, dtype or range are others.
    """
    if isinstance(photo, Image.Image):
        return upright_rgb(photo)
    if hasattr(photo, "detach"):  # a tensor; torch itself takes seconds to import
        tensor = photo.detach().cpu()
        # NumPy has no bfloat16.
        values: np.ndarray = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
        if values.ndim == 3 and values.shape[0] == 3 and values.shape[2] != 3:
            values = values.transpose(1, 2, 0)
    elif isinstance(photo, np.ndarray):
        values = photo
    else:
        raise InputError(
            "a photo must be a path, a PIL image, an array or a tensor, got"
            f" {type(photo).__name__}."
        )
    return np.ascontiguousarray(_as_bytes(_check_shape(values)))


def as_labels(truth: Any) -> np.ndarray:  # noqa: ANN401
    """Return class ids in memory as an array; their shape, dtype and range are not checked.

    Arguments:
        truth: An array or a torch tensor.

    Raises:
        InputError: If it is neither.
    """
    if hasattr(truth, "detach"):
        truth = truth.detach().cpu()
        return (truth.float() if truth.is_floating_point() else truth).numpy()
    if not isinstance(truth, np.ndarray):
        raise InputError(
            "truth must be the path of a mask, or class ids as an array or a tensor (H, W), got"
            f" {type(truth).__name__}; convert it by numpy.array."
        )
    return truth


def _check_shape(values: np.ndarray) -> np.ndarray:
    shape = values.shape
    if values.ndim == 3 and shape[2] == 3:
        return values
    remedy = "give (H, W, 3)"
    if values.ndim == 2 or (values.ndim == 3 and shape[2] == 1):
        remedy = "it is grey: repeat it for red, green and blue"
    elif values.ndim == 3 and shape[2] == 4:
        remedy = "leave the transparency out by photo[..., :3]"
    elif values.ndim == 3 and shape[0] == 3:
        remedy = "put the channels last by photo.transpose(1, 2, 0)"
    elif values.ndim == 4:
        remedy = "give one photo at a time"
    raise InputError(f"photo must have the shape (H, W, 3), got {shape}; {remedy}.")


def _as_bytes(values: np.ndarray) -> np.ndarray:
    if values.dtype == np.uint8:
        return values
    kind = values.dtype.kind
    if kind not in "fiu":
        raise InputError(
            f"photo must be integers 0..255 or floats, got {values.dtype}; convert it to uint8."
        )
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    fits = low >= 0 and high <= 255
    if kind == "f" and fits and high <= 1:
        values = values * 255.0
    elif not fits or (kind == "f" and high <= 2):  # above 1 and yet all black: neither range
        raise InputError(
            f"photo must be integers 0..255, or floats 0..1 or 0..255, got {values.dtype} from"
            f" {low:g} to {high:g}; give the photo before any normalisation."
        )
    return np.rint(values).astype(np.uint8)

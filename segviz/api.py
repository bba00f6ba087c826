"""The two functions that most programs need: load a network, adapt it to one photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .adapt.settings import Settings
from .data import images, masks, samples
from .data.decode import MAX_RATIO, MIN_SIDE
from .errors import InputError
from .network import checkpoint
from .runtime.device import choose

if TYPE_CHECKING:
    from .network.checkpoint import Checkpoint
    from .runs.record import Record

__all__ = ["load", "run"]


def load(name: str = checkpoint.DEFAULT, device: str = "auto") -> Checkpoint:
    """Load a trained network and verify its hash.

    Arguments:
        name: A shipped checkpoint, or the path of a .safetensors file with its card beside it.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`; `auto` prefers a GPU.

    Raises:
        InputError: If the checkpoint is missing or damaged, or the device is not available.
    """
    return checkpoint.load(name, choose(device))


def run(
    photo: str | Path | np.ndarray,
    network: Checkpoint | str | None = None,
    truth: str | Path | np.ndarray | None = None,
    title: str | None = None,
    **settings: Any,  # noqa: ANN401
) -> Record:
    """Adapt a network to one photo and return the record of all steps.

    A photo whose long side exceeds 500 pixels is reduced to that, the resolution of VOC, first.

    Arguments:
        photo: A path, `sample:NAME`, or RGB pixels of shape (H, W, 3), uint8.
        network: A loaded checkpoint, or its name or path; None loads the default.
        truth: A mask's path, or class ids of shape (H, W), integer, 255 = ignore; None takes a
            sample's own truth. Without any, steps are compared with the prediction at scale 1.
        title: What to call the photo; by default its file name or the sample's title.
        settings: The fields of `Settings`, such as `scale=2`, `objective="oracle"`, `steps=16`.

    Raises:
        InputError: If a value is out of its range, the photo or the truth cannot be used, or the
            run does not fit into the free memory.
    """
    from .runs.run import Run

    chosen = Settings(**settings)
    pixels, labels, name = _read(photo, truth)
    if network is None or isinstance(network, str):
        network = load(network or checkpoint.DEFAULT)
    return Run(network, pixels, chosen, labels, title or name).all()


def _read(
    photo: str | Path | np.ndarray, truth: str | Path | np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None, str]:
    labels: np.ndarray | None = None
    if isinstance(photo, np.ndarray):
        pixels, name = _check_photo(photo), "photo"
    elif str(photo).startswith("sample:"):
        sample = str(photo).removeprefix("sample:")
        (pixels, labels), name = samples.load(sample), samples.SAMPLES[sample].title
    else:
        pixels, name = images.load_photo(Path(photo)), Path(photo).name
    if isinstance(truth, np.ndarray):
        labels = _check_truth(truth)
    elif truth is not None:
        labels = masks.load_labels(Path(truth), pixels.shape[:2])
    pixels, labels, _ = images.fit(pixels, labels)
    return pixels, labels, name


def _check_photo(photo: np.ndarray) -> np.ndarray:
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise InputError(
            f"photo must be uint8 of shape (H, W, 3), got {photo.dtype} of shape {photo.shape};"
            " convert it to 8-bit RGB."
        )
    height, width = photo.shape[:2]
    if min(height, width) < MIN_SIDE or max(height, width) > MAX_RATIO * min(height, width):
        raise InputError(
            f"photo must have sides of at least {MIN_SIDE} pixels and at most {MAX_RATIO} to 1, got"
            f" {width} x {height}; choose another photo or crop it."
        )
    return photo


def _check_truth(truth: np.ndarray) -> np.ndarray:
    if truth.ndim != 2 or truth.dtype.kind not in "iu":
        raise InputError(
            f"truth must be integers of shape (H, W), got {truth.dtype} of shape {truth.shape};"
            " give class ids, 255 = ignore."
        )
    return truth.astype(np.int64)

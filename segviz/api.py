"""The two functions that most programs need: load a network, adapt it to one photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .adapt.settings import Settings
from .data import sources
from .network import checkpoint
from .runtime.device import choose_device

if TYPE_CHECKING:
    import numpy as np

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
    return checkpoint.load(name, choose_device(device))


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
        settings: The fields of `Settings`, such as `scale=2`, `method="oracle"`, `steps=16`.

    Raises:
        InputError: If a value is out of its range, the photo or the truth cannot be used, or the
            run does not fit into the free memory.
    """
    from .runs.run import Run

    if "objective" in settings:  # the name of earlier versions
        settings["method"] = settings.pop("objective")
    spelling = settings.pop("method", Settings.method)
    chosen = Settings.parse(spelling, **settings)
    mask = Path(truth) if isinstance(truth, str) else truth
    if isinstance(photo, str | Path):
        source = sources.load(photo, mask)
    else:
        source = sources.from_pixels(photo, mask)
    if network is None or isinstance(network, str):
        network = load(network or checkpoint.DEFAULT)
    return Run(network, source.pixels, chosen, source.truth, title or source.title).all()

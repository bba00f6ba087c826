"""The two functions that most programs need: load a network, adapt it to one photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .adapt.settings import Settings
from .data import sources
from .data.images import LONG_SIDE, long_side_text
from .data.pixels import as_labels, as_pixels
from .network import checkpoint
from .runtime.device import choose_device

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image
    from torch import Tensor

    from .network.checkpoint import Checkpoint
    from .runs.record import Record

__all__ = ["load", "run"]


def load(name: str = checkpoint.DEFAULT, device: str = "auto") -> Checkpoint:
    """Load a trained network.

    Arguments:
        name: A shipped checkpoint, the path of a .safetensors file with its card beside it, or the
            spelling of a network of another library: `hf:ID_OR_FOLDER`, `tv:NAME[:FILE]`,
            `smp:ID_OR_FOLDER` or `py:FILE.py:FUNCTION`.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`; `auto` prefers a GPU.

    Raises:
        InputError: If the checkpoint is missing or damaged, or the device is not available.
    """
    return checkpoint.load(name, choose_device(device))


def run(
    photo: str | Path | Image | np.ndarray | Tensor,
    network: Checkpoint | str | None = None,
    truth: str | Path | np.ndarray | Tensor | None = None,
    title: str | None = None,
    long_side: int | None = LONG_SIDE,
    **settings: Any,  # noqa: ANN401
) -> Record:
    """Adapt a network to one photo and return the record of all steps.

    Arguments:
        photo: A path, `sample:NAME`, a PIL image, an array (H, W, 3) or a tensor (3, H, W) of
            integers 0..255 or floats 0..1 or 0..255, RGB.
        network: What `load` or `wrap` returned, or a name for `load`; None loads the default.
        truth: A mask's path, or class ids of shape (H, W), an integer array or tensor,
            255 = ignore; None takes a sample's own truth, if the network has its classes. Without
            any, steps are compared with the prediction at scale 1.
        title: What to call the photo; by default its file name or the sample's title.
        long_side: What the long side of larger photos is reduced to first, by default the
            resolution of VOC; None = nothing.
        settings: The fields of `Settings`, such as `scale=2`, `method="oracle"`, `steps=16`,
            `tile=512`.

    Raises:
        InputError: If a value is out of its range, the photo or the truth cannot be used, or the
            run does not fit into the free memory.
    """
    from .runs.run import Run

    if "objective" in settings:  # the name of earlier versions
        settings["method"] = settings.pop("objective")
    spelling = settings.pop("method", Settings.method)
    Settings.parse(spelling, **settings)  # fails before a network is loaded
    mask = _as_mask(truth)
    pixels = None if isinstance(photo, str | Path) else as_pixels(photo)
    if network is None or isinstance(network, str):
        network = load(network or checkpoint.DEFAULT)
    chosen = Settings.parse(spelling, groups=network.network.groups, **settings)
    form = sources.TruthFormat(network.class_list)
    if isinstance(photo, str | Path):
        source = sources.load(photo, mask, format=form, long_side=long_side)
    else:
        assert pixels is not None
        source = sources.from_pixels(pixels, mask, format=form, long_side=long_side)
    facts = {"long_side": long_side_text(long_side)}
    return Run(network, source.pixels, chosen, source.truth, title or source.title, facts).all()


def _as_mask(truth: Any) -> Path | np.ndarray | None:  # noqa: ANN401
    if truth is None or isinstance(truth, Path):
        return truth
    return Path(truth) if isinstance(truth, str) else as_labels(truth)

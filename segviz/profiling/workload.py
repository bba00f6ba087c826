"""The networks and the photo that are profiled."""

import numpy as np
import torch
from PIL import Image

from ..data import samples
from ..network.architecture import Architecture
from ..network.backbone import BACKBONES
from ..network.checkpoint import Checkpoint, load
from ..network.dynamic import Segmenter

__all__ = ["benchmark_photo", "load_or_build"]


def benchmark_photo() -> np.ndarray:
    """Return the shipped photo of a cat at VOC's usual size, (375, 500, 3) uint8."""
    cat, _ = samples.load("cat")
    height, width = cat.shape[:2]
    margin = (width - height * 4 // 3) // 2
    return np.asarray(Image.fromarray(cat[:, margin : width - margin]).resize((500, 375)))


def load_or_build(name: str, device: torch.device | str = "cpu") -> Checkpoint:
    """Return a checkpoint, or an untrained network on a backbone of `BACKBONES`.

    Time and memory do not depend on the weights, except that they determine how many pixels the
    objective selects.

    Arguments:
        name: A shipped checkpoint, the path of another, or a backbone.
        device: The device of the network.

    Raises:
        InputError: If `name` is none of these.
    """
    if name in BACKBONES:
        torch.manual_seed(0)
        network = Segmenter(Architecture.of(name)).to(device).to(memory_format=torch.channels_last)
        return Checkpoint(f"{name}, untrained", "", {}, network.freeze())
    return load(name, device)

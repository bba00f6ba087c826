"""The segmentation network and its trained weights."""

from .architecture import Architecture
from .backbone import BACKBONES
from .checkpoint import Checkpoint, load
from .segmenter import Encoding, Prediction, Segmenter, Theta

__all__ = [
    "BACKBONES",
    "Architecture",
    "Checkpoint",
    "Encoding",
    "Prediction",
    "Segmenter",
    "Theta",
    "load",
]

"""The segmentation network and its trained weights."""

from .backbone import BACKBONES
from .checkpoint import Checkpoint, load
from .segmenter import Architecture, Encoding, Prediction, Segmenter, Theta

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

"""The segmentation network and its trained weights."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .architecture import Architecture
    from .backbone import BACKBONES
    from .checkpoint import Checkpoint, load
    from .dynamic import Encoding, Prediction, Segmenter, Theta

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

_HOMES = {
    "BACKBONES": "backbone",
    "Architecture": "architecture",
    "Checkpoint": "checkpoint",
    "load": "checkpoint",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """What is first asked for: cards are read without torch, which takes seconds to import."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES.get(name, 'dynamic')}", __name__), name)

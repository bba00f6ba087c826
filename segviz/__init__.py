"""Watch a segmentation network adapt itself to one image."""

from .version import __version__

__all__ = ["__version__"]

"""Watch a segmentation network adapt itself to one image."""

__version__ = "0.1.0"

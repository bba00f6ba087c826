"""HEIC and HEIF, the photos of phones, which the optional package pillow-heif decodes."""

from functools import cache
from importlib import import_module

__all__ = ["HEIF", "has_decoder", "is_heif"]

HEIF = "HEIF"
"""Pillow's name of the format once pillow-heif is registered."""

PACKAGE = "pillow_heif"

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""The brands of ISO base media files that hold HEIF images."""


@cache
def has_decoder() -> bool:
    """Register the decoder with Pillow; return whether the package is installed."""
    try:
        import_module(PACKAGE).register_heif_opener(thumbnails=False)
    except ImportError:
        return False
    return True


def is_heif(header: bytes) -> bool:
    """Return whether a file begins like a HEIF image, given its first 12 bytes or more."""
    return header[4:8] == b"ftyp" and header[8:12] in BRANDS

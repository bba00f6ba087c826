"""Read text files that list images: ids, names of files, or paths, as other programs write them."""

import re
from pathlib import Path

from ..errors import InputError, guard
from ..runtime.files import decode_text, read_file

__all__ = ["fields_of", "file_stem", "read_lines"]

MAX_BYTES = 50_000_000

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
"""The suffixes of photos and masks, which lists may have or leave out."""


def read_lines(path: Path, noun: str) -> list[str]:
    """Return the lines of a list without those that are empty or comments (#).

    Separators of paths become "/".

    Arguments:
        path: The text file, UTF-8 or UTF-16, with or without a byte order mark.
        noun: What errors call it.

    Raises:
        InputError: If it cannot be read, is not text or has no lines.
    """
    remedy = "give --split and --exclude text files with one image a line"
    data = read_file(path, noun, MAX_BYTES, remedy)
    with guard(f"{noun} {path} cannot be read", remedy):
        text = decode_text(data)
    lines = [line.strip().replace("\\", "/") for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise InputError(f"{noun} {path} has no ids (0 lines); {remedy}.")
    return lines


def fields_of(line: str, blanks: bool = True) -> list[str]:
    """Return the fields of a line between commas, semicolons, tabs and perhaps blanks.

    Quotes around a field are taken off.
    """
    parts = re.split(r"[,;\s]+" if blanks else r"[,;\t]+", line.strip())
    return [field for part in parts if (field := part.strip().strip("\"'").strip())]


def file_stem(name: str) -> str:
    """Return the path of a photo or mask without its suffix; other dots stay."""
    stem, dot, suffix = name.rpartition(".")
    return stem if dot + suffix.lower() in SUFFIXES else name

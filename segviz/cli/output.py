"""What commands write: folders, files, notes on photos, and the command line itself."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from ..data.sources import Photo

__all__ = ["command_line", "make_folder", "print_note", "write_atomically", "write_file"]


def make_folder(out: str, option: str = "--out") -> Path:
    """Create the output folder, before the work that fills it.

    Raises:
        InputError: If it cannot be made.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {out} cannot be made ({error.strerror}); choose another {option}."
        ) from error
    return folder


def write_file(path: Path, data: bytes) -> int:
    """Write a file and return its size in bytes.

    Raises:
        InputError: If it cannot be written.
    """
    try:
        return path.write_bytes(data)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); choose another --out."
        ) from error


def write_atomically(path: Path, content: str) -> None:
    """Write a text file so that no reader sees half of it.

    Raises:
        InputError: If it cannot be written.
    """
    partial = path.with_suffix(".partial")
    write_file(partial, content.encode())
    try:
        partial.replace(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); choose another --out."
        ) from error


def print_note(photo: Photo) -> None:
    """Print on stderr what was changed about a photo, or is missing."""
    if photo.note:
        print(f"segviz: {photo.title}: {photo.note}", file=sys.stderr)


def command_line() -> str:
    """Return the command of this process, for results and cards."""
    return "segviz " + shlex.join(sys.argv[1:])

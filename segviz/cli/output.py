"""What commands write: folders, notes on photos, and the command line itself."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..runtime.files import check_writable

if TYPE_CHECKING:
    from ..data.sources import Photo

__all__ = ["command_line", "make_folder", "print_note"]


def make_folder(out: str, option: str = "--out") -> Path:
    """Create the output folder, before the work that fills it.

    Raises:
        InputError: If it cannot be made, or files cannot be written to it.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {out} cannot be made ({error.strerror}); choose another {option}."
        ) from error
    check_writable(folder, f"choose another {option}")
    return folder


def print_note(photo: Photo) -> None:
    """Print on stderr what was changed about a photo, or is missing."""
    if photo.note:
        print(f"segviz: {photo.title}: {photo.note}", file=sys.stderr)


def command_line() -> str:
    """Return the command of this process, for results and cards."""
    return "segviz " + shlex.join(sys.argv[1:])

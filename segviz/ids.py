"""Lists of image ids: splits of VOC and text files."""

from pathlib import Path

from . import voc
from .errors import InputError

__all__ = ["read_ids", "split_ids"]


def split_ids(root: Path, split: str, exclude: Path | None = None) -> list[str]:
    """The ids of a split, or of a file with one id a line, without those in another file.

    Raises:
        InputError: If a file or split is missing.
    """
    path = Path(split)
    ids = read_ids(path) if path.suffix == ".txt" else voc.read_split(root, split)
    drop = set(read_ids(exclude)) if exclude is not None else set()
    return [name for name in ids if name not in drop]


def read_ids(path: Path) -> list[str]:
    """The ids in a text file, one a line.

    Raises:
        InputError: If it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the list of ids {path} cannot be read ({error}).") from error

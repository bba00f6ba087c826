"""Lists of image ids: splits of VOC and text files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import voc

__all__ = ["read_ids", "split_ids", "subset"]


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


def subset(ids: Sequence[str], count: int) -> list[str]:
    """A random subset of at most `count` ids, in their order: the same whenever it is asked for."""
    order = np.random.default_rng(0).permutation(len(ids))[:count]
    return [ids[i] for i in sorted(order)]

"""Lists of image ids: the splits of VOC, text files, random subsets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import voc

__all__ = ["read_ids", "split_ids", "subset", "voc_images"]


def split_ids(root: Path, split: str, exclude: Path | None = None) -> list[str]:
    """Return the ids of a split or of a text file.

    Arguments:
        root: The folder VOC2012.
        split: The name of a split, or the path of a .txt file with one id on each line.
        exclude: A file of ids to leave out.

    Raises:
        InputError: If a file or the split is missing or unreadable.
    """
    path = Path(split)
    ids = read_ids(path) if path.suffix == ".txt" else voc.read_split(root, split)
    excluded = set(read_ids(exclude)) if exclude is not None else set()
    return [id for id in ids if id not in excluded]


def voc_images(root: Path, split: str, exclude: Path | None = None) -> voc.VocImages:
    """Return the images of a split or of a text file, each once, see `split_ids`."""
    return voc.VocImages(root, split, tuple(dict.fromkeys(split_ids(root, split, exclude))))


def read_ids(path: Path) -> list[str]:
    """Return the ids in a text file, each once: one a line, or as the paths of photos and masks.

    Raises:
        InputError: If the file cannot be read.
    """
    try:
        words = path.read_text(encoding="utf-8-sig").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the list of ids {path} cannot be read ({error}); give a text file."
        ) from error
    return list(dict.fromkeys(map(voc.id_in_list, words)))


def subset(ids: Sequence[str], count: int) -> list[str]:
    """Return a fixed random subset of at most `count` ids, in their order."""
    order = np.random.default_rng(0).permutation(len(ids))[:count]
    return [ids[i] for i in sorted(order)]

"""Lists of image ids: the splits of VOC, text files, random subsets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import voc

__all__ = ["split_ids", "subset", "voc_images"]


def split_ids(root: Path, split: str, exclude: Path | None = None) -> list[str]:
    """Return the ids of a split or of a text file.

    Arguments:
        root: The folder VOC2012.
        split: The name of a split, or the path of a .txt file with one id on each line.
        exclude: A file of ids to leave out.

    Raises:
        InputError: If a file or the split is missing or unreadable, or `exclude` names none of the
            split.
    """
    path = Path(split)
    ids = voc.read_list(path) if path.suffix == ".txt" else voc.read_split(root, split)
    if exclude is None:
        return ids
    excluded = set(voc.read_list(exclude))
    if excluded.isdisjoint(ids):
        raise InputError(
            f"{exclude} names none of the {len(ids)} images of {split}, but {len(excluded)} others"
            f" such as {min(excluded)}; correct the list or leave it out."
        )
    return [id for id in ids if id not in excluded]


def voc_images(root: Path, split: str, exclude: Path | None = None) -> voc.VocImages:
    """Return the images of a split or of a text file, each once, see `split_ids`."""
    return voc.VocImages(root, split, tuple(dict.fromkeys(split_ids(root, split, exclude))))


def subset(ids: Sequence[str], count: int) -> list[str]:
    """Return a fixed random subset of at most `count` ids, in their order."""
    order = np.random.default_rng(0).permutation(len(ids))[:count]
    return [ids[i] for i in sorted(order)]

"""PASCAL VOC 2012: its folder, splits, photos, truth, and how to get it."""

__all__ = [
    "CLASSES",
    "IGNORE",
    "PALETTE",
    "classes_of",
    "colourise",
    "download",
    "find_root",
    "read_photo",
    "read_split",
    "read_truth",
    "search",
]

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError
from . import sbd
from .classes import CLASSES, IGNORE, PALETTE, colourise
from .images import load_labels, load_photo

_LISTS = "ImageSets/Segmentation"
_TRUTHS = ("SegmentationClass", "SegmentationClassAug")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def find_root(path: str | Path) -> Path:
    r"""Finds the folder VOC2012.

    Arguments:
        path: The folder that holds `VOCdevkit/VOC2012` or `VOC2012`, or is one.

    Returns:
        The folder with `JPEGImages`, `ImageSets/Segmentation` and `SegmentationClass` or
        `SegmentationClassAug`.

    Raises:
        InputError: If there is none, with what is missing and where it was looked for.
    """
    path = Path(path)
    places = (path, path / "VOC2012", path / "VOCdevkit" / "VOC2012")
    try:
        if not path.is_dir():
            raise InputError(
                f"The VOC folder {path} does not exist or is not a folder; give the folder that "
                f"holds VOCdevkit/VOC2012."
            )
        gaps = {place: _missing(place) for place in places}
    except OSError as error:
        raise InputError(
            f"The VOC folder {str(path)[:80]} cannot be read ({error.strerror}); give the folder "
            f"that holds VOCdevkit/VOC2012."
        ) from error
    best = min(places, key=lambda place: len(gaps[place]))
    if len(gaps[best]) == 3:
        raise InputError(
            f"No VOC 2012 in {', '.join(map(str, places))} (none has JPEGImages); give the "
            f"folder that holds VOCdevkit/VOC2012."
        )
    if gaps[best]:
        raise InputError(
            f"The VOC folder {best} has no {' and no '.join(gaps[best])}; unpack VOC 2012 again "
            f"or give another folder."
        )
    return best


def read_split(root: Path, split: str) -> list[str]:
    r"""Reads the ids of a split, in the order of its file.

    Arguments:
        root: The folder VOC2012.
        split: The name of a list in `ImageSets/Segmentation`: train, val, trainval, trainaug, ...

    Returns:
        The ids, such as "2007_000123".

    Raises:
        InputError: If there is no such list (the error names those that exist), if it is empty
            or not text, or if it holds something that is not an id.
    """
    folder = Path(root) / _LISTS
    known = sorted(file.stem for file in folder.glob("*.txt"))
    if split not in known:
        raise InputError(
            f"The split {split!r} is not in {folder}, which has {', '.join(known) or 'none'}; "
            f"choose one of these."
        )
    file = folder / f"{split}.txt"
    try:
        lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise InputError(f"The list {file} cannot be read ({error}); restore it.") from error
    # Lists in the style of DeepLab give "/JPEGImages/ID.jpg /SegmentationClassAug/ID.png".
    names = [line[0].rpartition("/")[2].removesuffix(".jpg") for line in lines if line]
    if not names:
        raise InputError(f"The list {file} has no ids (0 lines); restore it.")
    return [_checked(name) for name in names]


def read_photo(root: Path, id: str) -> np.ndarray:
    r"""Reads the photo of an id.

    Arguments:
        root: The folder VOC2012.
        id: The id, such as "2007_000123".

    Returns:
        The photo (H, W, 3) uint8 RGB.

    Raises:
        InputError: If the id is malformed, or its file missing or damaged.
    """
    file = Path(root) / "JPEGImages" / f"{_checked(id)}.jpg"
    if not file.is_file():
        raise InputError(f"The photo of {id} is missing: no {file}; choose another id.")
    return load_photo(file)


def read_truth(root: Path, id: str) -> np.ndarray:
    r"""Reads the truth of an id from SegmentationClass, else from SegmentationClassAug.

    Arguments:
        root: The folder VOC2012.
        id: The id, such as "2007_000123".

    Returns:
        The class ids (H, W) int64, in [0, 20] or 255 for ignore.

    Raises:
        InputError: If the id is malformed, or its file missing or damaged.
    """
    files = [Path(root) / folder / f"{_checked(id)}.png" for folder in _TRUTHS]
    for file in files:
        if file.is_file():
            return load_labels(file)
    raise InputError(
        f"The truth of {id} is missing: no {files[0]} and no {files[1]}; choose another id."
    )


def classes_of(root: Path, ids: Iterable[str]) -> dict[str, tuple[int, ...]]:
    r"""Lists the object classes in the truth of each image.

    About 3 ms an image; nothing is cached here.

    Arguments:
        root: The folder VOC2012.
        ids: The ids.

    Returns:
        For each id the class ids present, ascending, without background and ignore.

    Raises:
        InputError: As in `read_truth`.
    """
    index = {}
    for id in ids:
        counts = np.bincount(read_truth(root, id).ravel(), minlength=len(CLASSES))
        present = np.flatnonzero(counts[1 : len(CLASSES)]) + 1
        index[id] = tuple(present.tolist())
    return index


def search(ids: Iterable[str], index: Mapping[str, tuple[int, ...]], query: str) -> list[str]:
    r"""Finds images by parts of their id and of the names of their classes.

    The words of the query are separated by spaces, commas or slashes; an image is found if every
    word is part of its id or of the name of a class in it, in any case: "2007 dog", "tv".

    Arguments:
        ids: The ids to search in.
        index: The classes of each id, from `classes_of`; an id without an entry has no classes.
        query: The query; an empty one finds all.

    Returns:
        The ids found, in their order.
    """
    words = re.findall(r"[^\s,/]+", query.lower())
    found = []
    for id in ids:
        texts = (id.lower(), *(CLASSES[label] for label in index.get(id, ())))
        if all(any(word in text for text in texts) for word in words):
            found.append(id)
    return found


def download(path: str | Path, augment: bool = True) -> Path:
    r"""Downloads VOC 2012 (2 GB) and the labels of SBD (1.4 GB) through torchvision.

    What is already there and complete is not fetched again.

    Arguments:
        path: The folder to hold `VOCdevkit/VOC2012`; made if needed.
        augment: Whether to fetch SBD too and to write the split trainaug.

    Returns:
        The folder VOC2012.

    Raises:
        InputError: If a download fails, with its address, the reason and what to do; or if the
            folder cannot be written.

    References:
        The PASCAL Visual Object Classes Challenge: A Retrospective (Everingham et al., 2015)
        http://host.robots.ox.ac.uk/pascal/VOC/voc2012/

        Semantic Contours from Inverse Detectors (Hariharan et al., 2011)
        http://home.bharathh.info/pubs/codes/SBD/download.html
    """
    from torchvision.datasets import SBDataset, VOCSegmentation
    from torchvision.datasets.voc import DATASET_YEAR_DICT

    path = Path(path)
    if not _complete(path):
        try:
            path.mkdir(parents=True, exist_ok=True)
            VOCSegmentation(str(path), year="2012", image_set="trainval", download=True)
        except Exception as error:
            raise InputError(
                f"VOC 2012 could not be downloaded from {DATASET_YEAR_DICT['2012']['url']} to "
                f"{path} ({error!r}); check the connection and the disk, or fetch "
                f"VOCtrainval_11-May-2012.tar from a mirror and unpack it there."
            ) from error
    root = find_root(path)
    trainaug = root / _LISTS / "trainaug.txt"
    if augment and not trainaug.is_file():
        folder = path / "sbd"
        if not (folder / "cls").is_dir():
            try:
                folder.mkdir(exist_ok=True)
                SBDataset(str(folder), image_set="train", mode="segmentation", download=True)
            except Exception as error:
                raise InputError(
                    f"VOC 2012 is complete in {root}, but the labels of SBD could not be "
                    f"downloaded from {SBDataset.url} ({error!r}); try again later, or "
                    f"train on the split train."
                ) from error
        ids = sbd.convert(folder, root, read_split(root, "train"), read_split(root, "val"))
        # Written last: the list promises that the labels are there.
        trainaug.write_text("\n".join(ids) + "\n", encoding="utf-8")
    return root


def _missing(place: Path) -> list[str]:
    missing = [name for name in ("JPEGImages", _LISTS) if not (place / name).is_dir()]
    if not any((place / name).is_dir() for name in _TRUTHS):
        missing.append(" or ".join(_TRUTHS))
    return missing


def _complete(path: Path) -> bool:
    # An interrupted unpacking leaves all folders there, some of them half full.
    try:
        root = find_root(path)
        ids = read_split(root, "train") + read_split(root, "val")
    except InputError:
        return False
    return all(
        (root / "JPEGImages" / f"{id}.jpg").is_file()
        and any((root / folder / f"{id}.png").is_file() for folder in _TRUTHS)
        for id in ids
    )


def _checked(id: str) -> str:
    if not _ID.fullmatch(id):
        raise InputError(
            f"The id {id[:80]!r} is not one of VOC, which have only letters, digits, _ and -; "
            f"use one such as 2007_000123."
        )
    return id

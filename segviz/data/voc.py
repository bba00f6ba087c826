"""The folder of PASCAL VOC 2012: its splits, photos and truth masks."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from ..errors import InputError
from .classes import CLASSES, VOC_CLASSES, ClassList
from .id_lists import fields_of, file_stem, read_lines
from .images import load_photo
from .masks import load_labels

__all__ = [
    "LISTS",
    "MASK_FOLDERS",
    "VocImages",
    "classes_of",
    "find_root",
    "has_photo",
    "read_list",
    "read_photo",
    "read_split",
    "read_truth",
    "search",
    "splits",
]

LISTS = "ImageSets/Segmentation"
"""The folder with one text file of ids for each split."""

MASK_FOLDERS = ("SegmentationClass", "SegmentationClassAug")
"""The folders of truth masks: VOC's own, and those converted from SBD."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class VocImages:
    """Images of PASCAL VOC with their truth; implements `dataset.DataSet`.

    Arguments:
        root: The folder VOC2012.
        name: The split, or the list, that they are from.
        ids: Their ids.
    """

    root: Path
    name: str
    ids: Sequence[str]

    @property
    def classes(self) -> ClassList:
        """The classes of VOC."""
        return VOC_CLASSES

    @property
    def has_truth(self) -> bool:
        """True."""
        return True

    def photo(self, id: str) -> np.ndarray:
        """Return the photo of an id, see `read_photo`."""
        return read_photo(self.root, id)

    def truth(self, id: str) -> np.ndarray:
        """Return the truth of an id, see `read_truth`."""
        return read_truth(self.root, id)

    def row_key(self, id: str) -> str:
        """Return the id with a hash of photo and mask, the same in every copy of VOC."""
        files = (_version(_photo_file(self.root, id)), _version(_mask_file(self.root, id)))
        return f"{id} {_digest(files)[:16]}"


def find_root(path: str | Path) -> Path:
    """Find the folder VOC2012.

    Arguments:
        path: The folder VOC2012, or one that holds `VOCdevkit/VOC2012` or `VOC2012`.

    Returns:
        The folder with `JPEGImages`, `ImageSets/Segmentation` and `SegmentationClass` or
        `SegmentationClassAug`.

    Raises:
        InputError: If there is none; the message says what is missing, and where.
    """
    path = Path(path)
    candidates = (path, path / "VOC2012", path / "VOCdevkit" / "VOC2012")
    remedy = "give the folder that holds VOCdevkit/VOC2012"
    try:
        if not path.is_dir():
            raise InputError(f"the VOC folder {path} does not exist or is not a folder; {remedy}.")
        missing = {folder: _missing(folder) for folder in candidates}
    except OSError as error:
        raise InputError(
            f"the VOC folder {str(path)[:80]} cannot be read ({error.strerror}); {remedy}."
        ) from error
    best = min(candidates, key=lambda folder: len(missing[folder]))
    if len(missing[best]) == 3:
        raise InputError(
            f"there is no VOC 2012 in {', '.join(map(str, candidates))} (none has JPEGImages);"
            f" {remedy}."
        )
    if missing[best]:
        raise InputError(
            f"the VOC folder {best} has no {' and no '.join(missing[best])}; unpack VOC 2012 again"
            " or give another folder."
        )
    return best


def splits(root: Path) -> list[str]:
    """Return the names of the splits in a folder VOC2012, sorted."""
    return sorted(file.stem for file in (Path(root) / LISTS).glob("*.txt"))


def read_split(root: Path, split: str) -> list[str]:
    """Read the ids of a split, in the order of its file.

    Arguments:
        root: The folder VOC2012.
        split: The name of a list in `ImageSets/Segmentation`: train, val, trainval, trainaug, ...

    Returns:
        The ids, such as "2007_000123".

    Raises:
        InputError: If the list is missing (the message names those that exist), empty or not text,
            or if it holds something that is not an id.
    """
    folder, known = Path(root) / LISTS, splits(root)
    if split not in known:
        raise InputError(
            f"the split {split!r} is not in {folder}, which has {', '.join(known) or 'none'};"
            " choose one of these."
        )
    # Beside the photo, DeepLab's lists have its mask, and VOC's a flag.
    return [ids[0] for ids in _read_ids(folder / f"{split}.txt", "the list")]


def read_list(path: Path) -> list[str]:
    """Return the ids in a text file, each once: as ids, or as the paths of photos and masks.

    Raises:
        InputError: If the file cannot be read, or holds something that is not an id.
    """
    found = _read_ids(path, "the list of ids")
    return list(dict.fromkeys(id for ids in found for id in ids))


def _read_ids(path: Path, noun: str) -> list[list[str]]:
    """Return the ids of each line, at least one."""
    found = []
    for line in read_lines(path, noun):
        first, *others = fields_of(line) or [""]
        if others and others[0] in ("-1", "0"):
            raise InputError(
                f"{noun} {path} has flags, such as {line[:40]!r}, which say that a class is absent"
                " or doubtful; give a list of ids only."
            )
        if others == ["1"]:
            others = []
        found.append([_check_id(_id_in_list(field)) for field in (first, *others)])
    return found


def _id_in_list(word: str) -> str:
    return file_stem(word.rpartition("/")[2])


def has_photo(root: Path, id: str) -> bool:
    """Return whether a folder VOC2012 has the photo of an id."""
    return bool(_ID.fullmatch(id)) and (Path(root) / "JPEGImages" / f"{id}.jpg").is_file()


def read_photo(root: Path, id: str) -> np.ndarray:
    """Read the photo of an id.

    Arguments:
        root: The folder VOC2012.
        id: The id, such as "2007_000123".

    Returns:
        Shape (H, W, 3), uint8 RGB.

    Raises:
        InputError: If the id is malformed, or its file missing or damaged.
    """
    file = _photo_file(root, id)
    if not file.is_file():
        raise InputError(f"the photo of {id} is missing: no {file}; choose another id.")
    return load_photo(file)


def read_truth(root: Path, id: str) -> np.ndarray:
    """Read the truth of an id, from SegmentationClass if it is there, else SegmentationClassAug.

    Arguments:
        root: The folder VOC2012.
        id: The id, such as "2007_000123".

    Returns:
        Class ids, shape (H, W), int64, 0..20 or 255 = ignore.

    Raises:
        InputError: If the id is malformed, or its file missing or damaged.
    """
    file = _mask_file(root, id)
    if file is None:
        folders = " or ".join(MASK_FOLDERS)
        raise InputError(
            f"the truth of {id} is missing: no {id}.png in {folders} of {root}; choose another id."
        )
    return load_labels(file)


Version = tuple[Path, int, int] | None
"""A file with its size in bytes and the time of its last change; None = there is none."""


def _version(path: Path | None) -> Version:
    if path is None or not path.is_file():  # what is missing is said when it is read
        return None
    status = path.stat()
    return path, status.st_size, status.st_mtime_ns


@lru_cache(maxsize=8192)  # an evaluation asks for the key of an image several times
def _digest(files: tuple[Version, ...]) -> str:
    """Return the SHA-256 of the contents of files."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(b"" if file is None else file[0].read_bytes())
        digest.update(b"\0")
    return digest.hexdigest()


def _photo_file(root: Path, id: str) -> Path:
    return Path(root) / "JPEGImages" / f"{_check_id(id)}.jpg"


def _mask_file(root: Path, id: str) -> Path | None:
    """Return the first mask of an id that is there, or None."""
    files = (Path(root) / folder / f"{_check_id(id)}.png" for folder in MASK_FOLDERS)
    return next((file for file in files if file.is_file()), None)


def classes_of(root: Path, ids: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """Return the object classes in the truth of each image; takes about 3 ms an image.

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
    """Search images by parts of their ids and of the names of their classes.

    The words of the query are separated by spaces, commas or slashes. An image matches if every
    word is part of its id or of the name of one of its classes, in any case: "2007 dog", "tv".

    Arguments:
        ids: The ids to search.
        index: The classes of each id, from `classes_of`; an id without an entry has no classes.
        query: The query; an empty one matches every image.

    Returns:
        The ids of the matches, in their order.
    """
    words = re.findall(r"[^\s,/]+", query.lower())
    matches = []
    for id in ids:
        texts = (id.lower(), *(CLASSES[label] for label in index.get(id, ())))
        if all(any(word in text for text in texts) for word in words):
            matches.append(id)
    return matches


def _missing(folder: Path) -> list[str]:
    """Return the folders that a folder VOC2012 must have and this one has not."""
    missing = [name for name in ("JPEGImages", LISTS) if not (folder / name).is_dir()]
    if not any((folder / name).is_dir() for name in MASK_FOLDERS):
        missing.append(" or ".join(MASK_FOLDERS))
    return missing


def _check_id(id: str) -> str:
    """Return the id if it is safe as a file name, else raise InputError."""
    if not _ID.fullmatch(id):
        raise InputError(
            f"the id {id[:80]!r} is not an id of VOC, which has only letters, digits, _ and -;"
            " use one such as 2007_000123."
        )
    return id

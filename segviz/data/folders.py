"""Photos and masks in a pair of folders, as a data set."""

import hashlib
import os
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from ..errors import InputError
from .class_files import read_classes
from .classes import VOC_CLASSES, ClassList
from .decode import upright_size
from .id_lists import fields_of, file_stem, read_lines
from .images import LONG_SIDE, fit, load_photo
from .masks import VOC_FORMAT, Mask, MaskFormat, read_mask

__all__ = ["FolderImages", "open_folders"]

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".heif")
MASK_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".webp", ".jpg", ".jpeg")
"""The suffixes of masks; JPEGs are found in order to be refused by name."""

MAX_NAME = 300
"""The largest length of an id, in characters."""

NAMED = 5
"""The largest number of files that a sentence names."""


class _Files(NamedTuple):
    photo: Path
    mask: Path | None


@dataclass(frozen=True)
class FolderImages:
    """Photos and their masks, matched by their paths without suffix; implements `dataset.DataSet`.

    Large photos are reduced, by default to the resolution of VOC, together with their masks.

    Arguments:
        images: The folder of the photos, searched with its sub-folders.
        masks: The folder of the masks, with the same sub-folders; None = photos without truth.
        files: The files by id, which is the path of the photo below `images` without its suffix.
        unmatched: One sentence about photos without mask and masks without photo; or "".
        format: How masks say which class a pixel has.
        long_side: What the long side of larger photos is reduced to, in pixels; None = nothing.
    """

    images: Path
    masks: Path | None
    files: Mapping[str, _Files]
    unmatched: str = ""
    format: MaskFormat = VOC_FORMAT
    long_side: int | None = LONG_SIDE

    @classmethod
    def find(cls, images: Path, masks: Path | None = None) -> Self:
        """Match the photos and the masks in two folders.

        Raises:
            InputError: If a folder cannot be read or has no photos; if two photos or two masks have
                one stem; or if no photo has a mask.
        """
        photos = _by_stem(images, PHOTO_SUFFIXES, "photo")
        if not photos:
            raise InputError(
                f"the folder {images} has no photos ({', '.join(PHOTO_SUFFIXES)}); give another"
                " --images."
            )
        if masks is None:
            return cls(images, None, {id: _Files(path, None) for id, path in photos.items()})
        found = _by_stem(masks, MASK_SUFFIXES, "mask")
        both = {id: _Files(path, found[id]) for id, path in photos.items() if id in found}
        if not both:
            example = next(iter(found), None)
            beside = f"no masks ({', '.join(MASK_SUFFIXES[:-2])})"
            if example is not None:
                beside = f"{len(found)} masks such as {example}"
            raise InputError(
                f"none of the {len(photos)} photos in {images}, such as {next(iter(photos))}, has a"
                f" mask: {masks} has {beside}; name each mask as its photo, apart from the suffix."
            )
        lone = [id for id in photos if id not in found], [id for id in found if id not in photos]
        return cls(images, masks, both, _unmatched(*lone))

    @property
    def name(self) -> str:
        """The folder of the photos."""
        return str(self.images)

    @property
    def ids(self) -> Sequence[str]:
        """The ids of the photos, in alphabetical order."""
        return tuple(self.files)

    @property
    def classes(self) -> ClassList:
        """The classes of the masks."""
        return self.format.classes

    @property
    def has_truth(self) -> bool:
        """Whether there are masks."""
        return self.masks is not None

    def photo(self, id: str) -> np.ndarray:
        """Return a photo, its long side at most `long_side`, (H, W, 3) uint8."""
        return fit(load_photo(self.files[id].photo), long_side=self.long_side)[0]

    def truth(self, id: str) -> np.ndarray | None:
        """Return the truth at the size of `photo`, (H, W) int64, 255 = ignore; or None."""
        if self.files[id].mask is None:
            return None
        labels = self.mask(id).labels
        photo = np.broadcast_to(np.uint8(0), (*labels.shape, 3))
        return fit(photo, labels, self.long_side)[1]

    def mask(self, id: str) -> Mask:
        """Return the mask of a photo at its own size.

        Raises:
            InputError: If the photo has no mask, the mask cannot be read, or their sizes differ.
        """
        photo, mask = self.files[id]
        if mask is None:
            raise InputError(f"the photo {id} has no mask; give --masks.")
        return read_mask(mask, upright_size(photo, "photo"), self.format)

    def row_key(self, id: str) -> str:
        """Return the id with a hash that changes with either file and the format of masks."""
        facts = [repr(self.format)]
        if self.long_side != LONG_SIDE:
            facts.append(str(self.long_side))
        for path in self.files[id]:
            if path is not None:
                try:
                    status = path.stat()
                except OSError as error:
                    raise InputError(f"{path} cannot be read ({error.strerror}).") from error
                facts.append(f"{path.resolve()} {status.st_size} {status.st_mtime_ns}")
        return f"{id} {hashlib.sha256(chr(10).join(facts).encode()).hexdigest()[:16]}"

    def with_classes(self, classes: ClassList) -> Self:
        """Return the same images, in whose masks ids and colours stand for other classes."""
        return replace(self, format=replace(self.format, classes=classes))

    def only(self, path: Path) -> Self:
        """Return the images that a text file names, one a line, with or without suffix.

        Raises:
            InputError: If the file cannot be read, or names an image that is not there.
        """
        wanted = self._listed(path, self.files)
        return replace(self, files={id: self.files[id] for id in wanted})

    def without(self, path: Path, known: Collection[str] | None = None) -> Self:
        """Return the images that a text file does not name.

        Arguments:
            path: The file, as of `only`.
            known: The ids that the file may name, of this and of other images; None = of this.

        Raises:
            InputError: If the file cannot be read, names an image that is not there, or none of
                these images.
        """
        left_out = set(self._listed(path, self.files if known is None else known))
        if left_out.isdisjoint(self.files):
            raise InputError(f"{path} names none of the images; correct it or leave it out.")
        return replace(self, files={id: f for id, f in self.files.items() if id not in left_out})

    def _listed(self, path: Path, known: Collection[str]) -> tuple[str, ...]:
        """Return the ids that a text file lists, each once.

        Raises:
            InputError: If the file cannot be read, or names something that is not known.
        """
        found = {line: self._id_in(line, known) for line in read_lines(path, "the list of images")}
        missing = [line for line, id in found.items() if id is None]
        if missing:
            raise InputError(
                f"{path} names {len(missing)} images that {self.images} does not have with a mask,"
                f" such as {missing[0][:MAX_NAME]}; correct the list."
            )
        return tuple(dict.fromkeys(id for id in found.values() if id is not None))

    def _id_in(self, line: str, known: Collection[str]) -> str | None:
        """Return the id that a line names: a path below the folder or from the root, or a field."""
        folders = [folder.resolve().as_posix() for folder in (self.images, self.masks) if folder]
        for text in (line, *fields_of(line, blanks=False)[:1], *fields_of(line)[:1]):
            name = _normal(text.strip("\"'"))
            for start in ("", "./", *(f"{folder}/" for folder in folders)):
                id = file_stem(name.removeprefix(start))
                if id in known:
                    return id
        return None


def open_folders(
    images: Path,
    masks: Path | None = None,
    classes: Path | ClassList | None = None,
    ignore: int | None = None,
    reduce_zero_label: bool = False,
    split: str | None = None,
    exclude: Path | None = None,
    long_side: int | None = LONG_SIDE,
) -> FolderImages:
    """Return the images of a pair of folders.

    Arguments:
        images: The folder of the photos.
        masks: The folder of the masks; None = photos without truth.
        classes: The classes of the masks, or a file for `class_files.read_classes`; None = VOC's.
        ignore: The id of pixels to ignore in masks; None = 255.
        reduce_zero_label: Whether id 0 is ignored and id k stands for class k - 1.
        split: The path of a .txt file of the images to use, one a line; None = all.
        exclude: A text file of images to leave out.
        long_side: What the long side of larger photos is reduced to; None = nothing.

    Raises:
        InputError: If a folder or file cannot be used, or no image is left.
    """
    chosen = read_classes(classes) if isinstance(classes, Path) else classes
    format = MaskFormat(chosen or VOC_CLASSES, ignore, reduce_zero_label)
    data = replace(FolderImages.find(images, masks), format=format, long_side=long_side)
    known = frozenset(data.files)
    if split is not None:
        if not split.endswith(".txt"):
            raise InputError(
                f"folders have no split {split!r}; give --split a .txt file with one image a line,"
                " or leave it out."
            )
        data = data.only(Path(split))
    if exclude is not None:
        data = data.without(exclude, known)
    if not data.files:
        raise InputError(f"no image of {images} is left; check --split and --exclude.")
    return data


def _by_stem(folder: Path, suffixes: Sequence[str], noun: str) -> dict[str, Path]:
    """Return the files with certain suffixes by their paths below a folder without suffix."""
    try:
        os.listdir(folder)
    except (OSError, ValueError) as error:
        raise InputError(
            f"the folder {str(folder)[:200]} of {noun}s cannot be read"
            f" ({getattr(error, 'strerror', None) or error}); give another."
        ) from error
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.suffix.lower() not in suffixes or any(part[0] == "." for part in inside.parts):
            continue
        id = _normal(inside.with_suffix("").as_posix())
        if not id.isprintable() or "\\" in id or len(id) > MAX_NAME:
            raise InputError(
                f"the {noun} {str(path)[:MAX_NAME]!r} has control characters or backslashes in its"
                f" name, or more than {MAX_NAME} characters; rename it."
            )
        if id in found:
            raise InputError(
                f"{folder} has two {noun}s of one name, {found[id].name} and {path.name}; remove"
                f" one of them, and keep photos and masks in separate folders."
            )
        found[id] = path
    return found


def _unmatched(photos: Sequence[str], masks: Sequence[str]) -> str:
    parts = []
    for ids, noun, other in ((photos, "photo", "mask"), (masks, "mask", "photo")):
        if ids:
            some = ", ".join(ids[:NAMED]) + (", ..." if len(ids) > NAMED else "")
            verb = "has" if len(ids) == 1 else "have"
            plural = noun if len(ids) == 1 else f"{noun}s"
            parts.append(f"{len(ids)} {plural} {verb} no {other} ({some})")
    left_out = "is" if len(photos) + len(masks) == 1 else "are"
    return f"{' and '.join(parts)}, and {left_out} left out." if parts else ""


def _normal(name: str) -> str:
    """Return a name in composed Unicode: systems differ in how they store accents."""
    return unicodedata.normalize("NFC", name)

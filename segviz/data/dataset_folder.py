"""Find photos, masks and classes in one folder, by the names of what is in it."""

from pathlib import Path
from typing import NamedTuple

from ..errors import InputError
from .folders import FolderImages, open_folders

__all__ = ["CLASS_FILES", "DatasetFolder", "find_images"]

CLASS_FILES = ("classes.txt", "classes.json", "labelmap.txt", "id2label.json")
"""The names of the file of classes; the first that exists is read."""


class DatasetFolder(NamedTuple):
    """The images of one folder."""

    images: FolderImages
    has_classes: bool  # whether a file says which classes the masks hold


def find_images(folder: Path) -> DatasetFolder:
    """Find the images of a folder.

    The photos are in its sub-folder `images`, their masks in `masks`, if there is such a folder,
    and the classes in one of `CLASS_FILES`. A folder without `images` holds photos without masks.

    Raises:
        InputError: If there are no photos, no photo has a mask, or the classes cannot be read.
    """
    if not folder.is_dir():
        raise InputError(f"the folder {folder} does not exist; give another.")
    images, masks = folder / "images", folder / "masks"
    if not images.is_dir():
        if masks.is_dir():
            raise InputError(
                f"{folder} has masks, but no folder images; put the photos into {images}."
            )
        return DatasetFolder(open_folders(folder), has_classes=False)
    classes = next((folder / name for name in CLASS_FILES if (folder / name).is_file()), None)
    found = open_folders(images, masks if masks.is_dir() else None, classes)
    return DatasetFolder(found, classes is not None)

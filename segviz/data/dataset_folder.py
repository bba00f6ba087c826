"""Find photos, masks and classes in one folder, by the names of what is in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..errors import InputError
from .class_map import ClassMap, known_targets, read_class_map
from .classes import ClassList
from .folders import FolderImages, open_folders

__all__ = ["CLASS_FILES", "CLASS_MAP", "DatasetFolder", "find_images"]

CLASS_FILES = ("classes.txt", "classes.json", "labelmap.txt", "id2label.json")
"""The names of the file of classes; the first that exists is read."""

CLASS_MAP = "class-map.json"
"""The name of the file that maps them to the classes of networks whose names differ."""


class DatasetFolder(NamedTuple):
    """The images of one folder."""

    images: FolderImages
    has_classes: bool  # whether a file says which classes the masks hold
    given: Mapping[str, str | None]  # from classes of the masks to those of networks, None = ignore

    def class_map(self, network: ClassList) -> ClassMap:
        """Return the map from the classes of the masks to those of a network.

        Raises:
            InputError: If no class of the masks is one of the network.
        """
        return ClassMap.by_name(self.images.classes, network, known_targets(self.given, network))


def find_images(folder: Path) -> DatasetFolder:
    """Find the images of a folder.

    The photos are in its sub-folder `images`, their masks in `masks`, if there is such a folder,
    the classes in one of `CLASS_FILES`, and their map in `CLASS_MAP`. A folder without `images`
    holds photos without masks.

    Raises:
        InputError: If there are no photos, no photo has a mask, or the classes or their map cannot
            be read.
    """
    if not folder.is_dir():
        raise InputError(f"the folder {folder} does not exist; give another.")
    images, masks = folder / "images", folder / "masks"
    if not images.is_dir():
        if masks.is_dir():
            raise InputError(
                f"{folder} has masks, but no folder images; put the photos into {images}."
            )
        return DatasetFolder(open_folders(folder), has_classes=False, given={})
    classes = next((folder / name for name in CLASS_FILES if (folder / name).is_file()), None)
    found = open_folders(images, masks if masks.is_dir() else None, classes)
    file = folder / CLASS_MAP
    given = read_class_map(file) if classes is not None and file.is_file() else {}
    return DatasetFolder(found, classes is not None, given)

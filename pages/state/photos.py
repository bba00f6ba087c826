"""The photos of a visit: the VOC folder in use, and photos by their source."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import streamlit as st

from segviz.data import sources, voc
from segviz.data.classes import ClassList
from segviz.data.dataset_folder import DatasetFolder, find_images
from segviz.data.sources import Photo, TruthFormat
from segviz.errors import InputError
from segviz.jobs import catalogue
from segviz.jobs.limits import check_app_limit, is_shared
from segviz.jobs.visit_store import Upload

from . import controls, query_params
from .session import session
from .text import sentence

__all__ = [
    "VOC_FOLDER",
    "PhotoReader",
    "UploadReader",
    "choose_photo",
    "data_set",
    "load_photo",
    "long_side",
    "update_photo",
    "voc_folder",
    "voc_root",
]

PhotoReader = Callable[[ClassList, int], Photo]
"""Reads a photo, reduced to a long side, with its truth in the classes of a network."""


@dataclass(frozen=True)
class UploadReader:
    """Reads an uploaded photo."""

    upload: Upload

    def __call__(self, classes: ClassList, long_side: int) -> Photo:
        """Return the photo, reduced to a long side, with its mask in the classes of a network.

        Raises:
            InputError: If a file cannot be decoded or the sizes differ.
        """
        name, photo, mask = self.upload
        return sources.from_upload(name, photo, mask, TruthFormat(classes), long_side)


VOC_FOLDER = "voc_folder"
"""The name of the control that holds the folder."""


def voc_folder() -> str:
    """Return the folder as typed here or in another tab of the visit.

    Before that, and always on a shared server, it is that of SEGVIZ_VOC_ROOT.
    """
    if is_shared():
        return os.environ.get("SEGVIZ_VOC_ROOT", "")
    default = session().visit.text(VOC_FOLDER) or os.environ.get("SEGVIZ_VOC_ROOT", "")
    return controls.get(VOC_FOLDER, default).strip()


def voc_root() -> Path:
    """Return the folder VOC2012.

    Raises:
        InputError: If no folder is given, or it does not hold VOC2012.
    """
    given = voc_folder() or os.environ.get("SEGVIZ_VOC_ROOT", "")
    if not given:
        raise InputError(
            "the photo is an image of VOC, but the server has no VOC folder yet; give it under"
            " Choose a photo, PASCAL VOC, or set SEGVIZ_VOC_ROOT before the start."
        )
    return voc.find_root(given)


@st.cache_resource(show_spinner="Reading the folder", ttl=60, max_entries=8)
def data_set(name: str) -> DatasetFolder:
    """Return the images of a folder that the server offers, as it was at most a minute ago.

    Raises:
        InputError: If the server offers no such folder, or it cannot be used.
    """
    folders = catalogue.data_sets()
    if name not in folders:
        raise InputError(f"there is no folder of photos {name[:80]!r} on this server.")
    return find_images(folders[name])


def load_photo(key: str, classes: ClassList, long_side: int) -> Photo:
    """Load a photo by its source: "sample:cat", "voc:2007_000123", "data:NAME/ID" or "upload:ID".

    An upload is one of this visit.

    Arguments:
        key: The source.
        classes: The classes of the network, which the truth is brought to.
        long_side: What the long side of larger photos is reduced to, in pixels.

    Raises:
        InputError: If it cannot be loaded.
    """
    kind, _, name = key.partition(":")
    if kind == "data":
        data, _, id = name.partition("/")
        return sources.from_folder(data_set(data), id, key, classes, long_side)
    if kind == "upload":
        folder = session().visit.folder
        if folder is None:
            raise InputError("the uploaded photo is no longer there; upload it again.")
        return UploadReader(folder.upload(key))(classes, long_side)
    root = voc_root() if kind == "voc" else None
    return sources.load(key, voc_root=root, format=TruthFormat(classes), long_side=long_side)


def long_side() -> int:
    """Return the long side that photos are reduced to.

    Raises:
        InputError: If it is not within the limits of the app.
    """
    value = controls.get("long_side")
    check_app_limit("long_side", value)
    return int(value)


def choose_photo(read: PhotoReader) -> None:
    """Make a photo that of the next run.

    Raises:
        InputError: If it cannot be read.
    """
    now = session()
    classes = now.chosen_network.classes
    side = long_side()
    now.photo, now.read_photo, now.photo_form = read(classes, side), read, (classes, side)
    folder = now.visit.folder
    if isinstance(read, UploadReader) and folder is not None:
        save = partial(folder.save_upload, now.photo.key, read.upload)
        folder.store.submit(save, owner=now.visit)


def update_photo() -> bool:
    """Read the photo of the address, or the chosen one for another network or at another size.

    Returns:
        False if the photo of the address cannot be read, which a notice then tells.
    """
    now, found = session(), True
    if now.requested_photo is not None:
        try:
            choose_photo(partial(load_photo, now.requested_photo))
        except InputError as error:
            now.notices.append(sentence(error))
            found = False
        now.requested_photo = None  # not before: a newer run of the script may end this one
    if now.photo is None or now.read_photo is None:
        choose_photo(partial(load_photo, query_params.PARAMETERS["photo"].default))
    elif now.photo_form != (now.chosen_network.classes, long_side()):
        _read_again(now.photo, now.read_photo)
    return found


def _read_again(photo: Photo, read: PhotoReader) -> None:
    """Read a photo for another network or at another size, or leave out its truth."""
    now = session()
    try:
        choose_photo(read)
    except InputError as error:
        now.photo = replace(photo, truth=None, note=str(error))
        now.photo_form = now.chosen_network.classes, long_side()

"""Browse the photos of a folder that the server offers, and what their masks mean."""

from functools import partial

import streamlit as st

from segviz.data import sources
from segviz.data.classes import IGNORE, ClassList
from segviz.data.dataset_folder import CLASS_MAP, DatasetFolder
from segviz.data.images import load_photo as load_pixels
from segviz.data.voc_palette import palette_of
from segviz.errors import InputError
from segviz.pictures import maps

from ..state import controls
from ..state.photos import data_set, load_photo
from ..state.session import session
from ..state.text import plain, sentence
from .photo_tile import paged_tiles, photo_tile, thumbnail
from .truth_preview import class_legend, truth_classes

__all__ = ["folder_browser", "folder_thumbnail"]

OPACITY = 0.6
"""The opacity of masks over photos."""


def folder_browser(name: str) -> None:
    """Draw the photos of a folder as tiles, with their masks on request.

    Arguments:
        name: The name that the server offers the folder by.

    Raises:
        InputError: If the folder cannot be used.
    """
    folder, classes = data_set(name), session().chosen_network.classes
    ids, data = list(folder.images.ids), folder.images
    query_place, masks_place, page_place = st.columns([8, 6, 6], vertical_alignment="bottom")
    query = query_place.text_input(
        "Search",
        controls.get("data_query", ""),
        key=controls.key("data_query"),
        placeholder="part of a name",
    ).strip()
    with_masks = data.has_truth and masks_place.toggle(
        "Show masks",
        controls.get("data_masks", False),
        key=controls.key("data_masks"),
        help="The masks over the photos, in the colours of the network's classes.",
    )
    with_masks = with_masks and bool(_labels(folder, classes))
    found = [id for id in ids if query.casefold() in id.casefold()]
    if not found:
        st.caption(f"None of the {len(ids):,} photos has “{plain(query)}” in its name.")
        return
    paged_tiles(
        found,
        page_place,
        f"pick_data_page_{name}_{query}",
        lambda id: _tile(folder, f"data:{name}/{id}", id, classes if with_masks else None),
    )
    if with_masks:
        class_legend(classes, _labels(folder, classes))
    st.caption(f"{len(found):,} of {len(ids):,} photos of {plain(name)}. {_about(folder, classes)}")


def _about(folder: DatasetFolder, classes: ClassList) -> str:
    """Return what becomes of the masks, with names of classes."""
    data = folder.images
    if not data.has_truth:
        return "There are no masks: predictions are compared with that at scale 1."
    if not folder.has_classes:
        return "Masks hold the class ids of the network: there is no file of classes."
    try:
        map = folder.class_map(classes)
    except InputError:
        names = ", ".join(data.classes.names[:8])
        return (
            f"The network has none of the classes of the masks ({plain(names)}), so the truth is"
            f" left out; a file `{CLASS_MAP}` in the folder maps their names."
        )
    words = f"Classes of the masks and of the network: {plain(map.describe())}."
    if map.ignored:
        names = ", ".join(data.classes.names[label] for label in map.ignored)
        words += f" The network does not know {plain(names)}: ignored."
    return words


def _labels(folder: DatasetFolder, classes: ClassList) -> list[int]:
    """Return the network's labels of the classes that masks of a folder may hold."""
    if not folder.has_classes:
        return list(range(len(classes)))
    try:
        targets = folder.class_map(classes).targets
    except InputError:
        return []
    return sorted({target for target in targets if target != IGNORE})


def _tile(folder: DatasetFolder, key: str, id: str, classes: ClassList | None) -> None:
    """Draw a photo, with its mask if there are classes to draw it by."""
    try:
        if classes is None:
            picture, about = folder_thumbnail(folder, key, id), ""
        else:
            picture, about = _mask_thumbnail(folder, key, id, classes)
    except InputError as error:
        st.caption(sentence(error))
        return
    photo_tile(picture, key, plain(id), partial(load_photo, key))
    if about:
        st.caption(about)


@st.cache_data(show_spinner=False, max_entries=512, ttl=600)
def folder_thumbnail(_folder: DatasetFolder, key: str, id: str) -> bytes:
    """Return a thumbnail of a photo.

    Arguments:
        _folder: The folder; the key of the cache has its name.
        key: The source of the photo.
        id: Its id.
    """
    if id not in _folder.images.files:
        raise InputError("the photo is gone; open the folder again.")
    return thumbnail(load_pixels(_folder.images.files[id].photo))


@st.cache_data(show_spinner=False, max_entries=512, ttl=600)
def _mask_thumbnail(
    _folder: DatasetFolder, key: str, id: str, classes: ClassList
) -> tuple[bytes, str]:
    """Return a thumbnail of photo and mask, and the names of the classes of the mask."""
    photo = sources.from_folder(_folder, id, key, classes)
    if photo.truth is None:
        return thumbnail(photo.pixels), sentence(InputError(photo.note))
    palette = palette_of(classes.colours)
    mixed = maps.overlay(photo.pixels, photo.truth, OPACITY, palette, background=None)
    return thumbnail(mixed), truth_classes(photo.truth, classes)

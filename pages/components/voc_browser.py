"""Browse the images of a VOC folder: choose a split, search, page through thumbnails."""

from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from segviz.data import voc
from segviz.errors import InputError
from segviz.jobs.limits import is_shared

from ..state import controls
from ..state.photos import VOC_FOLDER, load_photo, voc_folder
from ..state.text import plain, sentence
from .photo_tile import paged_tiles, photo_tile, thumbnail

__all__ = ["split_control", "voc_browser", "voc_folder_field", "voc_thumbnail"]


@st.cache_data(show_spinner="Reading which classes are on which image", max_entries=8)
def _classes(root: Path, split: str) -> dict[str, tuple[int, ...]]:
    return voc.classes_of(root, voc.read_split(root, split))


@st.cache_data(show_spinner=False, max_entries=512)
def voc_thumbnail(root: Path, id: str) -> bytes:
    """Return a thumbnail of an image of VOC, as a PNG."""
    return thumbnail(voc.read_photo(root, id))


def voc_folder_field(place: DeltaGenerator) -> str:
    """Draw the field for the VOC folder, shared by all pages; return its text.

    Strangers get no field: they could ask which folders the server has.
    """
    if is_shared():
        return voc_folder()
    return place.text_input(
        "VOC folder",
        voc_folder(),
        key=controls.key(VOC_FOLDER),
        placeholder="the folder that holds VOCdevkit/VOC2012",
        help="A folder on the server; the default is the environment variable SEGVIZ_VOC_ROOT.",
    ).strip()


def split_control(name: str, root: Path, help: str) -> str:
    """Draw the choice of a split, val first; return its name.

    Arguments:
        name: The name of the control.
        root: The folder VOC2012.
        help: The help of the control.
    """
    splits = sorted(voc.splits(root), key=lambda split: split != "val")
    chosen = controls.get(name)
    return (
        st.selectbox(
            "Split",
            splits,
            splits.index(chosen) if chosen in splits else 0,
            key=controls.key(name),
            help=help,
        )
        or "val"
    )


def voc_browser() -> None:
    """Draw the images of the VOC folder as tiles.

    Raises:
        InputError: If the folder or the split cannot be read.
    """
    folder, split_place, query_place, page_place = st.columns(
        [8, 5, 6, 6], vertical_alignment="bottom"
    )
    given = voc_folder_field(folder)
    if not given:
        st.caption(
            "VOC 2012 does not ship with segviz. Give its folder here, or set SEGVIZ_VOC_ROOT"
            " before the start; `python -m segviz download-voc DIR` fetches it."
        )
        return
    root = voc.find_root(given)
    with split_place:
        split = split_control("voc_split", root, "A list in ImageSets/Segmentation.")
    ids = voc.read_split(root, split)
    query = query_place.text_input(
        "Search",
        controls.get("voc_query", ""),
        key=controls.key("voc_query"),
        placeholder="2007 dog",
        help="Parts of the id or of the names of the classes in the image; all words must match.",
    )
    found = _search(root, split, ids, query) if query.strip() else ids
    if not found:
        st.caption(
            f"None of the {len(ids):,} images of {plain(split)} matches “{plain(query)}”;"
            " try a single word, such as a class or a year."
        )
        return
    # The key contains split and query, so that a new search starts at its first page.
    key = f"pick_voc_page_{split}_{query}"
    paged_tiles(found, page_place, key, lambda id: _voc_tile(root, id))
    st.caption(f"{len(found):,} of {len(ids):,} images of {plain(split)}")


def _search(root: Path, split: str, ids: list[str], query: str) -> list[str]:
    try:
        index = _classes(root, split)
    except InputError as error:
        index = {}
        st.caption(f"Only ids are searched. {sentence(error)}")
    return voc.search(ids, index, query)


def _voc_tile(root: Path, id: str) -> None:
    try:
        picture = voc_thumbnail(root, id)
    except InputError as error:
        st.caption(sentence(error))
        return
    key = f"voc:{id}"
    photo_tile(picture, key, plain(id), partial(load_photo, key))

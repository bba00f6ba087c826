"""Photos in small: thumbnails, facts, and tiles that choose a photo."""

from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from segviz.data import images
from segviz.data.classes import ClassList
from segviz.data.sources import Photo
from segviz.errors import InputError
from segviz.pictures import maps

from ..state.photos import PhotoReader, choose_photo
from ..state.session import session
from ..state.text import plain, sentence
from .truth_preview import truth_classes

__all__ = ["choose", "paged_tiles", "photo_facts", "photo_tile", "thumbnail", "tile_grid"]

RATIO = 4 / 3
PER_ROW = 6
PER_PAGE = 2 * PER_ROW


def paged_tiles(
    ids: Sequence[str], place: DeltaGenerator, key: str, tile: Callable[[str], None]
) -> None:
    """Draw a page of photos as tiles.

    Arguments:
        ids: The ids of all photos, at least one.
        place: Where the number of the page is chosen.
        key: The key of that control; another one starts at the first page.
        tile: Draws the tile of an id.
    """
    pages = -(-len(ids) // PER_PAGE)
    page = place.number_input(f"Page of {pages:,}", 1, pages, 1, key=key)
    start = (min(max(int(page), 1), pages) - 1) * PER_PAGE
    tile_grid(ids[start : start + PER_PAGE], PER_ROW, tile)


def tile_grid(ids: Sequence[str], per_row: int, tile: Callable[[str], None]) -> None:
    """Draw tiles in rows.

    Arguments:
        ids: The ids of the photos.
        per_row: The number of tiles in a row.
        tile: Draws the tile of an id.
    """
    for row in range(0, len(ids), per_row):
        columns = st.columns(per_row, gap="xsmall")
        for column, id in zip(columns, ids[row : row + per_row], strict=False):
            # The key is for the style: the whole tile is the button.
            with column.container(gap="xxsmall", key=f"tile_{ids.index(id)}"):
                tile(id)


def photo_tile(
    picture: bytes, key: str, label: str, read: PhotoReader, help: str | None = None
) -> None:
    """Draw a thumbnail with a button below it that chooses the photo.

    Arguments:
        picture: The thumbnail, as a PNG.
        key: The key of the photo.
        label: The label of the button.
        read: Reads the photo.
        help: The help of the button.
    """
    st.image(picture, width="stretch", alt=label)
    photo = session().photo
    if st.button(
        label,
        key=f"pick_{key}",
        help=help,
        width="stretch",
        type="primary" if photo and photo.key == key else "tertiary",
        on_click=choose,
        args=(read,),
    ):
        st.rerun()  # closes the dialog


def choose(read: PhotoReader) -> None:
    """Make a photo that of the next run, or keep the reason why not."""
    try:
        choose_photo(read)
    except InputError as error:
        session().message = sentence(error)


def photo_facts(photo: Photo, classes: ClassList | None = None) -> None:
    """Draw title, size and note of a photo.

    Arguments:
        photo: The photo.
        classes: The classes of its truth, to tell what the truth shows; None = do not.
    """
    height, width = photo.pixels.shape[:2]
    truth = "with truth" if photo.truth is not None else "no truth"
    help = None
    if photo.truth is not None and classes is not None:
        help = f"The truth shows {truth_classes(photo.truth, classes)}."
    st.caption(f"{plain(photo.title)} · {width} x {height} · {truth}", help=help)
    if photo.note:
        st.caption(sentence(InputError(photo.note)))


def thumbnail(pixels: np.ndarray) -> bytes:
    """Return a small PNG, of the same shape for every photo."""
    return maps.png(maps.letterbox(images.thumbnail(pixels, 200), RATIO))

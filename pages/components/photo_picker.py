"""The dialog to choose a photo: a sample, an image of VOC, or an upload."""

from collections.abc import Callable
from functools import partial

import numpy as np
import streamlit as st

from segviz.data import decode, samples, sources
from segviz.data.classes import CLASSES, IGNORE, colourise
from segviz.data.sources import Photo
from segviz.errors import InputError

from ..state import controls
from ..state.photos import load_photo
from ..state.text import sentence
from .photo_tile import choose, photo_facts, photo_tile, thumbnail
from .voc_browser import voc_browser

__all__ = ["photo_picker"]

SOURCES = ("Samples", "PASCAL VOC", "Upload")
TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff"]
PER_ROW = 4


@st.dialog("Choose a photo", width="large", icon=":material/photo_library:")
def photo_picker() -> None:
    """Draw the dialog; it closes once a photo is chosen for the next run."""
    source = st.segmented_control(
        "Source",
        SOURCES,
        default=controls.get("photo_source", SOURCES[0]),
        key=controls.key("photo_source"),
        label_visibility="collapsed",
        required=True,
    )
    try:
        if source == "PASCAL VOC":
            voc_browser()
        elif source == "Upload":
            _upload()
        else:
            _samples()
    except InputError as error:
        st.error(sentence(error), icon=":material/image_not_supported:")


# === Samples


@st.cache_data(show_spinner=False, max_entries=32)
def _sample_thumbnail(name: str) -> bytes:
    return thumbnail(samples.load(name)[0])


def _samples() -> None:
    names = list(samples.SAMPLES)
    for row in range(0, len(names), PER_ROW):
        columns = st.columns(PER_ROW, gap="xsmall")
        for column, name in zip(columns, names[row : row + PER_ROW], strict=False):
            with column.container(gap="xxsmall"):
                _sample(name)
    st.caption("Photos of scikit-image and matplotlib; their truth was drawn for segviz.")


def _sample(name: str) -> None:
    sample = samples.SAMPLES[name]
    try:
        picture = _sample_thumbnail(name)
    except InputError as error:
        st.caption(sentence(error))
        return
    about = f"{sample.title}. {sample.note} Photo: {sample.credit} ({sample.licence})."
    key = f"sample:{name}"
    photo_tile(picture, key, name.capitalize(), partial(load_photo, key), about)


# === Uploads


def _upload() -> None:
    left, right = st.columns(2)
    file = left.file_uploader(
        "Photo",
        TYPES,
        key="pick_photo",
        help=f"Up to {decode.MAX_BYTES // 1_000_000} MB and {decode.MAX_PIXELS // 1_000_000}"
        " million pixels. It is reduced to the resolution of VOC, long side 500, and kept only as"
        " long as this browser session.",
    )
    mask = right.file_uploader(
        "Truth mask (optional)",
        ["png"],
        key="pick_mask",
        help="A PNG of the photo's own size, in VOC's palette or with plain class ids,"
        " 255 = ignore.",
    )
    if file is None:
        if mask is not None:
            raise InputError("the mask has no photo yet; add the photo that it belongs to.")
        st.caption(
            "Uploads stay on this server and in this session; a view of an upload has no link."
        )
        return
    _chosen_upload(
        sources.from_upload(file.name, file.getvalue(), None if mask is None else mask.getvalue())
    )


def _chosen_upload(photo: Photo) -> None:
    picture, mask, facts = st.columns([2, 2, 4], vertical_alignment="center")
    picture.image(thumbnail(photo.pixels), width="stretch", alt="The uploaded photo")
    if photo.truth is not None:
        mask.image(thumbnail(colourise(photo.truth)), width="stretch", alt="The truth mask")
    with facts:
        photo_facts(photo)
        if photo.truth is not None:
            _mask_facts(photo.truth)
        load: Callable[[], Photo] = lambda: photo  # noqa: E731
        if st.button(
            "Use this photo",
            key="pick_use",
            type="primary",
            icon=":material/check:",
            on_click=choose,
            args=(load,),
        ):
            st.rerun()


def _mask_facts(truth: np.ndarray) -> None:
    """Draw the classes of a mask with their shares; warn if it shows no object."""
    ids, counts = np.unique(truth, return_counts=True)
    names = ["ignored" if id == IGNORE else CLASSES[id] for id in ids]
    shares = [f"{100 * count / truth.size:.3g} %" for count in counts]
    mask = ", ".join(f"{name} {share}" for name, share in zip(names, shares, strict=True))
    st.caption(f"Mask: {mask}")
    if not set(ids.tolist()) - {0, IGNORE}:
        st.warning(
            "The mask shows no object: 0 is background and 255 is ignored. Give the pixels of an"
            " object the id of its class, such as 15 for person.",
            icon=":material/rule:",
        )

"""Which photo to run on: a sample, an image of VOC, or an upload."""

from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from segviz import images, samples
from segviz.errors import InputError
from segviz.render import maps

from .words import sentence

__all__ = ["Choice", "fitted", "pick", "sample", "thumbnail", "tile"]

SOURCES = ("Samples", "PASCAL VOC", "Upload")
TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff"]
RATIO = 4 / 3


@dataclass(frozen=True)
class Choice:
    """A photo to run on.

    Arguments:
        key: Where it comes from, such as "sample:cat".
        title: What it is called.
        photo: Shape (H, W, 3), uint8, at VOC's resolution.
        truth: Labels (H, W), or None.
        note: What was done to it, if anything.
    """

    key: str
    title: str
    photo: np.ndarray
    truth: np.ndarray | None
    note: str = ""


def fitted(key: str, title: str, photo: np.ndarray, truth: np.ndarray | None) -> Choice:
    """A choice brought to VOC's resolution, saying so if that changed anything."""
    height, width = photo.shape[:2]
    photo, truth, factor = images.fit(photo, truth)
    choice = Choice(key, title, photo, truth)
    if factor == 1:
        return choice
    size = f"{photo.shape[1]} x {photo.shape[0]}"
    return replace(choice, note=f"brought from {width} x {height} to {size}, VOC's resolution")


def sample(name: str) -> Choice:
    """A sample by name.

    Raises:
        InputError: If there is none, or its package is not installed.
    """
    return fitted(f"sample:{name}", samples.SAMPLES[name].title, *samples.load(name))


def pick() -> None:
    """Draw the picker. A pick goes to the session state `iterate_choice`."""
    from .voc_grid import pick_voc

    state = st.session_state
    with st.container(horizontal=True, vertical_alignment="center"):
        source = st.segmented_control(
            "Source",
            SOURCES,
            default=SOURCES[0],
            key="iterate_source",
            label_visibility="collapsed",
        )
        if source != "Upload":
            st.caption("Click a name to choose it for the next run.")
    if source != "Upload":
        state.iterate_uploaded = None
    try:
        if source == "PASCAL VOC":
            pick_voc()
        elif source == "Upload":
            _pick_upload()
        else:
            _pick_sample()
    except InputError as error:
        st.error(sentence(error), icon=":material/image_not_supported:")


def tile(picture: bytes | None, choice: str, label: str, help: str | None = None) -> bool:
    """A thumbnail with a button below it; returns whether the button was clicked."""
    if picture is not None:
        st.image(picture, width="stretch")
    now = st.session_state.iterate_choice
    return st.button(
        label,
        key=f"iterate_pick_{choice}",
        help=help,
        width="stretch",
        type="primary" if now and now.key == choice else "tertiary",
    )


def thumbnail(photo: np.ndarray) -> bytes:
    """A small PNG of the same shape for every photo."""
    return maps.png(maps.letterbox(images.thumbnail(photo, 200), RATIO))


# === Samples


@st.cache_data(show_spinner=False, max_entries=32)
def _sample_thumbnail(name: str) -> bytes:
    return thumbnail(samples.load(name)[0])


def _pick_sample() -> None:
    columns = st.columns(len(samples.SAMPLES), gap="xsmall")
    for column, (name, one) in zip(columns, samples.SAMPLES.items(), strict=True):
        with column.container(gap="xxsmall"):
            try:
                picture = _sample_thumbnail(name)
            except InputError as error:
                picture = None
                st.caption(sentence(error))
            about = f"{one.title}. {one.note} Photo: {one.credit} ({one.licence})."
            if tile(picture, f"sample:{name}", name.capitalize(), about):
                st.session_state.iterate_choice = sample(name)
                st.rerun()


# === Uploads


def _pick_upload() -> None:
    state = st.session_state
    left, right = st.columns(2)
    photo = left.file_uploader(
        "Photo",
        TYPES,
        key="iterate_upload_photo",
        help=f"Up to {images.MAX_BYTES // 1_000_000} MB and {images.MAX_PIXELS // 1_000_000}"
        " million pixels. It is brought to VOC's resolution, long side 500, and is kept only"
        " as long as this browser session.",
    )
    mask = right.file_uploader(
        "Truth mask (optional)",
        ["png"],
        key="iterate_upload_mask",
        help="A PNG of the photo's own size, in VOC's palette or with plain class ids,"
        " 255 = ignore.",
    )
    # Judged once, when it comes; what was said of it stays as long as it does.
    uploaded = tuple(file and file.file_id for file in (photo, mask))
    if uploaded == state.iterate_uploaded:
        if state.iterate_upload_error is not None:
            raise InputError(state.iterate_upload_error)
        return
    state.iterate_uploaded, state.iterate_upload_error = uploaded, None
    try:
        choice = _uploaded(photo, mask)
    except InputError as error:
        state.iterate_upload_error = str(error)
        raise
    if choice is not None:
        state.iterate_choice = choice
        st.rerun()


def _uploaded(photo: UploadedFile | None, mask: UploadedFile | None) -> Choice | None:
    if photo is None:
        if mask is not None:
            raise InputError("the mask has no photo yet; add the photo that it belongs to.")
        return None
    pixels = images.load_photo(photo.getvalue())
    truth = None if mask is None else images.load_labels(mask.getvalue(), pixels.shape[:2])
    return fitted(f"upload:{photo.file_id}", photo.name, pixels, truth)

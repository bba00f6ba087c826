"""Which photo to run on: a sample, an image of VOC, or an upload."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from segviz.data import decode, images, masks, samples
from segviz.errors import InputError
from segviz.pictures import maps

from ..state import controls
from ..state.session import session
from ..state.text import plain, sentence
from ..state.voc_folder import voc_root

__all__ = ["Choice", "fitted", "of_address", "pick", "sample", "thumbnail", "tile"]

SOURCES = ("Samples", "PASCAL VOC", "Upload")
TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff"]
RATIO = 4 / 3
PER_ROW = 4


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
    photo, truth = samples.load(name)
    return fitted(f"sample:{name}", samples.SAMPLES[name].title, photo, truth)


@st.dialog("Choose a photo", width="large", icon=":material/photo_library:")
def pick() -> None:
    """Draw the picker over the page; it closes once a photo is chosen for the next run."""
    from .voc_browser import pick_voc

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
            pick_voc()
        elif source == "Upload":
            _pick_upload()
        else:
            _pick_sample()
    except InputError as error:
        st.error(sentence(error), icon=":material/image_not_supported:")


def of_address(key: str) -> Choice:
    """The photo that an address names, such as "sample:cat" or "voc:2007_000123".

    Raises:
        InputError: If it cannot be had.
    """
    from .voc_browser import voc_choice

    kind, _, name = key.partition(":")
    return voc_choice(voc_root(), name) if kind == "voc" else sample(name)


def _choose(load: Callable[[], Choice]) -> None:
    try:
        session().choice = load()
    except InputError as error:
        session().message = sentence(error)


def tile(
    picture: bytes, choice: str, label: str, load: Callable[[], Choice], help: str | None = None
) -> None:
    """A thumbnail with a button below it that makes it the choice.

    Arguments:
        picture: The thumbnail, as a PNG.
        choice: Where the photo comes from.
        label: What the button says.
        load: Reads the photo.
        help: What to know of it.
    """
    st.image(picture, width="stretch", alt=label)
    now = session().choice
    if st.button(
        label,
        key=f"pick_{choice}",
        help=help,
        width="stretch",
        type="primary" if now and now.key == choice else "tertiary",
        on_click=_choose,
        args=(load,),
    ):
        st.rerun()  # closes the dialog


def thumbnail(photo: np.ndarray) -> bytes:
    """A small PNG of the same shape for every photo."""
    return maps.png(maps.letterbox(images.thumbnail(photo, 200), RATIO))


# === Samples


@st.cache_data(show_spinner=False, max_entries=32)
def _sample_thumbnail(name: str) -> bytes:
    return thumbnail(samples.load(name)[0])


def _pick_sample() -> None:
    names = list(samples.SAMPLES)
    for row in range(0, len(names), PER_ROW):
        columns = st.columns(PER_ROW, gap="xsmall")
        for column, name in zip(columns, names[row : row + PER_ROW], strict=False):
            with column.container(gap="xxsmall"):
                _sample_tile(name)
    st.caption("Photos of scikit-image and matplotlib; their truth was drawn for segviz.")


def _sample_tile(name: str) -> None:
    one = samples.SAMPLES[name]
    try:
        picture = _sample_thumbnail(name)
    except InputError as error:
        st.caption(sentence(error))
        return
    about = f"{one.title}. {one.note} Photo: {one.credit} ({one.licence})."
    tile(picture, f"sample:{name}", name.capitalize(), partial(sample, name), about)


# === Uploads


def _pick_upload() -> None:
    left, right = st.columns(2)
    photo = left.file_uploader(
        "Photo",
        TYPES,
        key="pick_photo",
        help=f"Up to {decode.MAX_BYTES // 1_000_000} MB and {decode.MAX_PIXELS // 1_000_000}"
        " million pixels. It is brought to VOC's resolution, long side 500, and is kept only"
        " as long as this browser session.",
    )
    mask = right.file_uploader(
        "Truth mask (optional)",
        ["png"],
        key="pick_mask",
        help="A PNG of the photo's own size, in VOC's palette or with plain class ids,"
        " 255 = ignore.",
    )
    choice = _uploaded(photo, mask)
    if choice is None:
        st.caption("Uploads stay on this server and in this session; a view of one has no link.")
        return
    height, width = choice.photo.shape[:2]
    truth = "with truth" if choice.truth is not None else "no truth"
    shown, facts = st.columns([1, 3], vertical_alignment="center")
    shown.image(thumbnail(choice.photo), width="stretch", alt="The uploaded photo")
    facts.caption(f"{plain(choice.title)} · {width} x {height} · {truth}")
    if choice.note:
        facts.caption(sentence(InputError(choice.note)))
    if facts.button(
        "Use this photo",
        key="pick_use",
        type="primary",
        icon=":material/check:",
        on_click=_choose,
        args=(lambda: choice,),
    ):
        st.rerun()


def _uploaded(photo: UploadedFile | None, mask: UploadedFile | None) -> Choice | None:
    """The choice that the files make.

    Raises:
        InputError: If they cannot be read or do not fit together.
    """
    if photo is None:
        if mask is not None:
            raise InputError("the mask has no photo yet; add the photo that it belongs to.")
        return None
    data, marks = photo.getvalue(), mask.getvalue() if mask is not None else b""
    pixels = images.load_photo(data)
    truth = masks.load_labels(marks, pixels.shape[:2]) if mask is not None else None
    digest = hashlib.sha256(data + marks).hexdigest()[:16]
    return fitted(f"upload:{digest}", photo.name, pixels, truth)

"""The dialog to choose a photo: a sample, an image of VOC or of a folder, or an upload."""

from functools import partial

import numpy as np
import streamlit as st

from segviz.data import decode, samples
from segviz.data.classes import IGNORE
from segviz.errors import InputError
from segviz.jobs import catalogue
from segviz.jobs.visit_store import Upload

from ..state import controls
from ..state.photos import PhotoReader, UploadReader, load_photo, long_side
from ..state.session import session
from ..state.text import plain, sentence
from .folder_browser import folder_browser
from .pasted_file import pasted_file
from .photo_tile import choose, photo_facts, photo_tile, thumbnail, tile_grid
from .truth_preview import class_legend, shows_object, truth_classes, truth_picture
from .voc_browser import voc_browser

__all__ = ["photo_picker"]

SAMPLES, VOC, UPLOAD, CAMERA = "Samples", "PASCAL VOC", "Upload", "Camera"
TYPES = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "heic", "heif"]
PER_ROW = 4


@st.dialog("Choose a photo", width="large", icon=":material/photo_library:")
def photo_picker() -> None:
    """Draw the dialog; it closes once a photo is chosen for the next run."""
    folders = {f"folder {name}": name for name in catalogue.data_sets()}
    sources = [SAMPLES, *folders, VOC, UPLOAD, CAMERA]
    before = controls.get("photo_source", SAMPLES)
    source = st.segmented_control(
        "Source",
        sources,
        default=before if before in sources else SAMPLES,
        format_func=lambda source: plain(folders.get(source, source)),
        key=controls.key("photo_source"),
        label_visibility="collapsed",
        required=True,
    )
    # A place for each: what is left of another source while this one is drawn keeps its columns.
    places = {name: st.container() for name in sources}
    try:
        with places[source]:
            if source in folders:
                folder_browser(folders[source])
            elif source == VOC:
                voc_browser()
            elif source == UPLOAD:
                _upload()
            elif source == CAMERA:
                _camera()
            else:
                _samples()
    except InputError as error:
        st.error(sentence(error), icon=":material/image_not_supported:")


# === Samples


@st.cache_data(show_spinner=False, max_entries=32)
def _sample_thumbnail(name: str) -> bytes:
    return thumbnail(samples.load(name)[0])


def _samples() -> None:
    tile_grid(list(samples.SAMPLES), PER_ROW, _sample)
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


def _camera() -> None:
    picture = st.camera_input("Take a picture", key="pick_camera", width=480)
    if picture is None:
        st.caption("The browser asks for the camera; the picture is an upload like any other.")
        return
    _chosen_upload(UploadReader(Upload("camera.jpg", picture.getvalue(), None)))


def _upload() -> None:
    left, right = st.columns(2)
    with left:
        pasted_file()
    file = left.file_uploader(
        "Photo",
        TYPES,
        key="pick_photo",
        help=f"Up to {decode.MAX_BYTES // 1_000_000} MB and {decode.MAX_PIXELS // 1_000_000}"
        " million pixels. It is reduced to the long side chosen in the sidebar, at first that of"
        " VOC, and kept for this browser only.",
    )
    mask = right.file_uploader(
        "Truth mask (optional)",
        ["png"],
        key="pick_mask",
        help="A PNG of the photo's own size with the class ids of the network, 255 = ignore, or in"
        " the colours of its classes.",
    )
    if file is None:
        if mask is not None:
            raise InputError("the mask has no photo yet; add the photo that it belongs to.")
        st.caption(
            "A picture in the clipboard can be pasted (Ctrl+V). Uploads stay on this server, for"
            " this browser only; a view of an upload has no link."
        )
        return
    labels = None if mask is None else mask.getvalue()
    _chosen_upload(UploadReader(Upload(file.name, file.getvalue(), labels)))


def _chosen_upload(read: PhotoReader) -> None:
    classes = session().chosen_network.classes
    photo = read(classes, long_side())
    picture, mask, facts = st.columns([2, 2, 4], vertical_alignment="center")
    picture.image(thumbnail(photo.pixels), width="stretch", alt="The uploaded photo")
    if photo.truth is not None:
        mask.image(
            thumbnail(truth_picture(photo.truth, classes)), width="stretch", alt="The truth mask"
        )
    with facts:
        photo_facts(photo)
        if photo.truth is not None:
            st.caption(f"Mask: {truth_classes(photo.truth, classes)}")
            class_legend(classes, [id for id in np.unique(photo.truth) if id != IGNORE])
            if not shows_object(photo.truth, classes):
                last = len(classes) - 1
                st.warning(
                    "The mask shows no object: 0 is background and 255 is ignored. Give the pixels"
                    f" of an object the id of its class, such as {last} for"
                    f" {plain(classes.names[last])}.",
                    icon=":material/rule:",
                )
        if st.button(
            "Use this photo",
            key="pick_use",
            type="primary",
            icon=":material/check:",
            on_click=choose,
            args=(read,),
        ):
            st.rerun()

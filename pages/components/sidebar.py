"""The sidebar: photo, settings and the button that runs them, alike on every page."""

from collections.abc import Collection
from html import escape

import streamlit as st

from segviz import __version__
from segviz.data.images import thumbnail
from segviz.jobs.catalogue import network_label
from segviz.pictures import maps

from ..actions.page_start import Planner
from ..state.session import session
from ..state.text import plain
from .model_card import measured_miou
from .photo_picker import photo_picker
from .photo_tile import photo_facts
from .run_button import run_button
from .settings_form import long_side_control, settings_form

__all__ = ["sidebar"]

ASPECT_RATIO = 1.6
"""The width over the height of the picture of the photo."""


def sidebar(page: str, label: str, planner: Planner, hidden: Collection[str] = ()) -> None:
    """Draw the sidebar.

    Arguments:
        page: The page's name.
        label: The label of the button.
        planner: Plans the next runs; an InputError disables the button and is shown above it.
        hidden: Names of settings that the page varies by itself.
    """
    with st.sidebar:
        _photo()
        settings_form(hidden)
        run_button(page, label, planner)
        network = session().chosen_network
        facts = [plain(network_label(network.name)), measured_miou(network.card)]
        st.caption(" · ".join(fact for fact in facts if fact) + f" · segviz {plain(__version__)}")


def _photo() -> None:
    photo = session().chosen_photo
    with st.container(gap="xsmall"):
        small = maps.letterbox(thumbnail(photo.pixels, 320), ASPECT_RATIO)
        # With its shape, so that what is below does not jump once it is loaded.
        words = escape(f"The photo of the next run: {photo.title}")
        style = f"width: 100%; aspect-ratio: {ASPECT_RATIO}; display: block"
        st.html(f'<img src="{maps.data_url(small)}" alt="{words}" style="{style}">')
        photo_facts(photo, session().chosen_network.classes)
        long_side_control()
        if st.button(
            "Choose a photo",
            key="choose_photo",
            icon=":material/photo_library:",
            width="stretch",
            help="Samples, PASCAL VOC, or a photo of your own, for the next run on any page.",
        ):
            photo_picker()

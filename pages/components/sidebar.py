"""The sidebar: photo, settings and the button that runs them, alike on every page."""

from collections.abc import Callable, Collection

import streamlit as st

from segviz import __version__
from segviz.adapt import OBJECTIVES, Settings
from segviz.data.images import thumbnail
from segviz.errors import InputError
from segviz.network import checkpoint
from segviz.pictures import maps
from segviz.runtime.free_memory import format_bytes

from ..actions import server
from ..actions.page_start import Planner, run_planned
from ..state import controls
from ..state.session import session
from ..state.text import plain, sentence
from .model_card import measured_miou
from .photo_picker import photo_picker
from .photo_tile import photo_facts
from .settings_form import settings_form

__all__ = ["sidebar"]


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
        try:
            runs = [settings for _, settings in planner()]
        except InputError as error:
            runs = []
            st.error(sentence(error), icon=":material/tune:")
        st.button(
            label,
            key=f"{page}_run",
            type="primary",
            icon=":material/play_circle:",
            width="stretch",
            on_click=_run(page, planner),
            disabled=session().request is not None or not runs,
        )
        if runs:
            _memory(runs)
        if runs and session().chosen_photo.truth is None:
            _no_truth(runs)
        name = controls.get("checkpoint")
        facts = [plain(name), measured_miou(checkpoint.read_card(name))]
        st.caption(" · ".join(fact for fact in facts if fact) + f" · segviz {plain(__version__)}")


def _run(page: str, planner: Planner) -> Callable[[], None]:
    return lambda: run_planned(page, planner)


def _photo() -> None:
    photo = session().chosen_photo
    with st.container(gap="xsmall"):
        small = maps.letterbox(thumbnail(photo.pixels, 320), 1.6)
        st.image(maps.png(small), width="stretch", alt=f"The photo of the next run: {photo.title}")
        photo_facts(photo)
        if st.button(
            "Choose a photo",
            key="choose_photo",
            icon=":material/photo_library:",
            width="stretch",
            help="Samples, PASCAL VOC, or a photo of your own, for the next run on any page.",
        ):
            photo_picker()


def _memory(runs: list[Settings]) -> None:
    """Draw the memory estimate of the largest run, once the network is loaded."""
    trained = server.networks().ready(controls.get("checkpoint"))
    if trained is None:
        return
    from segviz.adapt.memory import MemoryBudget  # imports torch, which is loaded by now

    photo = session().chosen_photo
    height, width = photo.pixels.shape[:2]
    budget = MemoryBudget(trained.network, height, width, photo.truth is not None)
    needs = [need for settings in runs for need in budget.needs(settings)]
    need = max(needs, key=lambda need: (need.lacks, need.bytes or 0))
    if need.bytes is None:
        return
    subject = "The largest run takes" if len(runs) > 1 else "The run takes"
    words = f"{subject} about {format_bytes(need.bytes)} of memory"
    if need.lacks and need.free is not None and session().request is None:
        words = f":orange[{words}, but {format_bytes(need.free, up=False)} are free]"
    st.caption(words)


def _no_truth(runs: list[Settings]) -> None:
    stand_in = "the prediction at scale 1 stands in, and agreement with it is not IoU."
    titles = {OBJECTIVES[settings.objective].title for settings in runs if settings.needs_truth}
    if titles:
        verb = "need" if len(titles) > 1 else "needs"
        st.warning(
            f"{' and '.join(sorted(titles))} {verb} truth, which this photo does not have:"
            f" {stand_in}",
            icon=":material/rule:",
        )
    else:
        st.caption(f"No truth: for comparison {stand_in}")

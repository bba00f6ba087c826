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
from ..state import controls, session
from ..state.text import measured, plain, sentence
from .photo_picker import pick
from .settings_form import settings_form

__all__ = ["side"]


def side(
    page: str,
    label: str,
    planned: Callable[[], list[tuple[str, Settings]]],
    start: Callable[[], None],
    hidden: Collection[str] = (),
) -> None:
    """Draw the sidebar.

    Arguments:
        page: The page's name.
        label: What the button says.
        planned: Makes the names and settings of the next runs; raises InputError if they are
            invalid, which disables the button and is shown below it.
        start: The button's callback.
        hidden: Settings that the page varies by itself.
    """
    now = session.session()
    with st.sidebar:
        _photo()
        settings_form(hidden)
        try:
            runs = planned()
        except InputError as error:
            runs = []
            st.error(sentence(error), icon=":material/tune:")
        st.button(
            label,
            key=f"{page}_run",
            type="primary",
            icon=":material/play_circle:",
            width="stretch",
            on_click=start,
            disabled=now.work is not None or not runs,
        )
        if runs:
            _memory([one for _, one in runs])
        if runs and now.choice.truth is None:
            _no_truth(runs)
        name = controls.get("checkpoint")
        facts = [plain(name), measured(checkpoint.read_card(name))]
        st.caption(" · ".join(fact for fact in facts if fact) + f" · segviz {plain(__version__)}")


def _photo() -> None:
    choice = session.session().choice
    height, width = choice.photo.shape[:2]
    truth = "with truth" if choice.truth is not None else "no truth"
    with st.container(gap="xsmall"):
        small = maps.letterbox(thumbnail(choice.photo, 320), 1.6)
        st.image(maps.png(small), width="stretch", alt=f"The photo of the next run: {choice.title}")
        st.caption(f"{plain(choice.title)} · {width} x {height} · {truth}")
        if choice.note:
            st.caption(sentence(InputError(choice.note)))
        if st.button(
            "Choose a photo",
            key="choose_photo",
            icon=":material/photo_library:",
            width="stretch",
            help="Samples, PASCAL VOC, or a photo of your own, for the next run on any page.",
        ):
            pick()


def _memory(runs: list[Settings]) -> None:
    """What the largest of some runs will take, once the network is there."""
    now = session.session()
    trained = server.networks().ready(controls.get("checkpoint"))
    if trained is None:
        return
    from segviz.adapt.memory import MemoryBudget  # torch is there by now

    height, width = now.choice.photo.shape[:2]
    budget = MemoryBudget(trained.network, height, width, now.choice.truth is not None)
    needs = [need for one in runs for need in budget.needs(one)]
    need = max(needs, key=lambda need: (need.lacks, need.bytes or 0))
    if need.bytes is None:
        return
    subject = "The largest run takes" if len(runs) > 1 else "The run takes"
    words = f"{subject} about {format_bytes(need.bytes)} of memory"
    if need.lacks and need.free is not None and now.work is None:
        words = f":orange[{words}, but {format_bytes(need.free, up=False)} are free]"
    st.caption(words)


def _no_truth(runs: list[tuple[str, Settings]]) -> None:
    stand_in = "the prediction at scale 1 stands in, and agreement with it is not IoU."
    needy = {OBJECTIVES[one.objective].title for _, one in runs if one.needs_truth}
    if needy:
        verb = "need" if len(needy) > 1 else "needs"
        st.warning(
            f"{' and '.join(sorted(needy))} {verb} truth, which this photo does not have:"
            f" {stand_in}",
            icon=":material/rule:",
        )
    else:
        st.caption(f"No truth: for comparison {stand_in}")

"""How a page begins: open the address, then start what it or the first visit asks for."""

from collections.abc import Callable

import streamlit as st

from segviz.errors import InputError
from segviz.viewer import ViewState

from ..state import controls
from ..state.address_bar import open_address
from ..state.session import session
from ..state.text import sentence
from .launch import begin

__all__ = ["enter", "say"]

Planned = Callable[[], list]


def enter(page: str, planned: Planned, unasked: bool = True) -> None:
    """Open the address and start the runs that it describes.

    Arguments:
        page: The page's name.
        planned: Makes names and settings of the runs; raises InputError if they are invalid.
        unasked: Whether the first visit starts them too.
    """
    now = session()
    open_address(page)
    # Runs of the whole network, end to end, are slow: a visit alone does not start them.
    first = unasked and page not in now.results and controls.get("variables") != "all"
    if now.work is None:
        if now.asked is not None and now.asked[0] == page:
            start(page, planned, now.asked[1])
        elif first and page not in now.begun:
            start(page, planned)
        now.asked = None
        now.begun.add(page)


def start(page: str, planned: Planned, look: ViewState | None = None) -> None:
    """Begin the runs of a page, or say why not."""
    try:
        runs = planned()
    except InputError as error:
        session().message = sentence(error)
        return
    begin(page, runs, look)


def say(page: str) -> None:
    """Draw what went wrong, and what another page is at."""
    now = session()
    for notice in now.notices:
        st.warning(notice, icon=":material/link:")
    if now.message:
        st.error(now.message, icon=":material/info:")
    work = now.work
    if work is not None and work.page != page:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(
                f"Runs for the page {work.page.capitalize()} are at work; the next can start"
                " after them.",
                icon=":material/hourglass_top:",
            )
            st.button("Stop them", key="stop_others", on_click=work.job.stop)

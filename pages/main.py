"""The main script: what the server runs for a visitor, again after whatever they do."""

import time
from pathlib import Path

import streamlit as st

from pages.actions import launch, server
from pages.components.tab_id import tab_id
from pages.state import controls
from pages.state.session import session
from pages.state.tabs import restore_tab, save_tab
from pages.state.text import sentence
from segviz.errors import InputError

# A file, because Streamlit fetches named icons for the browser's tab from the internet.
icon = Path(__file__).with_name("icon.png")
st.set_page_config(page_title="segviz", page_icon=str(icon), layout="wide")

PAGES = {
    "iterate": ("Iterate", "replay", "One run, step by step."),
    "compare": ("Compare", "view_column", "Objectives side by side on one photo."),
    "scales": ("Scales", "photo_size_select_large", "One photo at several scales."),
    "ablate": ("Ablate", "grid_on", "What is adapted, how fast and how long."),
    "benchmark": ("Benchmark", "leaderboard", "The paper's tables, measured here."),
    "runs": ("Runs", "history", "The runs of this visit; pin and compare them."),
    "model": ("Model", "memory", "The network, its cost and the limits."),
}
# The page of the bare address; its own name leads there.
FIRST = "iterate"
WITH_SIDEBAR = ("iterate", "compare", "scales", "ablate")


TAB_TIMEOUT = 2.0
"""Seconds that a known visit waits for its browser to report which tab this is."""


def meet_tab(page: str) -> None:
    """Learn which tab of the visit this is, and show again what it showed before a reload.

    Arguments:
        page: The name of the page of the address.
    """
    now = session()
    found = tab_id(now.tab)
    if now.tab or (found is None and now.tab is not None):
        return
    if found is not None:
        state = now.visit.tab(found)
        if state is not None and now.tab is None:  # not later than `TAB_TIMEOUT`
            restore_tab(page, state)
        now.tab = found
    elif now.visit.has_tabs:
        st.fragment(wait_for_tab, run_every=0.5)()
        st.stop()


def wait_for_tab() -> None:
    """Go on without the tab if the browser does not report it in time."""
    now = session()
    if time.monotonic() - now.began > TAB_TIMEOUT:
        now.tab = ""
        st.rerun()


def open_first_page() -> None:
    """Lead from the address /iterate to the bare address, with its query parameters."""
    st.switch_page(f"{FIRST}.py", query_params=st.query_params.to_dict())


pages = [
    st.Page(
        f"{name}.py",
        title=title,
        icon=f":material/{symbol}:",
        help=help,
        default=name == FIRST,
        # The default page answers to the bare address only, but reserves the path that it has.
        url_path="first" if name == FIRST else name,
    )
    for name, (title, symbol, help) in PAGES.items()
]
pages.append(st.Page(open_first_page, title="Iterate", url_path=FIRST, visibility="hidden"))
page = st.navigation(pages, position="top")
if page.url_path == FIRST:
    page.run()
name = page.url_path or FIRST
meet_tab(name)
if name in WITH_SIDEBAR:
    st.sidebar.container(key="sidebar_room")  # its room is there from the start
controls.begin_run(name)
server.networks()
try:
    launch.collect_records()
    save_tab()
    st.html(f'<h1 class="unseen">segviz: {page.title}</h1>')
    page.run()
    save_tab()
except InputError as error:  # such as a missing checkpoint or sample
    st.error(sentence(error), icon=":material/error:")

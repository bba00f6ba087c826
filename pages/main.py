"""What the server runs for a visitor, again after whatever he does: frame, page, result."""

from pathlib import Path

import streamlit as st

from pages.actions import launch, server
from pages.state import controls
from pages.state.text import sentence
from segviz.errors import InputError

# A file of ours: Streamlit fetches named icons for the browser's tab from the internet.
icon = Path(__file__).with_name("icon.png")
st.set_page_config(page_title="segviz", page_icon=str(icon), layout="wide")
# Streamlit leaves twice the height of its header free, and wide margins beside panels that need
# the room.
st.html(
    "<style>.stMainBlockContainer {padding: 4rem 2rem 3rem}"
    " [data-testid=stSidebarHeader] {height: 2.5rem; margin-bottom: 0}</style>"
)

PAGES = (
    ("iterate", "Iterate", "replay", "One run, step by step."),
    ("compare", "Compare", "view_column", "Objectives side by side on one photo."),
    ("scales", "Scales", "photo_size_select_large", "One photo at several scales."),
    ("ablate", "Ablate", "grid_on", "What is adapted, how fast and how long."),
    ("benchmark", "Benchmark", "leaderboard", "The paper's tables, measured here."),
    ("runs", "Runs", "history", "The runs of this visit; pin and compare them."),
    ("model", "Model", "memory", "The network, its cost and the limits."),
)
# The scripts are one folder down. Those that lie in pages/ itself are what Streamlit runs for a
# server's first visitor, without this file, when he comes by a page's address: they lead here.
page = st.navigation(
    [
        st.Page(
            f"{name}.py",
            title=title,
            icon=f":material/{icon}:",
            help=help,
            default=name == "iterate",
        )
        for name, title, icon, help in PAGES
    ],
    position="top",
)
controls.begin_run(page.url_path or "iterate")
server.networks()
try:
    launch.collect()
    page.run()
except InputError as error:  # what no page expects: a missing checkpoint or sample
    st.error(sentence(error), icon=":material/error:")

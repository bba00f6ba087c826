"""segviz in the browser: `streamlit run app.py`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from pages.actions import server


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Load the network and start the first run before the first visit."""
    server.start()
    yield


# The main script lies in the folder of its pages: beside a folder called pages, Streamlit takes its
# scripts for pages of their own and runs them without the main script.
app = st.App("pages/main.py", lifespan=lifespan)

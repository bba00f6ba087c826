"""segviz in the browser: `streamlit run app.py`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from pages.actions import server


@asynccontextmanager
async def begin(_: st.App) -> AsyncIterator[None]:
    """Load the network and make the first screen's run before anyone comes."""
    server.begin()
    yield


app = st.App("pages/main.py", lifespan=begin)

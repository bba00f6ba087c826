"""segviz in the browser: `streamlit run app.py`."""

import streamlit as st

from pages.actions import server
from pages.actions.middleware import MIDDLEWARE

# The main script lies in the folder of its pages: beside a folder called pages, Streamlit takes its
# scripts for pages of their own and runs them without the main script.
app = st.App("pages/main.py", lifespan=server.lifespan, middleware=MIDDLEWARE)

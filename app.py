"""segviz in the browser: `streamlit run app.py`."""

from pathlib import Path

import streamlit as st

# A file of ours: Streamlit fetches named icons for the browser's tab from the internet.
icon = Path(__file__).parent / "pages" / "icon.png"
st.set_page_config(page_title="segviz", page_icon=str(icon), layout="wide")
# Streamlit leaves twice the height of its header free.
st.html("<style>.stMainBlockContainer {padding-top: 4rem}</style>")

st.navigation(
    [st.Page("pages/iterate.py", title="Iterate", icon=":material/replay:", default=True)]
).run()

"""Errors, and runs in progress on other pages."""

import streamlit as st

from segviz.jobs.run_job import RunRequest

from ..state.session import session

__all__ = ["show_notices"]

INTERVAL = 1.0
"""Seconds between two updates while runs of another page are in progress."""


def show_notices(page: str) -> None:
    """Draw the errors of the address and of the last run, and the runs of another page.

    Arguments:
        page: The page's name.
    """
    now = session()
    if now.restored:
        st.info(now.restored, icon=":material/restart_alt:")
    for notice in now.notices:
        st.warning(notice, icon=":material/link:")
    if now.message:
        st.error(now.message, icon=":material/info:")
    request = now.request
    if request is not None and request.page != page:
        st.fragment(_other_runs, run_every=INTERVAL)(request)


def _other_runs(request: RunRequest) -> None:
    """Draw the runs of another page until they have ended; then draw the page anew."""
    request.job.keep_alive()
    if request.job.done:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(
            f"Runs of the page {request.page.capitalize()} are in progress; the next can start"
            " after them.",
            icon=":material/hourglass_top:",
        )
        st.button("Stop them", key="stop_others", on_click=request.job.stop)

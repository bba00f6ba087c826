"""The address bar: open the view that an address describes, and write that of the view shown."""

import time

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from segviz.viewer import ViewState

from . import controls, query_params
from .session import ShownRuns, session
from .text import plain

__all__ = ["open_address", "write_address"]

SETTLED = 3.0
"""Seconds until a write has surely reached the browser. Before, a rerun may still bring an older
address; afterwards that means that the address was changed by hand."""

MAX_ADDRESSES = 8
"""Older addresses are no longer recognised as written here."""


def open_address(page: str) -> None:
    """Read a new address: set the controls, and let the page run what it describes.

    Its photo is left to `photos.update_photo`, which needs the classes of the network.

    Arguments:
        page: The page's name.
    """
    now = session()
    query = dict(st.query_params)
    first, now.opened = not now.opened, True
    if first or (query and not _is_written_here(query)):
        _open(page, query, first)


def write_address(
    page: str, shown: ShownRuns, view: ViewState, default_panels: tuple[str, ...]
) -> None:
    """Write what a page shows to the address bar.

    Arguments:
        page: The page's name.
        shown: The runs.
        view: The state of the viewer.
        default_panels: The panels that the page shows unasked.
    """
    now = session()
    panels = () if view.panels == default_panels else view.panels
    query = query_params.write(
        page, {**shown.values, "step": view.step, "pins": view.pins, "panels": panels}
    )
    if query == dict(st.query_params) and now.addresses and now.addresses[-1][1] == query:
        return
    now.addresses = [*now.addresses[-MAX_ADDRESSES:], (time.monotonic(), query)]
    st.query_params.from_dict(query)


def _open(page: str, query: dict[str, str], first: bool) -> None:
    now = session()
    found, notices = query_params.read(query)
    now.notices = [plain(notice) for notice in notices]
    now.addresses.append((time.monotonic(), query))
    if not first:
        found = {**query_params.defaults(), **found}
    now.requested_photo = found.get("photo")
    controls.apply(found)
    view = ViewState(
        step=found.get("step"), pins=found.get("pins", ()), panels=found.get("panels", ())
    )
    # The defaults are the run of the first screen, which has been made already.
    if not first or page != "iterate" or set(found) - set(query_params.VIEW):
        now.autorun = page, view
    else:
        now.views["opening"] = view


def _is_written_here(query: dict[str, str]) -> bool:
    addresses = session().addresses
    if not addresses:
        return False
    since, newest = addresses[-1]
    if query == newest or _is_history_navigation():
        return query == newest
    recent = any(query == address for _, address in addresses)
    return recent and time.monotonic() - since < SETTLED


def _is_history_navigation() -> bool:
    """Return whether the browser's Back or Forward caused this run of the script."""
    return bool(getattr(get_script_run_ctx(), "is_history_navigation", False))

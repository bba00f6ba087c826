"""The address bar: open the view that an address describes, and write that of the view shown."""

import time
from dataclasses import replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from segviz.viewer import ViewState

from . import controls, query_params
from .session import Address, ShownRuns, session
from .text import plain

__all__ = ["note_address", "open_address", "write_address", "write_controls"]

SETTLED = 3.0
"""Seconds until a write has surely reached the browser. Before, a rerun may still bring an older
address; afterwards that means that the address was changed by hand."""

MAX_ADDRESSES = 50
"""Older entries of the browser's history are no longer recognised as written here."""


def open_address(page: str) -> None:
    """Read a new address: set the controls, and let the page run what it describes.

    Its photo is left to `photos.update_photo`, which needs the classes of the network.

    Arguments:
        page: The page's name.
    """
    now = session()
    query = dict(st.query_params)
    first, now.opened = not now.opened, True
    if first:
        note_address(page, query)
        _open(page, query, first)
    elif _is_history_navigation():
        _go_back(page, query)
    elif query and not _is_written_here(query):
        note_address(page, query)
        _open(page, query, first)
    elif not now.addresses or now.addresses[now.place].page != page:
        note_address(page, query)  # a link was followed


def note_address(page: str, query: dict[str, str]) -> None:
    """Add an entry to what is known of the browser's history, as the current one."""
    now = session()
    entry = Address(page, query, time.monotonic())
    now.addresses = [*now.addresses[: now.place + 1], entry][-MAX_ADDRESSES:]
    now.place = len(now.addresses) - 1
    now.unwritten = None


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
    if now.unwritten == (page, shown.id):
        return
    panels = () if view.panels == default_panels else view.panels
    seen = {name: getattr(view, name) for name in query_params.VIEW}
    _write(page, query_params.write(page, {**shown.values, **seen, "panels": panels}))
    now.addresses[now.place] = replace(now.addresses[now.place], shown=shown, view=view)


def write_controls(page: str) -> None:
    """Write what the controls of a page without a viewer show to the address bar."""
    _write(page, query_params.write(page, controls.values()))


def _write(page: str, query: dict[str, str]) -> None:
    now = session()
    current = now.addresses[now.place] if now.addresses else None
    if current is None or (current.page, current.query) != (page, query):
        note_address(page, query)
        st.query_params.from_dict(query)
    elif query != dict(st.query_params):
        st.query_params.from_dict(query)


def _open(page: str, query: dict[str, str], first: bool) -> None:
    now = session()
    found, notices = query_params.read(query)
    now.notices = [plain(notice) for notice in notices]
    if query or not first:  # otherwise photo and settings are those that the tab had, if any
        chosen = {**query_params.defaults(), **found}
        now.requested_photo = chosen["photo"]
        controls.apply(chosen)
    view = ViewState(**{name: found[name] for name in query_params.VIEW if name in found})
    # The defaults are the run of the first screen, which has been made already.
    if not first or page != "iterate" or set(found) - set(query_params.VIEW):
        now.autorun = page, view
    else:
        now.views["opening"] = view


def _go_back(page: str, query: dict[str, str]) -> None:
    """Show what an entry of the browser's history showed, after Back or Forward."""
    now = session()
    places = [
        place
        for place, entry in enumerate(now.addresses)
        if (entry.page, entry.query) == (page, query)
    ]
    if places:
        now.place = min(places, key=lambda place: abs(place - now.place))
        entry = now.addresses[now.place]
        if entry.shown is not None and all(id in now.history for _, id in entry.shown.runs):
            _show_again(page, entry.shown, entry.view)
            return
    if query:
        _open(page, query, first=False)
    elif page in now.shown:
        # The entry is that of a link, which brought no settings: writing an address would keep the
        # visitor from going further back.
        now.unwritten = page, now.shown[page].id


def _show_again(page: str, shown: ShownRuns, view: ViewState) -> None:
    now = session()
    now.notices, now.unwritten = [], None
    controls.apply(shown.values)
    photo = shown.values["photo"]
    if not photo.startswith(("record:", "runs:")):
        now.requested_photo = photo
    now.shown[page] = shown
    now.views[shown.id] = view


def _is_written_here(query: dict[str, str]) -> bool:
    addresses = session().addresses
    if not addresses:
        return False
    newest = addresses[session().place]
    if query == newest.query:
        return True
    recent = any(query == entry.query for entry in addresses)
    return recent and time.monotonic() - newest.time < SETTLED


def _is_history_navigation() -> bool:
    """Return whether the browser's Back or Forward caused this run of the script."""
    return bool(getattr(get_script_run_ctx(), "is_history_navigation", False))

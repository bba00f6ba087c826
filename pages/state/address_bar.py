"""The address bar: opening a view by its address, and writing that of the view shown."""

import time

import streamlit as st

from segviz.errors import InputError
from segviz.viewer import ViewState

from ..components.photo_picker import of_address
from . import controls, query_params, session
from .text import plain, sentence

__all__ = ["open_address", "write_address"]

SETTLED = 3.0
"""Seconds after which an older address is the back button, not a rerun asked for before the new
one arrived in the browser."""

KEPT = 8


def open_address(page: str) -> None:
    """Read the address, if it is new: set photo and controls, and ask the page to run.

    Arguments:
        page: The page's name.
    """
    now = session.session()
    query = dict(st.query_params)
    first, now.opened = not now.opened, True
    if not first and (not query or _written_here(query)):
        if now.choice is None:  # the visit began on a page without a photo
            now.choice = of_address(query_params.PARAMETERS["photo"].default)
        return
    found, now.notices = query_params.read(query)
    now.notices = [plain(notice) for notice in now.notices]
    now.addresses.append((time.monotonic(), query))
    if not first:
        found = {**query_params.defaults(), **found}
    photo = found.get("photo", query_params.PARAMETERS["photo"].default)
    try:
        if now.choice is None or "photo" in found:
            now.choice = of_address(photo)
    except InputError as error:
        now.notices.append(sentence(error))
        if now.choice is None:
            now.choice = of_address(query_params.PARAMETERS["photo"].default)
    controls.apply(found)
    look = ViewState(
        step=found.get("step"), pins=found.get("pins", ()), panels=found.get("panels", ())
    )
    # The defaults are the run of the first screen, which is there already.
    runs = {name for name in found if name not in ("step", "pins", "panels")}
    if not first or runs or page != "iterate":
        now.asked = (page, look)
    else:
        now.views["opening"] = look


def write_address(
    page: str, result: session.Result, view: ViewState, panels: tuple[str, ...]
) -> None:
    """Let the address say what is shown.

    Arguments:
        page: The page's name.
        result: What it shows.
        view: How.
        panels: The panels that the page shows unasked.
    """
    now = session.session()
    shown = () if view.panels == panels else view.panels
    query = query_params.write(
        page, {**result.values, "step": view.step, "pins": view.pins, "panels": shown}
    )
    if query == dict(st.query_params) and now.addresses and now.addresses[-1][1] == query:
        return
    now.addresses = [*now.addresses[-KEPT:], (time.monotonic(), query)]
    st.query_params.from_dict(query)


def _written_here(query: dict[str, str]) -> bool:
    addresses = session.session().addresses
    if not addresses:
        return False
    since, newest = addresses[-1]
    recent = any(query == one for _, one in addresses)
    return query == newest or (recent and time.monotonic() - since < SETTLED)

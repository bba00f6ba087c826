"""The state of a tab as text and numbers, to bring it back after a reload or a restart."""

from contextlib import suppress

import streamlit as st

from segviz.errors import InputError
from segviz.jobs.limits import is_shared
from segviz.jobs.visit_store import ShownFacts, TabState

from . import controls, query_params
from .address_bar import note_address
from .photos import VOC_FOLDER
from .session import Session, ShownRuns, session
from .visits import SERVER

__all__ = ["restore_tab", "save_tab", "values_of"]

OPENING = "opening"
"""The id of the server's first run, which is shown without being restored."""


def save_tab() -> None:
    """Keep what this tab shows, once the tab is known."""
    now = session()
    if not now.tab:
        return
    try:
        chosen = controls.values()
    except InputError:  # a rate that is being typed
        return
    folder = now.controls.get(VOC_FOLDER)
    address = now.addresses[now.place] if now.addresses else None
    now.visit.save_tab(
        TabState(
            id=now.tab,
            server=SERVER,
            controls=_texts(chosen),
            texts={VOC_FOLDER: folder} if folder and not is_shared() else {},
            photo=now.photo.key if now.photo is not None else None,
            shown={page: _facts(shown) for page, shown in now.shown.items() if _is_kept(shown)},
            address=(address.page, address.query) if address is not None else None,
            is_running=now.request is not None,
        )
    )


def restore_tab(page: str, state: TabState) -> None:
    """Show what a tab showed; its photo is left to `photos.update_photo`.

    Arguments:
        page: The page of the address.
        state: What was kept.
    """
    now, query = session(), dict(st.query_params)
    controls.apply(values_of(state.controls))
    if not is_shared():
        now.controls.update({name: state.texts[name] for name in state.texts if name == VOC_FOLDER})
    now.requested_photo = state.photo
    for name, facts in state.shown.items():
        if any(id in now.history for _, id in facts.runs):
            now.shown[name] = ShownRuns(
                facts.id,
                facts.runs,
                {**query_params.defaults(), **values_of(facts.values), "photo": facts.photo},
                facts.measure,
                dict(facts.curves),
            )
    _adopt(now, state.id)
    if state.address == (page, query):
        # The address is that of what the tab showed, which is more than an address can hold.
        now.opened = True
        note_address(page, query)
    if state.server != SERVER:
        now.restored = (
            "The server was restarted; photo, settings and finished runs are as they were."
            + (" Runs that were in progress have ended: start them again." * state.is_running)
        )


def _adopt(now: Session, tab: str) -> None:
    """Take over the runs in progress of the tab before its reload."""
    for other in list(now.visit.sessions):
        if other is not now and other.tab == tab and other.request is not None:
            now.request, other.request = other.request, None
            now.request.job.attach(now.is_connected)


def _is_kept(shown: ShownRuns) -> bool:
    return all(id != OPENING for _, id in shown.runs)


def _facts(shown: ShownRuns) -> ShownFacts:
    return ShownFacts(
        id=shown.id,
        runs=shown.runs,
        photo=shown.values["photo"],
        values=_texts(shown.values),
        measure=shown.measure,
        curves=shown.curves,
    )


def _texts(values: dict) -> dict[str, str]:
    """Return the values of controls as an address writes them, without defaults."""
    return {
        name: parameter.write(values[name])
        for name, parameter in query_params.PARAMETERS.items()
        if name not in query_params.NOT_CONTROLS and values[name] != parameter.default
    }


def values_of(texts: dict[str, str]) -> dict:
    """Return the values of all controls from texts; what cannot be read has its default."""
    found = {}
    for name, parameter in query_params.PARAMETERS.items():
        if name not in query_params.NOT_CONTROLS:
            found[name] = parameter.default
            with suppress(ValueError, OverflowError):
                if name in texts:
                    found[name] = parameter.read(texts[name])
    return found

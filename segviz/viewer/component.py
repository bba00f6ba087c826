"""The viewer as a Streamlit component."""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from ..runs.record import Record
from .assets import assets
from .encoder import Encoder
from .payload import payload
from .view_state import NamedRecord, ViewState

__all__ = ["render"]

MAX_VIEWERS = 4
"""The number of viewers whose last message a session keeps."""

_VIEWER = st.components.v2.component("segviz_viewer", css=assets()["css"], js=assets()["js"])


@dataclass
class _Message:
    """The last message to one viewer."""

    opened: ViewState
    encoder: Encoder = field(default_factory=Encoder)
    data: bytes = b""
    growing: bool = False
    names: tuple[str, ...] = ()
    records: tuple[weakref.ref[Record], ...] = ()

    def shows(self, runs: Sequence[NamedRecord], growing: bool) -> bool:
        """Return whether the message is one of these runs."""
        if not self.data or growing != self.growing:
            return False
        return self.names == tuple(run.name for run in runs) and all(
            known() is run.record for known, run in zip(self.records, runs, strict=True)
        )

    def write(self, runs: Sequence[NamedRecord], growing: bool) -> None:
        """Write a message of these runs."""
        made = payload(runs, self.encoder)
        self.data = made.pack(growing=growing, view=self.opened.plain())
        self.growing = growing
        self.names = tuple(run.name for run in runs)
        self.records = tuple(weakref.ref(run.record) for run in runs)


def render(runs: Sequence[NamedRecord], key: str, view: ViewState, growing: bool) -> ViewState:
    """Draw the viewer; arguments and result are those of `viewer`."""
    messages: dict[str, _Message] = st.session_state.setdefault("segviz viewers", {})
    # A viewer that is on the page keeps its own state: only a new one gets a state to open in. A
    # message that stays the same is not sent again.
    if key not in messages or key not in st.session_state:
        encoder = messages[key].encoder if key in messages else Encoder()
        messages[key] = _Message(view.fit(runs), encoder)
    message = messages[key] = messages.pop(key)
    for old in list(messages)[:-MAX_VIEWERS]:
        del messages[old]
    if not message.shows(runs, growing):
        message.write(runs, growing)
    result = _VIEWER(key=key, data=message.data, on_view_change=_ignore)
    state = result.get("view")
    return ViewState.of(state, runs) if state is not None else message.opened.fit(runs)


def _ignore() -> None:
    """Do nothing: Streamlit keeps a component's state only if there is a callback for it."""

"""The viewer as a Streamlit component."""

import hashlib
import json
import struct
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from ..runs.record import Record
from .assets import assets, text
from .payload import Encoder, NamedRecord, payload
from .view_state import ViewState

__all__ = ["Sent", "show"]

KEPT = 4
"""Of so many viewers a session remembers what was sent."""

_VIEWER = st.components.v2.component(
    "segviz_viewer",
    css=assets()["css"],
    js="\n".join((assets()["js"], text("streamlit.js"), "export default component;\n")),
)


@dataclass
class Sent:
    """What one viewer has been sent."""

    opened: ViewState
    encoder: Encoder = field(default_factory=Encoder)
    message: bytes = b""
    live: bool = False
    names: tuple[str, ...] = ()
    records: tuple[weakref.ref[Record], ...] = ()

    def holds(self, runs: Sequence[NamedRecord], live: bool) -> bool:
        """Whether the message will do for these runs."""
        if not self.message or live != self.live:
            return False
        return self.names == tuple(shown.name for shown in runs) and all(
            known() is shown.record for known, shown in zip(self.records, runs, strict=True)
        )

    def send(self, runs: Sequence[NamedRecord], live: bool) -> None:
        """Make the message: the length of the head, the head, the frames."""
        made = payload(runs, self.encoder)
        identity = hashlib.blake2b(digest_size=12)
        identity.update(json.dumps(made.head, sort_keys=True).encode())
        identity.update(made.frames)
        options = {"id": identity.hexdigest(), "live": live, "view": self.opened.plain()}
        head = json.dumps({**made.head, **options}).encode()
        self.message = struct.pack("<I", len(head)) + head + made.frames
        self.live = live
        self.names = tuple(shown.name for shown in runs)
        self.records = tuple(weakref.ref(shown.record) for shown in runs)


def show(runs: Sequence[NamedRecord], key: str, view: ViewState, live: bool) -> ViewState:
    """Draw the viewer; the arguments are those of `viewer`."""
    sent: dict[str, Sent] = st.session_state.setdefault("segviz viewers", {})
    # A viewer that is on the page keeps its own state: only one that comes is told where to open,
    # and a message that stays the same is not sent again.
    if key not in sent or key not in st.session_state:
        sent[key] = Sent(view.fit(runs), sent[key].encoder if key in sent else Encoder())
    held = sent[key] = sent.pop(key)
    for old in list(sent)[:-KEPT]:
        del sent[old]
    if not held.holds(runs, live):
        held.send(runs, live)
    result = _VIEWER(key=key, data=held.message, on_view_change=_nothing)
    now = result.get("view")
    return ViewState.of(now, runs) if now is not None else held.opened.fit(runs)


def _nothing() -> None:
    """Streamlit keeps a state only if there is a callback for it."""

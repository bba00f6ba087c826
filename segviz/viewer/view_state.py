"""The runs a viewer shows, the panels it has for them, and its state as an address can hold it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..pictures.panels import PANELS, Panel, has_panel
from ..runs.record import Record

__all__ = [
    "MAX_PINS",
    "PANEL_NAMES",
    "NamedRecord",
    "ViewState",
    "default_panels",
    "panels_of",
]

MAX_PINS = 5
"""The number of pixels that can be pinned."""

PANEL_NAMES = tuple(name for name in PANELS if name != "overlay")
"""The panels that a viewer can have, in the order in which they are shown.

The overlay has no panel of its own: one run's photo carries it, at an opacity that readers choose.
"""

_ONE_RUN = (
    "photo",
    "prediction",
    "entropy",
    "receptive-field",
    "scale-read",
    "truth",
    "right-wrong",
)
_SIDE_BY_SIDE = ("photo", "prediction", "entropy", "truth")


@dataclass(frozen=True)
class NamedRecord:
    """A record in a viewer or a report.

    Arguments:
        record: The record.
        name: Its short caption, such as "oracle" or "3x".
    """

    record: Record
    name: str


@dataclass(frozen=True)
class ViewState:
    """The part of a viewer's state that an address can hold.

    Arguments:
        step: The step shown; None = the last.
        pins: Pinned pixels (x, y) of the photo, at most `MAX_PINS`.
        panels: Names of `PANEL_NAMES`; () = the default panels.
    """

    step: int | None = None
    pins: tuple[tuple[int, int], ...] = ()
    panels: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: Any, runs: Sequence[NamedRecord]) -> "ViewState":  # noqa: ANN401
        """Read a state that a browser reports; what does not fit these runs is dropped.

        Arguments:
            value: Any JSON value; of use is a dict with the keys step, pins and panels.
            runs: The runs shown.
        """
        value = value if isinstance(value, dict) else {}
        pins = [_pin(pin) for pin in _list(value.get("pins"))]
        panels = [name for name in _list(value.get("panels")) if isinstance(name, str)]
        state = cls(_integer(value.get("step")), tuple(pin for pin in pins if pin), tuple(panels))
        return state.fit(runs)

    def fit(self, runs: Sequence[NamedRecord]) -> "ViewState":
        """Return this state without steps, pins and panels that these runs do not have."""
        height, width = runs[0].record.photo.shape[:2]
        last = max(run.record.last for run in runs)
        pins = [(x, y) for x, y in self.pins if 0 <= x < width and 0 <= y < height]
        return ViewState(
            None if self.step is None or not 0 <= self.step < last else self.step,
            tuple(dict.fromkeys(pins))[:MAX_PINS],
            tuple(name for name in panels_of(runs) if name in self.panels),
        )

    def plain(self) -> dict[str, Any]:
        """Return the state as JSON has it."""
        return {
            "step": self.step,
            "pins": [list(pin) for pin in self.pins],
            "panels": list(self.panels),
        }


def panels_of(runs: Sequence[NamedRecord]) -> dict[str, Panel]:
    """Return the panels that there is data for, by name.

    The photo of one run carries the overlay; runs side by side share a plain photo.
    """
    photo = PANELS["overlay" if len(runs) == 1 else "photo"]
    panels = {name: photo if name == "photo" else PANELS[name] for name in PANEL_NAMES}
    return {
        name: panel
        for name, panel in panels.items()
        if any(has_panel(run.record, panel) for run in runs)
    }


def default_panels(runs: Sequence[NamedRecord]) -> list[str]:
    """Return the names of the panels shown until the reader chooses others."""
    names = _ONE_RUN if len(runs) == 1 else _SIDE_BY_SIDE
    return [name for name in panels_of(runs) if name in names]


def _list(value: Any) -> list[Any]:  # noqa: ANN401
    return value if isinstance(value, list) else []


def _integer(value: Any) -> int | None:  # noqa: ANN401
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if number and math.isfinite(value) and value == int(value) else None


def _pin(value: Any) -> tuple[int, int] | None:  # noqa: ANN401
    if not isinstance(value, list) or len(value) != 2:
        return None
    x, y = (_integer(part) for part in value)
    return None if x is None or y is None else (x, y)

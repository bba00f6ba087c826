"""The runs a viewer shows, the panels it has for them, and its state as an address can hold it."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..pictures.panels import PANELS, Panel, has_panel, has_truth
from ..runs.record import Record

__all__ = [
    "MAX_PINS",
    "MAX_ZOOM",
    "PANEL_NAMES",
    "NamedRecord",
    "Side",
    "ViewState",
    "default_panels",
    "panels_of",
]

MAX_PINS = 5
"""The number of pixels that can be pinned."""

MAX_ZOOM = 24.0
"""The largest magnification."""

PANEL_NAMES = tuple(name for name in PANELS if name != "overlay")
"""The panels that a viewer can have, in the order in which they are shown.

The overlay has no panel of its own: one run's photo carries it, at an opacity that readers choose.
"""

Side = tuple[str, int, int | None]
"""A picture of the wipe: name of the panel, number of the run, step; None = the step shown."""

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
        solo: The panel that is shown alone, if one is.
        overlay: The opacity of the overlay in %; None = the default.
        zoom: Magnification up to `MAX_ZOOM`, and the left and upper edge of what is visible as
            parts of the photo; None = all of it.
        isolated: The class that is shown alone, if one is.
        threshold: The confidence below which pixels are grey, in %; None = the default.
        against: The run and step that the panel difference compares with: None = the same run, and
            the step shown. Without it, step 0 of the same run. Of a shorter run, its last step.
        wipe: The divider's place in % of the width, then the pictures left and right of it.
        cell: The classes in truth and prediction whose pixels are lit.
    """

    step: int | None = None
    pins: tuple[tuple[int, int], ...] = ()
    panels: tuple[str, ...] = ()
    solo: str | None = None
    overlay: int | None = None
    zoom: tuple[float, float, float] | None = None
    isolated: int | None = None
    threshold: int | None = None
    against: tuple[int | None, int | None] | None = None
    wipe: tuple[int, Side, Side] | None = None
    cell: tuple[int, int] | None = None

    @classmethod
    def of(cls, value: Any, runs: Sequence[NamedRecord]) -> "ViewState":  # noqa: ANN401
        """Read a state that a browser reports; what does not fit these runs is dropped.

        Arguments:
            value: Any JSON value; of use is a dict with the keys that `plain` returns.
            runs: The runs shown.
        """
        value = value if isinstance(value, dict) else {}
        pins = [_pin(pin) for pin in _list(value.get("pins"))]
        panels = [name for name in _list(value.get("panels")) if isinstance(name, str)]
        solo = value.get("solo")
        state = cls(
            step=_integer(value.get("step")),
            pins=tuple(pin for pin in pins if pin),
            panels=tuple(panels),
            solo=solo if isinstance(solo, str) else None,
            overlay=_integer(value.get("overlay")),
            zoom=_zoom(value.get("zoom")),
            isolated=_integer(value.get("isolated")),
            threshold=_integer(value.get("threshold")),
            against=_against(value.get("against")),
            wipe=_wipe(value.get("wipe")),
            cell=_pin(value.get("cell")),
        )
        return state.fit(runs)

    def fit(self, runs: Sequence[NamedRecord]) -> "ViewState":
        """Return this state without what these runs do not have."""
        height, width = runs[0].record.photo.shape[:2]
        last = max(run.record.last for run in runs)
        classes = max(len(run.record.classes) for run in runs)
        pins = [(x, y) for x, y in self.pins if 0 <= x < width and 0 <= y < height]
        there = panels_of(runs)
        truth = any(has_truth(run.record) for run in runs)

        def within(value: int | None, top: int) -> int | None:
            return None if value is None or not 0 <= value <= top else value

        return replace(
            self,
            step=within(self.step, last - 1),
            pins=tuple(dict.fromkeys(pins))[:MAX_PINS],
            panels=tuple(name for name in there if name in self.panels),
            solo=self.solo if self.solo in there else None,
            overlay=within(self.overlay, 100),
            zoom=self.zoom if self.zoom and _is_zoom(self.zoom) else None,
            isolated=within(self.isolated, classes - 1),
            threshold=within(self.threshold, 100),
            against=self.against if self._has_reference(len(runs)) else None,
            wipe=self.wipe if self._has_sides(there, len(runs)) else None,
            cell=self.cell
            if truth and self.cell and all(0 <= id < classes for id in self.cell)
            else None,
        )

    def lacks(self, runs: Sequence[NamedRecord]) -> bool:
        """Return whether runs that still grow have not yet what this state shows."""
        fitting = self.fit(runs)
        return any(
            getattr(self, name) is not None and getattr(fitting, name) is None
            for name in ("step", "solo", "against", "wipe", "cell")
        )

    def _has_reference(self, runs: int) -> bool:
        run, step = self.against or (None, None)
        return 0 <= (run or 0) < runs and (step or 0) >= 0

    def _has_sides(self, there: dict[str, Panel], runs: int) -> bool:
        if self.wipe is None:
            return False
        at, *sides = self.wipe
        return 0 <= at <= 100 and all(
            panel in there and 0 <= run < runs and (step or 0) >= 0 for panel, run, step in sides
        )

    def plain(self) -> dict[str, Any]:
        """Return the state as JSON has it."""
        return {name: _plain(value) for name, value in asdict(self).items()}


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


def _plain(value: Any) -> Any:  # noqa: ANN401
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _list(value: Any) -> list[Any]:  # noqa: ANN401
    return value if isinstance(value, list) else []


def _number(value: Any) -> float | None:  # noqa: ANN401
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if number and math.isfinite(value) else None


def _integer(value: Any) -> int | None:  # noqa: ANN401
    number = _number(value)
    return int(number) if number is not None and number == int(number) else None


def _pin(value: Any) -> tuple[int, int] | None:  # noqa: ANN401
    if not isinstance(value, list) or len(value) != 2:
        return None
    x, y = (_integer(part) for part in value)
    return None if x is None or y is None else (x, y)


def _zoom(value: Any) -> tuple[float, float, float] | None:  # noqa: ANN401
    if not isinstance(value, list) or len(value) != 3:
        return None
    k, u, v = (_number(part) for part in value)
    return None if k is None or u is None or v is None else (k, u, v)


def _is_zoom(zoom: tuple[float, float, float]) -> bool:
    k, *edges = zoom
    return 1 < k <= MAX_ZOOM and all(0 <= edge < 1 for edge in edges)


def _against(value: Any) -> tuple[int | None, int | None] | None:  # noqa: ANN401
    if not isinstance(value, list) or len(value) != 2:
        return None
    run, step = (_integer(part) for part in value)
    return run, step


def _wipe(value: Any) -> tuple[int, Side, Side] | None:  # noqa: ANN401
    if not isinstance(value, list) or len(value) != 3:
        return None
    at, left, right = _integer(value[0]), _side(value[1]), _side(value[2])
    return None if at is None or left is None or right is None else (at, left, right)


def _side(value: Any) -> Side | None:  # noqa: ANN401
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[0], str):
        return None
    run = _integer(value[1])
    return None if run is None else (value[0], run, _integer(value[2]))

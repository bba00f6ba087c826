"""What a viewer shows of its runs: the part of its state that an address can hold."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .payload import NamedRecord

__all__ = ["PANELS", "PINS", "ViewState", "panels_of"]

PANELS: dict[str, str] = {
    "photo": "Photo with overlay",
    "feedforward": "Prediction of step 0",
    "prediction": "Prediction",
    "entropy": "Entropy",
    "receptive-field": "Receptive field",
    "truth": "Truth",
    "right-wrong": "Right and wrong since step 0",
}
"""The panels there can be, in the order in which they are shown."""

JUDGED = ("truth", "right-wrong")
"""The panels that need truth."""

PINS = 5
"""At most so many pixels are pinned."""


@dataclass(frozen=True)
class ViewState:
    """Where a viewer stands.

    Arguments:
        step: The step shown; None = the last there is.
        pins: Pinned pixels (x, y) of the photo, at most `PINS`.
        panels: Names of `PANELS`; () = those that the viewer shows unasked.
    """

    step: int | None = None
    pins: tuple[tuple[int, int], ...] = ()
    panels: tuple[str, ...] = ()

    @classmethod
    def of(cls, value: Any, runs: Sequence[NamedRecord]) -> "ViewState":  # noqa: ANN401
        """What a browser says, as far as it makes sense for these runs; the rest falls away.

        Arguments:
            value: Anything; of use is a dict with the keys step, pins and panels.
            runs: The runs shown.
        """
        value = value if isinstance(value, dict) else {}
        step = _whole(value.get("step"))
        pins = [_pin(pin) for pin in _listed(value.get("pins"))]
        panels = [name for name in _listed(value.get("panels")) if isinstance(name, str)]
        return cls(step, tuple(pin for pin in pins if pin), tuple(panels)).fit(runs)

    def fit(self, runs: Sequence[NamedRecord]) -> "ViewState":
        """This view with what these runs have: a step there is, pins on the photo, panels known."""
        height, width = runs[0].record.photo.shape[:2]
        last = max(shown.record.last for shown in runs)
        known = panels_of(runs)
        pins = [(x, y) for x, y in self.pins if 0 <= x < width and 0 <= y < height]
        asked = dict.fromkeys(self.panels)
        return ViewState(
            None if self.step is None or not 0 <= self.step < last else self.step,
            tuple(dict.fromkeys(pins))[:PINS],
            tuple(name for name in known if name in asked),
        )

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "step": self.step,
            "pins": [list(pin) for pin in self.pins],
            "panels": list(self.panels),
        }


def panels_of(runs: Sequence[NamedRecord]) -> list[str]:
    """The panels that these runs have data for."""
    judged = any(shown.record.reference == "truth" for shown in runs)
    return [name for name in PANELS if judged or name not in JUDGED]


def _listed(value: Any) -> list[Any]:  # noqa: ANN401
    return value if isinstance(value, list) else []


def _whole(value: Any) -> int | None:  # noqa: ANN401
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if number and math.isfinite(value) and value == int(value) else None


def _pin(value: Any) -> tuple[int, int] | None:  # noqa: ANN401
    if not isinstance(value, list) or len(value) != 2:
        return None
    x, y = (_whole(part) for part in value)
    return None if x is None or y is None else (x, y)

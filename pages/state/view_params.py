"""The query parameters of the viewer: what an address holds of a view."""

import re
from dataclasses import replace
from typing import Any

from segviz.jobs.limits import APP_LIMITS
from segviz.viewer import MAX_PINS, MAX_ZOOM, PANEL_NAMES, Side

from .parameter import MAX_RUNS, Parameter, choice, number, optional, several

__all__ = ["VIEW_PARAMETERS"]

MAX_CLASS = 254
"""The largest id of a class."""


def _match(regex: str, text: str) -> re.Match[str]:
    found = re.fullmatch(regex, text, re.ASCII)
    if found is None:
        raise ValueError(text)
    return found


def _pin(text: str) -> tuple[int, int]:
    x, y = _match(r"(\d{1,5})x(\d{1,5})", text).groups()
    return int(x), int(y)


def _zoom(text: str) -> tuple[float, float, float]:
    k, u, v = (
        float(part) for part in _match(r"(\d+\.?\d*)x(0|0?\.\d+)x(0|0?\.\d+)", text[:40]).groups()
    )
    if not 1 < k <= MAX_ZOOM:
        raise ValueError(text)
    return k, u, v


def _against(text: str) -> tuple[int | None, int | None]:
    run, step = _match(r"(?:(\d{1,2})x)?(\d{0,4})", text).groups()
    if run is None and not step:
        raise ValueError(text)
    return (None if run is None else _run(run)), int(step) if step else None


def _write_against(against: tuple[int | None, int | None]) -> str:
    run, step = against
    return f"{'' if run is None else f'{run}x'}{'' if step is None else step}"


def _run(text: str) -> int:
    run = int(text)
    if run >= MAX_RUNS:
        raise ValueError(text)
    return run


def _side(text: str) -> Side:
    panel, run, step = _match(r"([a-z-]{1,30})\.(\d{1,2})(?:\.(\d{1,4}))?", text).groups()
    return _PANELS.read(panel), _run(run), None if step is None else int(step)


def _wipe(text: str) -> tuple[int, Side, Side]:
    at, left, right = text.split("_")
    return int(_PERCENT.read(at)), _side(left), _side(right)


def _write_wipe(wipe: tuple[int, Side, Side]) -> str:
    at, *sides = wipe
    parts = (".".join(str(part) for part in side if part is not None) for side in sides)
    return "_".join((str(at), *parts))


def _optional(read: Any, write: Any, valid: str) -> Parameter:  # noqa: ANN401
    return optional(Parameter(None, read, write, valid))


_PIN = Parameter((0, 0), _pin, lambda pin: f"{pin[0]}x{pin[1]}", "a pixel such as 120x85")
_PANELS = choice("", PANEL_NAMES)
# The overlay of the command line is the photo's panel, which carries it.
_PANEL = replace(_PANELS, read=lambda text: _PANELS.read("photo" if text == "overlay" else text))
_PERCENT = number(None, 0, 100, int)
_CLASS = number(None, 0, MAX_CLASS, int)

VIEW_PARAMETERS: dict[str, Parameter] = {
    "step": number(None, *APP_LIMITS["steps"], int),
    "pins": several((), _PIN, MAX_PINS),
    "panels": several((), _PANEL),
    "solo": optional(_PANEL),
    "overlay": optional(_PERCENT),
    "zoom": _optional(
        _zoom,
        lambda zoom: "x".join(f"{part:.4g}" for part in zoom),
        f"a magnification up to {MAX_ZOOM:g} and the left and upper edge, such as 2x0.25x0.5",
    ),
    "isolated": optional(_CLASS),
    "threshold": optional(_PERCENT),
    "against": _optional(
        _against, _write_against, "a step such as 8, or a run and a step such as 1x8 or 1x"
    ),
    "wipe": _optional(
        _wipe, _write_wipe, "a place in % and two pictures, such as 50_prediction.0.4_prediction.0"
    ),
    "cell": optional(
        replace(_PIN, default=None, valid="the ids of a class in truth and in prediction, as 8x12")
    ),
}
"""The parameters of the viewer, by the name of their field of `ViewState`."""

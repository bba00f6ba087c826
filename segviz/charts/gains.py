"""Gains over feedforward, ours and the paper's, as charts."""

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from ..adapt.objectives import OBJECTIVES
from ..evaluation.against_paper import Line, Value, named
from ..evaluation.evaluate import FEEDFORWARD
from ..evaluation.paper_tables import OURS

__all__ = ["colours", "gain_bars", "gain_curves", "needs_truth"]

COLOURS = {
    "entropy": "#3987e5",
    OURS[0]: "#e58a39",
    "oracle": "#2fa36b",
    "adversary": "#d1495b",
}
OTHERS = ("#9a6dd7", "#16a5b8", "#c9a227", "#d16ba5", "#7a8f3c")
GREY = "#8a8f98"
WIDEST = 0.4
"""A single bar would else fill its panel."""
SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up")
GAP = 0.05
"""Between panels."""
ZERO = {"zeroline": True, "zerolinecolor": GREY, "zerolinewidth": 2}


def colours(methods: Sequence[str]) -> dict[str, str]:
    """A colour for each method, the same in every chart."""
    others = iter(OTHERS * len(methods))
    return {method: COLOURS.get(method) or next(others) for method in dict.fromkeys(methods)}


def gain_curves(found: Sequence[Line]) -> go.Figure:
    """Gain over feedforward against scale: ours solid, the paper's dashed.

    What needs truth has a panel of its own, for it would press the others flat.

    Arguments:
        found: Lines of a table; those of feedforward are the zero line.
    """
    gaining = [line for line in found if line.kind[0] != FEEDFORWARD]
    palette = colours([line.kind[0] for line in gaining])
    steps = sorted({line.kind[2] for line in gaining})
    scales = sorted({scale for line in found for scale in line.values})
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"annotations": []}
    panels = _panels(gaining)
    width = (1 - GAP * (len(panels) - 1)) / max(len(panels), 1)
    for place, (needs, title) in enumerate(panels):
        number = str(place + 1) if place else ""
        for line in gaining:
            if needs_truth(line) is needs:
                symbol = SYMBOLS[steps.index(line.kind[2]) % len(SYMBOLS)]
                name = named(line.kind, len(steps) > 1)
                traces += _curves(line, name, palette[line.kind[0]], symbol, number)
        start = place * (width + GAP)
        layout[f"xaxis{number}"] = {
            "domain": [start, start + width],
            "anchor": f"y{number}",
            "tickvals": scales,
            "ticktext": [f"{scale:g}x" for scale in scales],
            "zeroline": False,
        }
        layout[f"yaxis{number}"] = {"anchor": f"x{number}", "rangemode": "tozero"} | ZERO
        layout["annotations"].append(_heading(title, start))
    layout |= {
        "height": 440,
        "margin": {"l": 8, "r": 8, "t": 32, "b": 8},
        "legend": {"orientation": "h", "x": 0, "y": -0.1, "yanchor": "top"},
        "hovermode": "closest",
    }
    return go.Figure({"data": traces, "layout": layout})


def _curves(line: Line, name: str, colour: str, symbol: str, number: str) -> list[dict[str, Any]]:
    """A line of ours, and one of the paper's where it has any."""
    traces = []
    for key, title, dash in (("gain", name, "solid"), ("paper_gain", f"{name}: paper", "dash")):
        points = [(s, getattr(value, key), value) for s, value in line.values.items()]
        points = [point for point in points if point[1] is not None]
        if not points:
            continue
        errors = [value.error for *_, value in points] if key == "gain" else []
        traces.append(
            {
                "type": "scatter",
                "xaxis": f"x{number}",
                "yaxis": f"y{number}",
                "x": [scale for scale, *_ in points],
                "y": [gain for _, gain, _ in points],
                "name": title,
                "mode": "lines+markers",
                "line": {"color": colour, "width": 2, "dash": dash},
                "marker": {"size": 8, "symbol": symbol if dash == "solid" else f"{symbol}-open"},
            }
            | _told(f"{title} at %{{x}}", errors)
        )
    return traces


def gain_bars(found: Sequence[Line]) -> go.Figure:
    """Gain over feedforward by variables: ours as bars, the paper's as diamonds.

    Each scale has two panels, for what needs truth would hide the others.
    """
    gaining = [line for line in found if line.kind[0] != FEEDFORWARD]
    palette = colours([line.kind[0] for line in gaining])
    scales = sorted({scale for line in found for scale in line.values})
    panels = [(scale, needs, title) for needs, title in _panels(gaining) for scale in scales]
    width = (1 - GAP * (len(panels) - 1)) / max(len(panels), 1)
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"annotations": []}
    for place, (scale, needs, title) in enumerate(panels):
        number = str(place + 1) if place else ""
        here = [line for line in gaining if needs_truth(line) is needs]
        groups = list(dict.fromkeys((line.kind[1], line.kind[2]) for line in here))
        methods = {
            group: [line.kind[0] for line in here if line.kind[1:] == group] for group in groups
        }
        wide = min(0.8 / max(map(len, methods.values()), default=1), WIDEST)
        for line in here:
            value = line.values.get(scale)
            if value is None:
                continue
            method, beside = line.kind[0], methods[line.kind[1:]]
            x = float(groups.index(line.kind[1:]))
            x += (beside.index(method) - (len(beside) - 1) / 2) * wide
            traces += _bar(line, value, x, wide, number, palette[method])
        start = place * (width + GAP)
        layout[f"xaxis{number}"] = {
            "domain": [start, start + width],
            "anchor": f"y{number}",
            "tickvals": list(range(len(groups))),
            "ticktext": [_group(one, groups) for one in groups],
            "range": [-0.5, len(groups) - 0.5],
            "showgrid": False,
            "zeroline": False,
        }
        first = next(i for i, panel in enumerate(panels) if panel[1] is needs)
        layout[f"yaxis{number}"] = {"anchor": f"x{number}"} | ZERO
        if place != first:
            layout[f"yaxis{number}"]["matches"] = f"y{first + 1 if first else ''}"
        layout["annotations"].append(_heading(f"{scale:g}x, {title}", start))
    shown: set[str] = set()
    for trace in traces:
        trace["showlegend"] = trace["name"] not in shown
        shown.add(trace["name"])
    layout |= {
        "height": 380,
        "margin": {"l": 8, "r": 8, "t": 72, "b": 8},
        "legend": {"orientation": "h", "x": 0, "y": 1.28, "yanchor": "top"},
        "hovermode": "closest",
    }
    return go.Figure({"data": traces, "layout": layout})


def _bar(
    line: Line, value: Value, x: float, wide: float, number: str, colour: str
) -> list[dict[str, Any]]:
    """A bar, and on it the paper's value as an open diamond."""
    where = {"xaxis": f"x{number}", "yaxis": f"y{number}", "x": [x]}
    method = line.kind[0]
    name = f"{method} (ours)" if method == OURS[0] else method
    title = named(line.kind, True)
    bar = {
        **where,
        "type": "bar",
        "y": [value.gain],
        "width": [0.92 * wide],
        "name": name,
        "legendgroup": name,
        "marker": {"color": colour},
    } | _told(title, [value.error])
    if value.paper_gain is None:
        return [bar]
    mark = {
        **where,
        "type": "scatter",
        "mode": "markers",
        "y": [value.paper_gain],
        "name": "the paper's",
        "legendgroup": "the paper's",
        "legendrank": 2000,
        "marker": {
            "symbol": "diamond",
            "size": 10,
            "color": GREY,
            "line": {"color": "#ffffff", "width": 1.5},
        },
        "hovertemplate": f"{title}, paper: %{{y:+.1f}}<extra></extra>",
    }
    return [bar, mark]


def _told(title: str, errors: Sequence[float | None]) -> dict[str, Any]:
    """What hovering says of a gain, and the bars of its standard errors where they are known."""
    if not errors or None in errors:
        return {"hovertemplate": f"{title}: %{{y:+.1f}}<extra></extra>"}
    return {
        "hovertemplate": f"{title}: %{{y:+.1f}} ± %{{error_y.array:.1f}}<extra></extra>",
        "error_y": {"type": "data", "array": list(errors), "thickness": 1, "width": 3},
    }


def _panels(gaining: Sequence[Line]) -> list[tuple[bool, str]]:
    """Whether truth is needed, and what that is called; only what there are lines of."""
    parts = [(False, "unsupervised"), (True, "with truth")]
    return [part for part in parts if any(needs_truth(line) is part[0] for line in gaining)]


def _heading(text: str, start: float) -> dict[str, Any]:
    """What stands over the panel that starts there."""
    where = {"x": start, "y": 1, "xref": "paper", "yref": "paper"}
    anchors = {"xanchor": "left", "yanchor": "bottom"}
    return {"text": text, **where, **anchors, "font": {"size": 13}, "showarrow": False}


def needs_truth(line: Line) -> bool:
    """Whether its objective is a bound, to be told apart from what works without truth."""
    objective = OBJECTIVES.get(line.kind[0].split(":")[0])
    return objective is not None and objective.needs_truth


def _group(one: tuple[str | None, int], groups: Sequence[tuple[str | None, int]]) -> str:
    variables, steps = one
    several = len({count for _, count in groups}) > 1
    return f"{variables}, {steps}" if several else str(variables)

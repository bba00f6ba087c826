"""Results against the paper's: rows of tables, and gains over feedforward as charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from ..adapt.objectives import OBJECTIVES
from ..evaluate import FEEDFORWARD
from ..results import Kind, Result
from ..tables import OURS, paper_value

__all__ = [
    "Line",
    "Value",
    "gain_bars",
    "gain_curves",
    "lines",
    "mean_gain",
    "named",
    "needs_truth",
]

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


@dataclass(frozen=True)
class Value:
    """mIoU of one method at one scale, in percent; None where there is none.

    Arguments:
        miou: Ours.
        paper: The paper's.
        gain: Ours over our feedforward, in points.
        paper_gain: The paper's over its feedforward, in points.
        error: The standard error of our gain over resampled images, in points.
    """

    miou: float | None
    paper: float | None
    gain: float | None
    paper_gain: float | None
    error: float | None = None

    @property
    def difference(self) -> float | None:
        """Ours minus the paper's, in points."""
        return _minus(self.miou, self.paper)


@dataclass(frozen=True)
class Line:
    """One method after some steps at all scales.

    Arguments:
        kind: Method, variables (None = feedforward) and steps.
        ours: Whether it is the objective that was chosen on training images.
        values: By scale.
    """

    kind: Kind
    ours: bool
    values: dict[float, Value]


def named(kind: Kind, steps: bool = False) -> str:
    """A name: the method, with "(ours)" where it is, what it adapts, and on demand the steps."""
    method, variables, count = kind
    if method == FEEDFORWARD:
        return FEEDFORWARD
    mark = " (ours)" if kind[:2] == OURS else ""
    after = f", {count} step{'s' if count != 1 else ''}" if steps else ""
    return f"{method}{mark}, {variables}{after}"


def lines(result: Result, model: str) -> list[Line]:
    """The lines of one model's table, as the file has them."""
    part = result.parts[model]
    found = []
    for kind in part.kinds:
        values = {}
        for scale in part.scales:
            row, base = part.row(scale, kind), part.base(scale)
            if row is None:
                continue
            miou = _percent(row.miou)
            paper = paper_value(result.table, model, row.numbers)
            gain = paper_gain = error = None
            if base is not None and base is not row:
                gain = _minus(miou, _percent(base.miou))
                paper_gain = _minus(paper, paper_value(result.table, model, base.numbers))
                error = None if gain is None else _percent(row.gain_error)
            values[scale] = Value(miou, paper, gain, paper_gain, error)
        found.append(Line(kind, kind[:2] == OURS, values))
    return found


def mean_gain(result: Result, model: str, kind: Kind) -> Value | None:
    """A method's mean gain at large scales, ours and the paper's; None where there is none."""
    part = result.parts[model]
    mean = part.mean_gains.get(kind)
    if mean is None or mean.gain is None:
        return None
    by_scale = next((line.values for line in lines(result, model) if line.kind == kind), {})
    papers = [by_scale[s].paper_gain if s in by_scale else None for s in mean.scales]
    known = [gain for gain in papers if gain is not None]
    paper = sum(known) / len(known) if known and len(known) == len(papers) else None
    return Value(None, None, _percent(mean.gain), paper, _percent(mean.error))


def _minus(one: float | None, two: float | None) -> float | None:
    return None if one is None or two is None else one - two


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


# === Charts


def colours(methods: Sequence[str]) -> dict[str, str]:
    """A colour for each method, the same in every chart."""
    others = iter(OTHERS * len(methods))
    return {method: COLOURS.get(method) or next(others) for method in dict.fromkeys(methods)}


def gain_curves(found: Sequence[Line]) -> go.Figure:
    """Gain over feedforward against scale: ours solid, the paper's dashed.

    Arguments:
        found: Lines of a table; those of feedforward are the zero line.
    """
    gaining = [line for line in found if line.kind[0] != FEEDFORWARD]
    palette = colours([line.kind[0] for line in gaining])
    steps = sorted({line.kind[2] for line in gaining})
    traces: list[dict[str, Any]] = []
    for line in gaining:
        name = named(line.kind, len(steps) > 1)
        symbol = SYMBOLS[steps.index(line.kind[2]) % len(SYMBOLS)]
        for key, title, dash in (("gain", name, "solid"), ("paper_gain", f"{name}: paper", "dash")):
            points = [(s, getattr(value, key), value) for s, value in line.values.items()]
            points = [point for point in points if point[1] is not None]
            if not points:
                continue
            errors = [value.error for *_, value in points] if key == "gain" else []
            traces.append(
                {
                    "type": "scatter",
                    "x": [scale for scale, *_ in points],
                    "y": [gain for _, gain, _ in points],
                    "name": title,
                    "mode": "lines+markers",
                    "line": {"color": palette[line.kind[0]], "width": 2, "dash": dash},
                    "marker": {
                        "size": 8,
                        "symbol": symbol if dash == "solid" else f"{symbol}-open",
                    },
                }
                | _told(f"{title} at %{{x}}", errors)
            )
    scales = sorted({scale for line in found for scale in line.values})
    layout = {
        "height": 360,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "legend": {"orientation": "v", "x": 1.01, "y": 1, "yanchor": "top"},
        "hovermode": "closest",
        "xaxis": {"title": {"text": "scale"}, "tickvals": scales, "ticksuffix": "x"}
        | {"zeroline": False},
        "yaxis": {"title": {"text": "points of mIoU over feedforward"}} | ZERO,
    }
    return go.Figure({"data": traces, "layout": layout})


ZERO = {"zeroline": True, "zerolinecolor": GREY, "zerolinewidth": 2}


def gain_bars(found: Sequence[Line]) -> go.Figure:
    """Gain over feedforward by variables: ours as bars, the paper's as diamonds.

    Each scale has two panels, for what needs truth would hide the others.
    """
    gaining = [line for line in found if line.kind[0] != FEEDFORWARD]
    palette = colours([line.kind[0] for line in gaining])
    scales = sorted({scale for line in found for scale in line.values})
    parts = [(False, "unsupervised"), (True, "with truth")]
    parts = [p for p in parts if any(needs_truth(line) is p[0] for line in gaining)]
    panels = [(scale, needs, title) for needs, title in parts for scale in scales]
    gap = 0.05
    width = (1 - gap * (len(panels) - 1)) / max(len(panels), 1)
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
        start = place * (width + gap)
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
        layout["annotations"].append(
            {
                "text": f"{scale:g}x, {title}",
                "x": start,
                "y": 1,
                "xref": "paper",
                "yref": "paper",
                "xanchor": "left",
                "yanchor": "bottom",
                "font": {"size": 13},
                "showarrow": False,
            }
        )
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


def needs_truth(line: Line) -> bool:
    objective = OBJECTIVES.get(line.kind[0].split(":")[0])
    return objective is not None and objective.needs_truth


def _group(one: tuple[str | None, int], groups: Sequence[tuple[str | None, int]]) -> str:
    variables, steps = one
    several = len({count for _, count in groups}) > 1
    return f"{variables}, {steps}" if several else str(variables)

"""Several records at a glance: IoU by class, numbers against scale, outcomes on a grid."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from .. import metrics
from ..runs.record import Record
from ..runs.verdict import score

__all__ = ["class_table", "cost", "outcome_grid", "scale_curves", "step_of"]

BEFORE, AFTER, AXIS = "#8a8f98", "#3987e5", "#8a8f98"
SEEN = 0.005
STRONG = 0.3
WORSE, BETTER = "#c83030", "#2b8c48"


def step_of(record: Record, step: int | None) -> int:
    """A step of a record that may be shorter; None = its last."""
    return record.last if step is None else min(step, record.last)


def cost(record: Record) -> float | None:
    """Median milliseconds of an update; None where there is none."""
    later = [ms for ms in record.numbers("ms")[1:] if ms is not None]
    return float(np.median(later)) if later else None


# === By class


def class_table(runs: Mapping[str, Record], step: int | None = None) -> list[dict[str, Any]]:
    """IoU by class in percent, and what each run changes against the first.

    Arguments:
        runs: Records of one photo with truth, by name.
        step: Which step; shorter runs show their last, None = the last of each.

    Returns:
        A row for the mean, then one for each class that the truth has, or that a run sees on more
        than `SEEN` of its pixels: "class", the share of the truth in percent, and for each run its
        IoU (None where the class is neither in truth nor prediction) and, but for the first, the
        difference named "± NAME".
    """
    first = next(iter(runs.values()))
    assert first.truth is not None, "IoU needs truth"
    classes = len(first.classes)
    matrices = {
        name: metrics.confusion(first.truth, record.labels[step_of(record, step)], classes)
        for name, record in runs.items()
    }
    ious = {name: metrics.class_iou(matrix) for name, matrix in matrices.items()}
    counts = next(iter(matrices.values())).sum(1)
    total = max(counts.sum(), 1)
    seen = np.max([matrix.sum(0) for matrix in matrices.values()], axis=0)
    present = [c for c in range(classes) if counts[c] or seen[c] > SEEN * total]
    share = 100 * counts / total

    def row(title: str, part: float | None, values: dict[str, float]) -> dict[str, Any]:
        cells: dict[str, Any] = {"class": title, "share": part}
        base = next(iter(values.values()))
        for place, (name, value) in enumerate(values.items()):
            cells[name] = _percent(value)
            if place:
                cells[f"± {name}"] = _percent(value - base)
        return cells

    mean = {name: metrics.mean_iou(matrix) for name, matrix in matrices.items()}
    rows = [row("mean", None, mean)]
    by_share = sorted(present, key=lambda c: (-share[c], -seen[c]))
    rows += [
        row(first.classes[c], float(share[c]), {name: float(iou[c]) for name, iou in ious.items()})
        for c in by_share
    ]
    return rows


def _percent(value: float) -> float | None:
    return None if not np.isfinite(value) else 100 * float(value)


# === Against scale


def scale_curves(records: Sequence[Record]) -> go.Figure:
    """What they are judged by, mean entropy and mean sigma against scale, before and after.

    The dashed line is the sigma of perfect scale equivariance: that of the smallest scale before
    adaptation, times the scale over that scale.

    Arguments:
        records: Records of one photo, ascending in scale.
    """
    scales = [record.settings.scale for record in records]
    judged = score(records[0])
    panels = [("mean entropy, nats", "entropy"), ("mean sigma, input px", "sigma")]
    if judged is not None:
        key, name = judged
        panels.insert(0, (f"{name[:1].upper()}{name[1:]}, 0 to 1", key))
    gap = 0.06
    width = (1 - gap * (len(panels) - 1)) / len(panels)
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"annotations": []}
    for place, (title, key) in enumerate(panels):
        number = str(place + 1) if place else ""
        where = {"xaxis": f"x{number}", "yaxis": f"y{number}", "type": "scatter"}
        start = place * (width + gap)
        layout[f"xaxis{number}"] = {
            "domain": [start, start + width],
            "anchor": f"y{number}",
            "title": {"text": "scale"},
            "tickvals": scales,
            "ticksuffix": "x",
            "zeroline": False,
        }
        layout[f"yaxis{number}"] = {
            "anchor": f"x{number}",
            "rangemode": "tozero",
            "nticks": 5,
            "zeroline": False,
        }
        layout["annotations"].append(_above(title, start))
        for name, colour, step in (("feedforward", BEFORE, 0), ("adapted", AFTER, -1)):
            traces.append(
                {
                    **where,
                    "x": scales,
                    "y": [record.steps[step][key] for record in records],
                    "name": name,
                    "legendgroup": name,
                    "showlegend": place == 0,
                    "mode": "lines+markers",
                    "line": {"color": colour, "width": 2},
                    "marker": {"size": 7},
                    "hovertemplate": f"{name} at %{{x}}: %{{y:.4g}}<extra></extra>",
                }
            )
        if key == "sigma":
            first = records[0].steps[0]["sigma"]
            traces.append(
                {
                    **where,
                    "x": scales,
                    "y": [first * scale / scales[0] for scale in scales],
                    "name": f"sigma at {scales[0]:g}x, times the scale",
                    "mode": "lines",
                    "line": {"color": AXIS, "width": 1.5, "dash": "dash"},
                    "hovertemplate": "equivariant at %{x}: %{y:.4g}<extra></extra>",
                }
            )
    layout |= {
        "height": 290,
        "margin": {"l": 8, "r": 8, "t": 64, "b": 8},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.32, "yanchor": "top"},
        "hovermode": "closest",
        "uirevision": "kept",
    }
    return go.Figure({"data": traces, "layout": layout})


def _above(title: str, x: float) -> dict[str, Any]:
    """A title above its axis: beside it, it would run into the next panel on narrow screens."""
    return {
        "text": title,
        "x": x,
        "y": 1,
        "xref": "paper",
        "yref": "paper",
        "xanchor": "left",
        "yanchor": "bottom",
        "xshift": -24,
        "font": {"size": 13},
        "showarrow": False,
    }


# === On a grid


def outcome_grid(
    rows: Sequence[str],
    columns: Sequence[str],
    groups: Sequence[str],
    change: Mapping[tuple[str, str, str], float | None],
    unit: str,
) -> go.Figure:
    """Changes as coloured cells with their numbers: one grid for each group, side by side.

    Every cell is a point of `customdata` [row, column, group], so that it can be selected.

    Arguments:
        rows: Names from top to bottom.
        columns: Names from left to right.
        groups: Titles of the grids.
        change: Of (row, column, group) the change in points, or None where it is not known yet.
        unit: What changed, such as "IoU".
    """
    known = [abs(value) for value in change.values() if value is not None]
    top = max([*known, 1.0])
    gap = 0.025
    width = (1 - gap * (len(groups) - 1)) / len(groups)
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {"annotations": []}
    for place, group in enumerate(groups):
        number = str(place + 1) if place else ""
        where = {"xaxis": f"x{number}", "yaxis": f"y{number}"}
        start = place * (width + gap)
        values = [[change.get((row, column, group)) for column in columns] for row in rows]
        x, y = list(range(len(columns))), list(range(len(rows)))
        traces.append(
            {
                **where,
                "type": "heatmap",
                "x": x,
                "y": y,
                "z": values,
                "zmin": -top,
                "zmax": top,
                "xgap": 3,
                "ygap": 3,
                "colorscale": [[0, WORSE], [0.5, "rgba(128,128,128,0.12)"], [1, BETTER]],
                "showscale": False,
                "hoverinfo": "skip",
            }
        )
        cells = [(i, j) for i in y for j in x]
        traces.append(
            {
                **where,
                "type": "scatter",
                "mode": "markers+text",
                "x": [j for _, j in cells],
                "y": [i for i, _ in cells],
                "text": [_signed(values[i][j]) for i, j in cells],
                "textfont": {
                    "size": 14,
                    "color": [_ink(values[i][j], top) for i, j in cells],
                },
                "customdata": [[rows[i], columns[j], group] for i, j in cells],
                "marker": {"size": 44, "symbol": "square", "opacity": 0.0},
                "selected": {"marker": {"opacity": 0.0}},
                "unselected": {"marker": {"opacity": 0.0}},
                "hovertemplate": "%{customdata[0]}, learning rate %{customdata[1]},"
                " %{customdata[2]}: %{text} " + unit + "<extra></extra>",
                "showlegend": False,
            }
        )
        layout[f"xaxis{number}"] = {
            "domain": [start, start + width],
            "anchor": f"y{number}",
            "title": {"text": "learning rate"},
            "tickvals": x,
            "ticktext": list(columns),
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
            "range": [-0.5, len(columns) - 0.5],
        }
        layout[f"yaxis{number}"] = {
            "anchor": f"x{number}",
            "tickvals": y,
            "ticktext": list(rows) if not place else [""] * len(rows),
            "range": [len(rows) - 0.5, -0.5],
            "showgrid": False,
            "zeroline": False,
            "fixedrange": True,
        }
        layout["annotations"].append({**_above(group, start), "xshift": 0})
    layout |= {
        "height": 100 + 52 * len(rows),
        "margin": {"l": 8, "r": 8, "t": 30, "b": 8},
        "hovermode": "closest",
        "dragmode": False,
        "clickmode": "event+select",
        "uirevision": "kept",
    }
    return go.Figure({"data": traces, "layout": layout})


def _ink(value: float | None, top: float) -> str:
    """The colour of a cell's number: white on strong colours, else grey for either theme."""
    return "#ffffff" if value is not None and abs(value) > STRONG * top else "#7d858f"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.1f}"

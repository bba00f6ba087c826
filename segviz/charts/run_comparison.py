"""Compare records: IoU by class, measures against scale, and changes over a grid of settings."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from .. import metrics
from ..pictures.method_colours import GREY
from ..runs.record import Record
from ..runs.verdict import score

__all__ = ["change_heatmap", "class_table", "median_update_ms", "scale_curves"]

BEFORE, AFTER = GREY, "#3987e5"
MIN_PREDICTED = 0.005
"""The share of pixels above which a class that truth lacks is listed."""
WORSE, SAME, BETTER = "rgba(224,128,40,0.6)", "rgba(128,128,128,0.12)", "rgba(40,120,200,0.6)"
"""See-through, so that the text colour of the page is legible on them in either theme."""


def median_update_ms(record: Record) -> float | None:
    """Return the median time of an update in milliseconds, or None for feedforward."""
    later = [ms for ms in record.numbers("ms")[1:] if ms is not None]
    return float(np.median(later)) if later else None


# === By class


def class_table(runs: Mapping[str, Record], step: int | None = None) -> list[dict[str, Any]]:
    """Return IoU by class in percent, and the difference of each run from the first.

    Arguments:
        runs: Records of one photo with truth, by name.
        step: The step; shorter runs use their last; None = the last of each.

    Returns:
        A row for the mean, then one for each class that the truth has, or that a run predicts on
        more than `MIN_PREDICTED` of its pixels: "class", the share of the truth in percent, and
        for each run its IoU (None where the class is neither in truth nor prediction) and, except
        for the first, the difference named "± NAME".
    """
    first = next(iter(runs.values()))
    assert first.truth is not None, "IoU needs truth"
    classes = len(first.classes)
    matrices = {
        name: metrics.confusion(first.truth, record.labels[_clamped(record, step)], classes)
        for name, record in runs.items()
    }
    ious = {name: metrics.class_iou(matrix) for name, matrix in matrices.items()}
    counts = next(iter(matrices.values())).sum(1)
    total = max(counts.sum(), 1)
    predicted = np.max([matrix.sum(0) for matrix in matrices.values()], axis=0)
    present = [c for c in range(classes) if counts[c] or predicted[c] > MIN_PREDICTED * total]
    share = 100 * counts / total

    def row(title: str, portion: float | None, values: dict[str, float]) -> dict[str, Any]:
        cells: dict[str, Any] = {"class": title, "share": portion}
        base = next(iter(values.values()))
        for place, (name, value) in enumerate(values.items()):
            cells[name] = _percent(value)
            if place:
                cells[f"± {name}"] = _percent(value - base)
        return cells

    mean = {name: metrics.mean_iou(matrix) for name, matrix in matrices.items()}
    rows = [row("mean", None, mean)]
    by_share = sorted(present, key=lambda c: (-share[c], -predicted[c]))
    rows += [
        row(first.classes[c], float(share[c]), {name: float(iou[c]) for name, iou in ious.items()})
        for c in by_share
    ]
    return rows


def _clamped(record: Record, step: int | None) -> int:
    return record.last if step is None else min(step, record.last)


def _percent(value: float) -> float | None:
    return None if not np.isfinite(value) else 100 * float(value)


# === Against scale


def scale_curves(records: Sequence[Record]) -> go.Figure:
    """Plot IoU or agreement, mean entropy and mean sigma against scale, before and after.

    The dashed line is the sigma of perfect scale equivariance: that of the smallest scale before
    adaptation, times the scale over that scale. Sigma is left out where the network has none.

    Arguments:
        records: Records of one photo, ascending in scale.
    """
    scales = [record.settings.scale for record in records]
    panels = [("mean entropy, nats", "entropy")]
    first = records[0].steps[0]["sigma"]
    if first is not None:
        panels.append(("mean sigma, input px", "sigma"))
    if judged := score(records[0]):
        key, name = judged
        panels.insert(0, (f"{name[:1].upper()}{name[1:]}, 0 to 1", key))
    figure = _subplots([title for title, _ in panels], spacing=0.06)
    for column, (_, key) in enumerate(panels, 1):
        for name, colour, step in (("feedforward", BEFORE, 0), ("adapted", AFTER, -1)):
            curve = go.Scatter(
                x=scales,
                y=[record.steps[step][key] for record in records],
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                mode="lines+markers",
                line={"color": colour, "width": 2},
                marker={"size": 7},
                hovertemplate=f"{name} at %{{x}}: %{{y:.4g}}<extra></extra>",
            )
            figure.add_trace(curve, 1, column)
    if first is not None:
        equivariant = go.Scatter(
            x=scales,
            y=[first * scale / scales[0] for scale in scales],
            name=f"sigma at {scales[0]:g}x, times the scale",
            mode="lines",
            line={"color": GREY, "width": 1.5, "dash": "dash"},
            hovertemplate="equivariant at %{x}: %{y:.4g}<extra></extra>",
        )
        figure.add_trace(equivariant, 1, len(panels))
    figure.update_xaxes(title="scale", tickvals=scales, ticksuffix="x", zeroline=False)
    figure.update_yaxes(rangemode="tozero", nticks=5, zeroline=False)
    return figure.update_layout(
        height=290,
        margin={"l": 8, "r": 8, "t": 64, "b": 8},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.32, "yanchor": "top"},
        hovermode="closest",
        uirevision="constant",
    )


# === Over a grid of settings


def change_heatmap(
    rows: Sequence[str],
    columns: Sequence[str],
    groups: Sequence[str],
    change: Mapping[tuple[str, str, str], float | None],
    unit: str,
) -> go.Figure:
    """Plot changes as coloured cells with their numbers: one grid for each group, side by side.

    Every cell is a point with `customdata` [row, column, group], so that it can be selected.

    Arguments:
        rows: Names from top to bottom.
        columns: Names from left to right.
        groups: Titles of the grids.
        change: The change in points of each (row, column, group); None while it is not known.
        unit: The measure that changed, such as "IoU".
    """
    top = max([*(abs(value) for value in change.values() if value is not None), 1.0])
    x, y = list(range(len(columns))), list(range(len(rows)))
    figure = _subplots(groups, spacing=0.025)
    for place, group in enumerate(groups, 1):
        values = [[change.get((row, column, group)) for column in columns] for row in rows]
        colours = go.Heatmap(
            x=x,
            y=y,
            z=values,
            zmin=-top,
            zmax=top,
            xgap=3,
            ygap=3,
            colorscale=[[0, WORSE], [0.5, SAME], [1, BETTER]],
            showscale=False,
            hoverinfo="skip",
        )
        cells = [(i, j) for i in y for j in x]
        numbers = go.Scatter(
            mode="markers+text",
            x=[j for _, j in cells],
            y=[i for i, _ in cells],
            text=[_signed(values[i][j]) for i, j in cells],
            textfont={"size": 14},
            customdata=[[rows[i], columns[j], group] for i, j in cells],
            marker={"size": 44, "symbol": "square", "opacity": 0.0},
            selected={"marker": {"opacity": 0.0}},
            unselected={"marker": {"opacity": 0.0}},
            hovertemplate="%{customdata[0]}, learning rate %{customdata[1]},"
            " %{customdata[2]}: %{text} " + unit + "<extra></extra>",
            showlegend=False,
        )
        figure.add_traces([colours, numbers], 1, place)
        figure.update_yaxes(ticktext=list(rows) if place == 1 else [""] * len(rows), col=place)
    figure.update_xaxes(
        title="learning rate",
        tickvals=x,
        ticktext=list(columns),
        range=[-0.5, len(columns) - 0.5],
    )
    figure.update_yaxes(tickvals=y, range=[len(rows) - 0.5, -0.5])
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(showgrid=False, zeroline=False, fixedrange=True)
    return figure.update_layout(
        height=100 + 52 * len(rows),
        margin={"l": 8, "r": 8, "t": 30, "b": 8},
        hovermode="closest",
        dragmode=False,
        clickmode="event+select",
        uirevision="constant",
    )


def _subplots(titles: Sequence[str], spacing: float) -> go.Figure:
    """Return a row of panels with titles above: axis titles would overlap on narrow screens."""
    figure = make_subplots(cols=len(titles), horizontal_spacing=spacing, subplot_titles=titles)
    return figure.update_annotations(font_size=13)


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+z.1f}"

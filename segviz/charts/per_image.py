"""Results by class and by image, as charts and as sentences made from their numbers."""

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go

from ..data.classes import CLASSES
from ..evaluation.correlation import Changes, pearson, spearman, strength
from ..evaluation.results import Row
from .run_comparison import BETTER, WORSE

__all__ = ["changes_said", "class_bars", "levels_said", "scatter_changes", "scatter_levels"]

POINT, AXIS = "#3987e5", "#8a8f98"
FEW = 10
"""With fewer images nothing is said of relations."""

TOO_FEW = f"With fewer than {FEW} images no relation is claimed."


def class_bars(base: Row, row: Row) -> go.Figure:
    """What each class gained or lost against feedforward, in points of IoU, best first.

    Arguments:
        base: Feedforward at the same scale.
        row: The method.
    """
    count = min(len(base.class_iou), len(row.class_iou), len(CLASSES))
    before, after = 100 * base.class_iou[:count], 100 * row.class_iou[:count]
    change = after - before
    order = [int(c) for c in np.argsort(change, kind="stable") if np.isfinite(change[c])]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [float(change[c]) for c in order],
        "y": [CLASSES[c] for c in order],
        "marker": {"color": [BETTER if change[c] >= 0 else WORSE for c in order]},
        "customdata": [[float(before[c]), float(after[c])] for c in order],
        "hovertemplate": "%{y}: %{customdata[0]:.1f} → %{customdata[1]:.1f} %"
        " (%{x:+.1f})<extra></extra>",
    }
    layout = {
        "height": 60 + 20 * max(len(order), 3),
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "bargap": 0.25,
        "xaxis": {
            "title": {"text": "points of IoU over feedforward"},
            "zeroline": True,
            "zerolinecolor": AXIS,
        },
        "yaxis": {"tickmode": "linear", "dtick": 1, "showgrid": False},
    }
    return go.Figure({"data": [bars], "layout": layout})


# === Entropy and accuracy, image by image


def scatter_changes(changes: Changes, name: str) -> go.Figure:
    """Change of IoU or accuracy against change of mean entropy, one point for each image.

    Arguments:
        changes: Of the images.
        name: What changed, such as "IoU".
    """
    figure = _scatter(
        changes,
        changes.entropy,
        changes.change,
        f"%{{customdata}}: {name} %{{y:+.1f}} points, entropy %{{x:+.4f}} nats<extra></extra>",
        ("change of mean entropy, nats", f"change of {name}, points"),
    )
    found = changes.quadrants()
    for (x, y), (one, two) in {
        (0, 1): (-1, 1),
        (1, 1): (1, 1),
        (0, 0): (-1, -1),
        (1, 0): (1, -1),
    }.items():
        figure.add_annotation(
            text=f"{found.get((one, two), 0):,}",
            x=x,
            y=y,
            xref="paper",
            yref="paper",
            xanchor="right" if x else "left",
            yanchor="top" if y else "bottom",
            showarrow=False,
            font={"size": 18, "color": BETTER if two > 0 else WORSE},
        )
    both = {"zeroline": True, "zerolinecolor": AXIS, "rangemode": "tozero"}
    figure.update_xaxes(**both)
    figure.update_yaxes(**both)
    return figure


def scatter_levels(changes: Changes, name: str) -> go.Figure:
    """Feedforward's IoU or accuracy against its mean entropy, one point for each image."""
    return _scatter(
        changes,
        changes.entropy_before,
        100 * changes.before,
        f"%{{customdata}}: {name} %{{y:.1f}} %, entropy %{{x:.4f}} nats<extra></extra>",
        ("mean entropy of feedforward, nats", f"{name} of feedforward, %"),
    )


def _scatter(
    changes: Changes, x: np.ndarray, y: np.ndarray, hover: str, titles: tuple[str, str]
) -> go.Figure:
    points: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "x": x.tolist(),
        "y": y.tolist(),
        "customdata": list(changes.ids),
        "marker": {"size": 6, "color": POINT, "opacity": 0.55},
        "hovertemplate": hover,
        "showlegend": False,
    }
    axis = {"zeroline": False}
    layout = {
        "height": 400,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hovermode": "closest",
        "xaxis": {"title": {"text": titles[0]}, **axis},
        "yaxis": {"title": {"text": titles[1]}, **axis},
    }
    return go.Figure({"data": [points], "layout": layout})


def changes_said(changes: Changes, name: str) -> str:
    """Whether lower entropy meant higher accuracy, in sentences."""
    count = len(changes.ids)
    if not count:
        return "No image has all the numbers."
    found = changes.quadrants()
    fell = sum(number for (x, _), number in found.items() if x < 0)
    rose = sum(number for (_, y), number in found.items() if y > 0)
    both = found.get((-1, 1), 0)
    text = f"Mean entropy fell on {_of(fell, count)} images and {name} rose on {rose:,}"
    if fell:
        text += f"; where entropy fell, {name} rose on {both:,} of {fell:,} ({both / fell:.0%})"
    text += "."
    if count < FEW:
        return f"{text} {TOO_FEW}"
    rank, line = spearman(changes.entropy, changes.change), pearson(changes.entropy, changes.change)
    how = strength(rank, count)
    numbers = _numbers(rank, line)
    if how is None:
        return (
            f"{text} Lower entropy does not mean higher {name} here: how much the one changed says"
            f" nothing that could not be chance about the other ({numbers})."
        )
    if rank < 0:
        return (
            f"{text} Lower entropy {how} means higher {name} here: the more entropy fell, the more"
            f" {name} tended to rise ({numbers})."
        )
    return (
        f"{text} Lower entropy means lower {name} here, {how}: the more entropy fell, the more"
        f" {name} tended to fall with it ({numbers})."
    )


def levels_said(changes: Changes, name: str) -> str:
    """Whether feedforward is better where it is surer, in a sentence."""
    count = len(changes.ids)
    if count < FEW:
        return TOO_FEW
    x, y = changes.entropy_before, changes.before
    rank, line = spearman(x, y), pearson(x, y)
    how = strength(rank, count)
    numbers = _numbers(rank, line)
    if how is None:
        return f"Before adaptation, entropy says nothing about {name} ({numbers})."
    word = "lower" if rank < 0 else "higher"
    return (
        f"Before adaptation, images of higher entropy {how} tend to have {word} {name} ({numbers})."
    )


def _of(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,}"


def _numbers(rank: float, line: float) -> str:
    known = [
        f"{name} {value:+.2f}"
        for name, value in (("Spearman", rank), ("Pearson", line))
        if math.isfinite(value)
    ]
    return ", ".join(known) or "no correlation without variation"

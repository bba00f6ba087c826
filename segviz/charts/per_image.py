"""Interactive charts of results by class and by image, and sentences about their numbers."""

import math
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ..data.classes import CLASSES
from ..evaluation.correlation import Changes, pearson, spearman, strength
from ..evaluation.results import MethodResult
from ..pictures.method_colours import GREY
from .run_comparison import BETTER, WORSE

__all__ = ["class_bars", "describe_changes", "describe_levels", "scatter_changes", "scatter_levels"]

POINT = "#3987e5"
MIN_IMAGES = 10
"""The fewest images of which a correlation is reported."""
TOO_FEW = f"With fewer than {MIN_IMAGES} images no relation is claimed."
MARGIN = {"l": 8, "r": 8, "t": 8, "b": 8}


def class_bars(
    base: MethodResult, result: MethodResult, names: Sequence[str] = CLASSES
) -> go.Figure:
    """Plot the change of each class against feedforward in points of IoU, best first.

    Arguments:
        base: Feedforward at the same scale.
        result: The method.
        names: The names of the classes.
    """
    count = min(len(base.class_iou), len(result.class_iou), len(names))
    before, after = (100 * np.array(r.class_iou[:count], np.float64) for r in (base, result))
    change = after - before
    order = [int(c) for c in np.argsort(change, kind="stable") if np.isfinite(change[c])]
    bars = go.Bar(
        orientation="h",
        x=[float(change[c]) for c in order],
        y=[names[c] for c in order],
        marker={"color": [BETTER if change[c] >= 0 else WORSE for c in order]},
        customdata=[[float(before[c]), float(after[c])] for c in order],
        hovertemplate="%{y}: %{customdata[0]:.1f} → %{customdata[1]:.1f} %"
        " (%{x:+.1f})<extra></extra>",
    )
    figure = go.Figure(bars)
    figure.update_xaxes(title="points of IoU over feedforward", zeroline=True, zerolinecolor=GREY)
    figure.update_yaxes(tickmode="linear", dtick=1, showgrid=False)
    return figure.update_layout(height=60 + 20 * max(len(order), 3), margin=MARGIN, bargap=0.25)


# === Entropy and accuracy of each image


def scatter_changes(changes: Changes, name: str) -> go.Figure:
    """Plot the change of IoU or accuracy against that of mean entropy, one point an image.

    Each corner shows the number of images in its quadrant.

    Arguments:
        changes: The changes of the images.
        name: The measure, such as "IoU".
    """
    figure = _scatter(
        changes,
        changes.entropy,
        changes.change,
        f"%{{customdata}}: {name} %{{y:+.1f}} points, entropy %{{x:+.4f}} nats<extra></extra>",
        ("change of mean entropy, nats", f"change of {name}, points"),
    )
    counts = changes.quadrants()
    for x, y in ((-1, 1), (1, 1), (-1, -1), (1, -1)):
        figure.add_annotation(
            text=f"{counts.get((x, y), 0):,}",
            x=max(x, 0),
            y=max(y, 0),
            xref="paper",
            yref="paper",
            xanchor="right" if x > 0 else "left",
            yanchor="top" if y > 0 else "bottom",
            showarrow=False,
            font={"size": 18, "color": BETTER if y > 0 else WORSE},
        )
    for update in (figure.update_xaxes, figure.update_yaxes):
        update(zeroline=True, zerolinecolor=GREY, rangemode="tozero")
    return figure


def scatter_levels(changes: Changes, name: str) -> go.Figure:
    """Plot IoU or accuracy of feedforward against its mean entropy, one point an image.

    Arguments:
        changes: The changes of the images.
        name: The measure, such as "IoU".
    """
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
    points = go.Scatter(
        mode="markers",
        x=x.tolist(),
        y=y.tolist(),
        customdata=list(changes.ids),
        marker={"size": 6, "color": POINT, "opacity": 0.55},
        hovertemplate=hover,
        showlegend=False,
    )
    figure = go.Figure(points)
    figure.update_xaxes(title=titles[0], zeroline=False)
    figure.update_yaxes(title=titles[1], zeroline=False)
    return figure.update_layout(height=400, margin=MARGIN, hovermode="closest")


def describe_changes(changes: Changes, name: str) -> str:
    """State in sentences whether lower entropy went with higher IoU or accuracy.

    Arguments:
        changes: The changes of the images.
        name: The measure, such as "IoU".
    """
    count = len(changes.ids)
    if not count:
        return "No image has all the numbers."
    counts = changes.quadrants()
    fell = sum(number for (x, _), number in counts.items() if x < 0)
    rose = sum(number for (_, y), number in counts.items() if y > 0)
    both = counts.get((-1, 1), 0)
    text = f"Mean entropy fell on {fell:,} of {count:,} images and {name} rose on {rose:,}"
    if fell:
        text += f"; where entropy fell, {name} rose on {both:,} of {fell:,} ({both / fell:.0%})"
    text += "."
    if count < MIN_IMAGES:
        return f"{text} {TOO_FEW}"
    rank = spearman(changes.entropy, changes.change)
    linear = pearson(changes.entropy, changes.change)
    degree = strength(rank, count)
    coefficients = _coefficients(rank, linear)
    if degree is None:
        return (
            f"{text} Lower entropy does not mean higher {name} here: the change of entropy says"
            f" nothing about the change of {name} that could not be chance ({coefficients})."
        )
    if rank < 0:
        return (
            f"{text} Lower entropy {degree} means higher {name} here: the more entropy fell, the"
            f" more {name} tended to rise ({coefficients})."
        )
    return (
        f"{text} Lower entropy means lower {name} here, {degree}: the more entropy fell, the more"
        f" {name} tended to fall with it ({coefficients})."
    )


def describe_levels(changes: Changes, name: str) -> str:
    """State in a sentence whether feedforward is more accurate where its entropy is lower.

    Arguments:
        changes: The changes of the images.
        name: The measure, such as "IoU".
    """
    count = len(changes.ids)
    if count < MIN_IMAGES:
        return TOO_FEW
    rank = spearman(changes.entropy_before, changes.before)
    degree = strength(rank, count)
    coefficients = _coefficients(rank, pearson(changes.entropy_before, changes.before))
    if degree is None:
        return f"Before adaptation, entropy says nothing about {name} ({coefficients})."
    return (
        f"Before adaptation, images of higher entropy {degree} tend to have"
        f" {'lower' if rank < 0 else 'higher'} {name} ({coefficients})."
    )


def _coefficients(rank: float, linear: float) -> str:
    known = [
        f"{name} {value:+z.2f}"
        for name, value in (("Spearman", rank), ("Pearson", linear))
        if math.isfinite(value)
    ]
    return ", ".join(known) or "no correlation without variation"

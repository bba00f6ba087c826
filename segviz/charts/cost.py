"""An interactive chart of accuracy against cost: which methods are worth their passes."""

from collections.abc import Sequence

import plotly.graph_objects as go

from ..evaluation.against_paper import TableLine, cost, needs_truth, variant_label
from ..pictures.method_colours import GREY, method_colours

__all__ = ["accuracy_against_cost"]


def accuracy_against_cost(found: Sequence[TableLine], scale: float) -> go.Figure:
    """Plot mIoU at a scale against the cost in forward passes, with the Pareto front.

    Methods that need truth are left out: they bound the others, and nobody can run them.

    Arguments:
        found: Lines of a table.
        scale: The scale.
    """
    points = [
        (price, value.miou, value.error, line)
        for line in found
        if not needs_truth(line)
        and (value := line.values.get(scale))
        and value.miou is not None
        and (price := cost(line)) is not None
    ]
    colours = method_colours([line.variant.method for *_, line in points])
    front, best = [], float("-inf")
    for price, miou, _, _ in sorted(points, key=lambda point: (point[0], -point[1])):
        if miou > best:
            front.append((price, miou))
            best = miou
    figure = go.Figure(
        go.Scatter(
            x=[price for price, _ in front],
            y=[miou for _, miou in front],
            mode="lines",
            line={"color": GREY, "dash": "dot", "shape": "hv"},
            name="best for the cost",
            hoverinfo="skip",
        )
    )
    for price, miou, error, line in points:
        name = variant_label(line.variant)
        figure.add_trace(
            go.Scatter(
                x=[price],
                y=[miou],
                error_y={"type": "data", "array": [error], "visible": error is not None},
                name=name,
                mode="markers",
                marker={"size": 12, "color": colours[line.variant.method]},
                hovertemplate=f"{name}: %{{y:.1f}} % for %{{x:.2f}} passes<extra></extra>",
            )
        )
    figure.update_xaxes(title="cost in forward passes", rangemode="tozero")
    figure.update_yaxes(title=f"mIoU at {scale:g}x, %")
    figure.update_layout(
        height=380,
        margin={"l": 8, "r": 8, "t": 16, "b": 8},
        legend={"orientation": "h", "x": 0, "y": -0.2, "yanchor": "top"},
    )
    return figure

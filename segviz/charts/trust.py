"""Charts of when to trust a run: class shares over steps, and reliability of confidences."""

import plotly.graph_objects as go

from ..evaluation.calibration import CalibrationBins
from ..pictures.method_colours import GREY
from ..runs.collapse import class_shares, find_collapse
from ..runs.record import Record

__all__ = ["reliability_diagram", "share_chart"]

MOST = 6
"""The classes that have a line of their own: those with the largest shares."""


def share_chart(record: Record) -> go.Figure:
    """Plot the share of the photo that each class has over the steps, with the collapse if any.

    Arguments:
        record: The run; the classes that never have a thousandth of the photo are left out.
    """
    shares = 100 * class_shares(record)
    order = [int(c) for c in (-shares.max(0)).argsort()[:MOST] if shares[:, c].max() > 0.1]
    figure = go.Figure()
    for label in order:
        red, green, blue = map(int, record.palette[label])
        colour = GREY if max(red, green, blue) < 16 else f"rgb({red},{green},{blue})"
        figure.add_trace(
            go.Scatter(
                x=list(range(len(shares))),
                y=shares[:, label].tolist(),
                name=record.classes[label],
                mode="lines",
                line={"color": colour, "width": 3},
                hovertemplate="%{y:.1f} % at step %{x}",
            )
        )
    found = find_collapse(record)
    if found is not None:
        figure.add_vline(x=found.step, line={"color": GREY, "dash": "dot"})
        figure.add_annotation(
            x=found.step, y=1, yref="paper", text="collapse", showarrow=False, xanchor="left"
        )
    figure.update_xaxes(title="step", rangemode="tozero")
    figure.update_yaxes(title="share of the photo, %", rangemode="tozero")
    return _laid_out(figure)


def reliability_diagram(steps: dict[str, CalibrationBins]) -> go.Figure:
    """Plot accuracy against confidence, in bins; on the diagonal, confidences are frequencies.

    Arguments:
        steps: The bins of each step, by what to call it.
    """
    figure = go.Figure(
        go.Scatter(
            x=[0, 1],
            y=[0, 1],
            mode="lines",
            line={"color": GREY, "dash": "dot"},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    for name, bins in steps.items():
        points = list(bins.reliability())
        figure.add_trace(
            go.Scatter(
                x=[confidence for confidence, _, _ in points],
                y=[accuracy for _, accuracy, _ in points],
                customdata=[count for _, _, count in points],
                name=name,
                mode="lines+markers",
                hovertemplate="confidence %{x:.2f}, accuracy %{y:.2f}, %{customdata:,} pixels"
                f"<extra>{name}</extra>",
            )
        )
    figure.update_xaxes(title="confidence", range=[0, 1.02])
    figure.update_yaxes(title="accuracy", range=[0, 1.02])
    return _laid_out(figure)


def _laid_out(figure: go.Figure) -> go.Figure:
    return figure.update_layout(
        height=300,
        margin={"l": 8, "r": 8, "t": 16, "b": 8},
        legend={"orientation": "h", "x": 0, "y": -0.25, "yanchor": "top"},
    )

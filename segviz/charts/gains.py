"""Interactive charts of the gain over feedforward, measured and published."""

from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from ..adapt.method import FEEDFORWARD
from ..evaluation.against_paper import TableLine, TableValue, needs_truth, variant_label
from ..evaluation.paper_tables import OURS
from ..pictures.method_colours import GREY, method_colours

__all__ = ["gain_bars", "gain_curves"]

MAX_BAR_WIDTH = 0.4
"""A single bar would fill its panel otherwise."""
SYMBOLS = ("circle", "diamond", "square", "cross", "triangle-up")
SPACING = 0.05
ZERO_LINE = {"zeroline": True, "zerolinecolor": GREY, "zerolinewidth": 2}


def gain_curves(found: Sequence[TableLine]) -> go.Figure:
    """Plot the gain over feedforward against scale: measured solid, published dashed.

    Methods that need truth have a panel of their own: on a shared axis they would flatten the
    others.

    Arguments:
        found: Lines of a table; those of feedforward are the zero line.
    """
    gaining = [line for line in found if line.variant.method != FEEDFORWARD]
    colours = method_colours([line.variant.method for line in gaining])
    steps = sorted({line.variant.steps for line in gaining})
    scales = sorted({scale for line in found for scale in line.values})
    panels = _panels(gaining)
    figure = _subplots([title for _, title in panels])
    for column, (needs, _) in enumerate(panels, 1):
        for line in gaining:
            if needs_truth(line) is needs:
                symbol = SYMBOLS[steps.index(line.variant.steps) % len(SYMBOLS)]
                name = variant_label(line.variant, len(steps) > 1)
                for curve in _curves(line, name, colours[line.variant.method], symbol):
                    figure.add_trace(curve, 1, column)
    figure.update_xaxes(tickvals=scales, ticktext=[f"{s:g}x" for s in scales], zeroline=False)
    figure.update_yaxes(rangemode="tozero", **ZERO_LINE)
    figure.update_layout(
        height=440,
        margin={"l": 8, "r": 8, "t": 32, "b": 8},
        legend={"orientation": "h", "x": 0, "y": -0.1, "yanchor": "top"},
        hovermode="closest",
    )
    return figure


def _curves(line: TableLine, name: str, colour: str, symbol: str) -> list[go.Scatter]:
    """Return the measured curve, and the published one if there is any."""
    curves = []
    for key, title, dash in (("gain", name, "solid"), ("paper_gain", f"{name}: paper", "dash")):
        points = [(s, getattr(value, key), value) for s, value in line.values.items()]
        points = [point for point in points if point[1] is not None]
        if not points:
            continue
        errors = [value.error for *_, value in points] if key == "gain" else []
        curve = go.Scatter(
            x=[scale for scale, *_ in points],
            y=[gain for _, gain, _ in points],
            name=title,
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": dash},
            marker={"size": 8, "symbol": symbol if dash == "solid" else f"{symbol}-open"},
        )
        curves.append(_with_errors(curve, f"{title} at %{{x}}", errors))
    return curves


def gain_bars(found: Sequence[TableLine]) -> go.Figure:
    """Plot the gain over feedforward by variables: measured as bars, published as diamonds.

    Each scale has one panel for methods without truth and one for methods that need it.

    Arguments:
        found: Lines of a table; those of feedforward are the zero line.
    """
    gaining = [line for line in found if line.variant.method != FEEDFORWARD]
    colours = method_colours([line.variant.method for line in gaining])
    scales = sorted({scale for line in found for scale in line.values})
    panels = [(scale, needs, title) for needs, title in _panels(gaining) for scale in scales]
    figure = _subplots([f"{scale:g}x, {title}" for scale, _, title in panels])
    for column, (scale, needs, _) in enumerate(panels, 1):
        shown = [line for line in gaining if needs_truth(line) is needs]
        groups = list(dict.fromkeys(line.variant[1:] for line in shown))
        methods = {
            group: [line.variant.method for line in shown if line.variant[1:] == group]
            for group in groups
        }
        width = min(0.8 / max(map(len, methods.values()), default=1), MAX_BAR_WIDTH)
        for line in shown:
            value = line.values.get(scale)
            if value is None:
                continue
            method, group = line.variant.method, methods[line.variant[1:]]
            x = (
                groups.index(line.variant[1:])
                + (group.index(method) - (len(group) - 1) / 2) * width
            )
            for trace in _bar(line, value, x, width, colours[method]):
                figure.add_trace(trace, 1, column)
        figure.update_xaxes(
            col=column,
            tickvals=list(range(len(groups))),
            ticktext=[_group_name(group, groups) for group in groups],
            range=[-0.5, len(groups) - 0.5],
        )
        first = 1 + [other for _, other, _ in panels].index(needs)
        if column != first:
            figure.update_yaxes(col=column, matches=f"y{first if first > 1 else ''}")
    named_before: set[str] = set()
    for trace in figure.data:
        trace.showlegend = trace.name not in named_before
        named_before.add(trace.name)
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(**ZERO_LINE)
    figure.update_layout(
        height=380,
        margin={"l": 8, "r": 8, "t": 72, "b": 8},
        legend={"orientation": "h", "x": 0, "y": 1.28, "yanchor": "top"},
        hovermode="closest",
    )
    return figure


def _bar(
    line: TableLine, value: TableValue, x: float, width: float, colour: str
) -> list[go.Bar | go.Scatter]:
    """Return a bar, and on it the published value as a diamond."""
    method = line.variant.method
    name = f"{method} (ours)" if method == OURS[0] else method
    title = variant_label(line.variant, True)
    bar = go.Bar(
        x=[x],
        y=[value.gain],
        width=[0.92 * width],
        name=name,
        legendgroup=name,
        marker={"color": colour},
    )
    bar = _with_errors(bar, title, [value.error])
    if value.paper_gain is None:
        return [bar]
    diamond = go.Scatter(
        x=[x],
        y=[value.paper_gain],
        mode="markers",
        name="the paper's",
        legendgroup="the paper's",
        legendrank=2000,
        marker={
            "symbol": "diamond",
            "size": 10,
            "color": GREY,
            "line": {"color": "#ffffff", "width": 1.5},
        },
        hovertemplate=f"{title}, paper: %{{y:+.1f}}<extra></extra>",
    )
    return [bar, diamond]


def _with_errors(
    trace: go.Bar | go.Scatter, title: str, errors: Sequence[float | None]
) -> go.Bar | go.Scatter:
    """Set the hover text of gains, and error bars where all standard errors are known."""
    known = bool(errors) and None not in errors
    if known:
        trace.error_y = {"type": "data", "array": list(errors), "thickness": 1, "width": 3}
    error = " ± %{error_y.array:.1f}" if known else ""
    trace.hovertemplate = f"{title}: %{{y:+.1f}}{error}<extra></extra>"
    return trace


def _subplots(titles: Sequence[str]) -> go.Figure:
    """Return a row of panels with titles."""
    figure = make_subplots(
        cols=max(len(titles), 1), horizontal_spacing=SPACING, subplot_titles=titles
    )
    return figure.update_annotations(font_size=13)


def _panels(gaining: Sequence[TableLine]) -> list[tuple[bool, str]]:
    """Return the panels that have lines: whether their methods need truth, and a title."""
    panels = [(False, "unsupervised"), (True, "with truth")]
    return [panel for panel in panels if any(needs_truth(line) is panel[0] for line in gaining)]


def _group_name(group: tuple[str | None, int], groups: Sequence[tuple[str | None, int]]) -> str:
    variables, steps = group
    several = len({count for _, count in groups}) > 1
    return f"{variables}, {steps}" if several else str(variables)

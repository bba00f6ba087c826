"""A record as curves over its steps, and as a sentence."""

from typing import Any

import plotly.graph_objects as go

from ..adapt.objectives import find
from ..adapt.record import Record

__all__ = ["HEIGHT", "curves", "score", "verdict"]

HEIGHT = 230
"""Pixels."""

COLOURS = ("#3987e5", "#e0742b")
CURSOR = "#8a8f98"
GAP = 0.07
"""Between panels, as a fraction of the figure."""
STILL = 5e-4
"""A smaller change of a number is called none."""


def score(record: Record) -> tuple[str, str] | None:
    """What predictions are judged by: its key in `NUMBERS`, and what to call it.

    Returns:
        IoU where there is truth; agreement where the 1x prediction stands in; None without both.
    """
    return {
        "truth": ("iou", "IoU"),
        "1x prediction": ("agreement", "agreement vs. 1x prediction"),
    }.get(record.reference or "")


def curves(record: Record, step: int) -> go.Figure:
    """Loss, entropy, sigma and what there is of IoU, accuracy or agreement, side by side.

    Arguments:
        record: The record, complete or not.
        step: The step shown elsewhere, 0..record.last; marked by a line and by points.
    """
    direction = "minimised" if find(record.settings.objective).direction > 0 else "maximised"
    panels: list[tuple[str, list[tuple[str, str]]]] = [
        (f"loss, nats, {direction}", [("loss", "loss")]),
        ("mean entropy, nats", [("entropy", "mean entropy")]),
        ("mean sigma, input px", [("sigma", "mean sigma")]),
    ]
    if record.reference == "truth":
        title = f"{_in(COLOURS[0], 'IoU')}, {_in(COLOURS[1], 'accuracy')}, 0 to 1"
        panels.append((title, [("iou", "IoU"), ("accuracy", "pixel accuracy")]))
    elif judged := score(record):
        panels.append(("agreement vs. 1x, 0 to 1", [judged]))

    steps = list(range(len(record.steps)))
    last = max(record.settings.steps, record.last, 1)
    width = (1 - GAP * (len(panels) - 1)) / len(panels)
    traces: list[dict[str, Any]] = []
    titles: list[dict[str, Any]] = []
    cursors: list[dict[str, Any]] = []
    axes: dict[str, dict[str, Any]] = {}
    for panel, (title, lines) in enumerate(panels):
        number = str(panel + 1) if panel else ""
        x, y, start = f"x{number}", f"y{number}", panel * (width + GAP)
        axes[f"xaxis{number}"] = {
            "domain": [start, start + width],
            "anchor": y,
            "title": {"text": "step"},
            "range": [-0.02 * last, 1.02 * last],
            "nticks": 6,
            "zeroline": False,
        }
        axes[f"yaxis{number}"] = {"anchor": x, "nticks": 5, "zeroline": False}
        # Above its axis: beside it, it would run into the next panel on narrow screens.
        titles.append(
            {
                "text": title,
                "x": start,
                "y": 1,
                "xref": "paper",
                "yref": "paper",
                "xanchor": "left",
                "yanchor": "bottom",
                "xshift": -24,
                "font": {"size": 13},
                "showarrow": False,
            }
        )
        cursors.append(
            {
                "type": "line",
                "x0": step,
                "x1": step,
                "y0": 0,
                "y1": 1,
                "xref": x,
                "yref": f"{y} domain",
                "line": {"color": CURSOR, "width": 1.5, "dash": "dot"},
            }
        )
        for (key, name), colour in zip(lines, COLOURS, strict=False):
            values = record.numbers(key)
            where = {"xaxis": x, "yaxis": y, "type": "scatter"}
            traces.append(
                {
                    **where,
                    "x": steps,
                    "y": values,
                    "name": name,
                    "mode": "lines" if len(steps) > 1 else "markers",
                    "line": {"color": colour, "width": 2},
                    "hovertemplate": f"step %{{x}}: %{{y:.4g}}<extra>{name}</extra>",
                }
            )
            traces.append(
                {
                    **where,
                    "x": [step],
                    "y": [values[step]],
                    "mode": "markers",
                    "marker": {"color": colour, "size": 9},
                    "hoverinfo": "skip",
                    "cliponaxis": False,
                }
            )
    layout = {
        **axes,
        "annotations": titles,
        "shapes": cursors,
        "height": HEIGHT,
        "margin": {"l": 8, "r": 8, "t": 32, "b": 8},
        "hovermode": "closest",
        "showlegend": False,
        "uirevision": "kept",  # zoom outlives a change of step
    }
    return go.Figure({"data": traces, "layout": layout})


def verdict(record: Record) -> str:
    """What the run did to entropy and to accuracy, in one plain sentence."""
    if record.last == 0:
        return "Step 0 is the feedforward prediction; nothing was adapted."
    entropy = record.numbers("entropy")
    sentence = f"Entropy {_change(entropy[0], entropy[-1])} nats"
    judged = score(record)
    values = record.numbers(judged[0]) if judged else []
    if judged is None or None in values:
        return sentence + "; there is nothing to compare the prediction with."
    name = judged[1]
    falls = [after - before < -STILL for before, after in (_ends(entropy), _ends(values))]
    rises = [after - before > STILL for before, after in (_ends(entropy), _ends(values))]
    link = "while" if (falls[0] and falls[1]) or (rises[0] and rises[1]) else "and"
    sentence += f" {link} {name} {_change(values[0], values[-1])}"
    if record.reference != "truth":
        return sentence + "; without truth, nobody knows which step is best."
    best = max(range(len(values)), key=lambda step: (round(values[step], 3), -step))
    return (
        f"{sentence}: the best step was {best} ({values[best]:.3f}),"
        " known only because there is truth."
    )


def _in(colour: str, text: str) -> str:
    return f'<span style="color:{colour}">{text}</span>'


def _ends(values: list[float]) -> tuple[float, float]:
    return values[0], values[-1]


def _change(before: float, after: float) -> str:
    if abs(after - before) <= STILL:
        return f"stayed at {after:.3f}"
    return f"{'fell' if after < before else 'rose'} from {before:.3f} to {after:.3f}"

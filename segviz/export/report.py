"""Write runs as one HTML page that needs nothing else: viewer, data, settings, numbers, origin."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from string import Template

import numpy as np

from ..errors import InputError
from ..glossary import NUMBERS
from ..runs import describe
from ..runs.record import Record
from ..runs.verdict import best_step, score, verdict
from ..version import __version__
from ..viewer.assets import assets
from ..viewer.payload import payload
from ..viewer.view_state import NamedRecord

__all__ = ["embedded", "report"]

HERE = Path(__file__).parent


def report(runs: Sequence[NamedRecord], title: str) -> str:
    """Return a page with the viewer, its data and tables; it opens from a file, without network.

    Its content security policy lets nothing run but the viewer, and nothing load from anywhere.

    Arguments:
        runs: The runs to show under one time cursor.
        title: The page's title; shown as text, whatever it holds.

    Returns:
        The text of an HTML file.

    Raises:
        InputError: If there is no run.
    """
    if not runs:
        raise InputError("there is no run to report on; choose at least one.")
    data = payload(runs)
    files = assets()
    script = _inline(files["js"] + "\nopenReport();\n")
    style = (HERE / "report.css").read_text(encoding="utf-8") + files["css"]
    policy = {
        "default-src": "'none'",
        "script-src": _hash(script),
        "style-src": _hash(style),
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    template = Template((HERE / "report.html").read_text(encoding="utf-8"))
    return template.substitute(
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        title=escape(describe.one_line(title, 200) or "segviz"),
        summary=escape(_summary(runs)),
        style=style,
        layout="tables" if len(runs) == 1 else "tables several",
        tables="\n".join(_tables(runs)),
        meanings=_meanings(),
        version=escape(__version__),
        head=json.dumps(data.head).replace("<", "\\u003c"),
        frames=base64.b64encode(data.frames).decode(),
        script=script,
    )


def embedded(record: Record, height: int = 900) -> str:
    """Return a frame with the report of a record, for pages that others make, such as notebooks.

    The frame's page runs apart from the page around it, and holds all its data.

    Arguments:
        record: The record.
        height: The height of the frame, in CSS pixels.
    """
    page = report([NamedRecord(record, describe.short_name(record.settings))], record.title)
    return (
        f'<iframe title="{escape(describe.one_line(record.title))}" sandbox="allow-scripts"'
        f' style="width:100%;height:{height}px;border:0" srcdoc="{escape(page)}"></iframe>'
    )


def _summary(runs: Sequence[NamedRecord]) -> str:
    if len(runs) == 1:
        record = runs[0].record
        return f"{describe.run(record)}. {verdict(record)}"
    return f"{len(runs)} runs: {', '.join(run.name for run in runs)}."


def _tables(runs: Sequence[NamedRecord]) -> list[str]:
    settings: dict[str, Callable[[Record], str]] = {
        "Scale": lambda r: f"{r.settings.scale:g}",
        "Method": lambda r: r.settings.spelling,
        "Variables": lambda r: r.settings.variables or "none",
        "Steps T": lambda r: str(r.settings.steps),
        "Learning rate": lambda r: f"{r.settings.learning_rate:g}",
        "Centred updates": lambda r: "yes" if r.settings.centred else "no",
        "Tolerance": lambda r: f"{r.settings.tolerance:g}",
        "Precision": lambda r: r.settings.precision,
        "Tiles": lambda r: f"{r.settings.tile} px" if r.settings.tile else "none",
        "Complete": lambda r: "yes" if r.complete else f"no, stopped after step {r.last}",
    }
    numbers: dict[str, Callable[[Record], str]] = {
        **{_label(key): _change(key) for key in NUMBERS if key != "changed"},
        "Best step": _best,
        _label("changed"): lambda r: _text(r.steps[-1]["changed"], "{:.1%}"),
        "Forward pass, ms": lambda r: _text(r.forward_ms, "{:.0f}"),
        "One step, ms (median)": _step_ms,
    }
    origin: dict[str, Callable[[Record], str]] = {
        "Photo": lambda r: (
            f"{describe.one_line(r.title)}, {r.photo.shape[1]} x {r.photo.shape[0]} pixels"
        ),
        "Compared with": lambda r: r.reference or "nothing",
        "Feature stride": lambda r: f"{r.stride} input px",
        "Classes": lambda r: str(len(r.classes)),
    }
    for key in dict.fromkeys(key for run in runs for key in run.record.environment):
        origin[key] = describe.checkpoint_name if key == "checkpoint" else _fact(key)
    return [
        _table("Settings", settings, runs),
        _table("Numbers, step 0 to the last", numbers, runs),
        _table("Photo, network and versions", origin, runs),
    ]


def _table(
    title: str, rows: dict[str, Callable[[Record], str]], runs: Sequence[NamedRecord]
) -> str:
    lines = []
    for name, value in rows.items():
        cells = [value(run.record) for run in runs]
        if any(cells):
            kind = ' class="differs"' if len(set(cells)) > 1 else ""
            data = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            lines.append(f'<tr{kind}><th scope="row">{escape(name)}</th>{data}</tr>')
    names = "".join(f'<th scope="col">{escape(run.name)}</th>' for run in runs)
    head = f"<thead><tr><td></td>{names}</tr></thead>" if len(runs) > 1 else ""
    body = "\n".join(lines)
    return (
        f'<section><h2>{escape(title)}</h2><div class="wide"><table>{head}\n'
        f"<tbody>\n{body}\n</tbody></table></div></section>"
    )


def _text(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def _label(key: str) -> str:
    term = NUMBERS[key]
    return f"{term.title}, {term.unit}" if term.unit else term.title


def _meanings() -> str:
    """Return what the numbers mean, as a list of definitions."""
    terms = (
        f"<dt>{escape(_label(key))}</dt><dd>{escape(NUMBERS[key].help)}</dd>" for key in NUMBERS
    )
    return "\n".join(terms)


def _change(key: str) -> Callable[[Record], str]:
    form = "{:z.4g}" if key == "loss" else f"{{:z.{NUMBERS[key].decimals}f}}"

    def change(record: Record) -> str:
        ends = [_text(record.steps[step][key], form) for step in sorted({0, record.last})]
        return " → ".join(ends) if all(ends) else ""

    return change


def _fact(key: str) -> Callable[[Record], str]:
    return lambda record: describe.one_line(str(record.environment.get(key, "")))


def _best(record: Record) -> str:
    judged = score(record)
    values = record.numbers(judged[0]) if judged else []
    if judged is None or None in values:
        return ""
    best = best_step(values)
    return f"{best} ({judged[1]} {values[best]:.3f})"


def _step_ms(record: Record) -> str:
    later = [ms for ms in record.numbers("ms")[1:] if ms is not None]
    return f"{np.median(later):.1f}" if later else ""


def _inline(script: str) -> str:
    """Return JavaScript that does not end its element; in strings, the escapes mean the same."""
    script = re.sub("</(script)", r"<\\/\1", script, flags=re.IGNORECASE)
    return script.replace("<!--", "\\x3c!--")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

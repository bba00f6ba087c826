"""Print results as tables: for a terminal and as Markdown."""

from collections.abc import Sequence

from ..adapt.method import FEEDFORWARD
from .results import MethodResult, Variant

__all__ = ["calibration_table", "gain_table", "markdown_table", "terminal_table"]


def terminal_table(results: Sequence[MethodResult]) -> str:
    """Return a table for a terminal: a row per variant, a column of mIoU in percent per scale."""
    scales = sorted({result.scale for result in results})
    rows = _by_variant(results)
    width = max(len(variant.method) for variant in rows) + 2
    lines = [
        f"{'mIoU, %':{width}}{'variables':10}{'step':>5}" + "".join(f"{s:>8g}x" for s in scales)
    ]
    for (method, variables, steps), row in rows.items():
        cells = "".join(_percent(row.get(scale)) for scale in scales)
        lines.append(f"{method:{width}}{variables or '':10}{steps:5}{cells}")
    return "\n".join(lines)


def gain_table(results: Sequence[MethodResult]) -> str:
    """Return a table for a terminal: the gain over feedforward in points, with standard errors.

    It is "" if there is nothing to compare.
    """
    scales = sorted({result.scale for result in results})
    base = {result.scale: result.miou for result in results if result.method == FEEDFORWARD}
    rows = {key: row for key, row in _by_variant(results).items() if key.method != FEEDFORWARD}
    cells = {
        key: [_gain(row.get(scale), base.get(scale)) for scale in scales]
        for key, row in rows.items()
    }
    if not any(any(row) for row in cells.values()):
        return ""
    width = max(11, *(len(variant.method) for variant in rows)) + 2
    titles = "".join(f"{scale:>12g}x" for scale in scales)
    lines = [f"{'gain, points':{width}}{'variables':10}{'step':>5}{titles}"]
    for (method, variables, steps), row in cells.items():
        texts = "".join(f"{cell or '-':>13}" for cell in row)
        lines.append(f"{method:{width}}{variables or '':10}{steps:5}{texts}")
    return "\n".join(lines)


def calibration_table(results: Sequence[MethodResult]) -> str:
    """Return a table for a terminal: a row per result with calibration; "" if there is none."""
    known = [result for result in results if result.calibration is not None]
    if not known:
        return ""
    width = max(len(result.method) for result in known) + 2
    names = ("ece", "nll", "brier", "auroc", "aurc")
    titles = "".join(f"{name.upper():>9}" for name in names)
    lines = [f"{'calibration':{max(width, 13)}}{'variables':10}{'step':>5}{'scale':>7}{titles}"]
    for result in known:
        values = [getattr(result.calibration, name) for name in names]
        cells = "".join(f"{'-':>9}" if value is None else f"{value:9.4f}" for value in values)
        head = f"{result.method:{max(width, 13)}}{result.variables or '':10}{result.steps:5}"
        lines.append(f"{head}{result.scale:>6g}x{cells}")
    return "\n".join(lines)


def markdown_table(results: Sequence[MethodResult]) -> str:
    """Return a Markdown table of mIoU in percent, in brackets the gain over feedforward.

    Gains have their standard errors over resampled images, where these are known.
    """
    scales = sorted({result.scale for result in results})
    base = {result.scale: result.miou for result in results if result.method == FEEDFORWARD}
    lines = [
        "| method | variables | step | " + " | ".join(f"{scale:g}x" for scale in scales) + " |",
        "|---|---|---|" + "---|" * len(scales),
    ]
    for (method, variables, steps), row in _by_variant(results).items():
        cells = (_with_gain(row.get(scale), base.get(scale)) for scale in scales)
        lines.append(f"| {method} | {variables or ''} | {steps} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _by_variant(results: Sequence[MethodResult]) -> dict[Variant, dict[float, MethodResult]]:
    rows: dict[Variant, dict[float, MethodResult]] = {}
    for result in results:
        rows.setdefault(result.variant, {})[result.scale] = result
    return rows


def _percent(result: MethodResult | None) -> str:
    if result is None:
        return " " * 9
    return f"{'-':>9}" if result.miou is None else f"{100 * result.miou:9.2f}"


def _with_gain(result: MethodResult | None, base: float | None) -> str:
    if result is None or result.miou is None:
        return ""
    text = f"{100 * result.miou:.1f}"
    if base is None or result.method == FEEDFORWARD:
        return text
    return f"{text} ({_gain(result, base)})"


def _gain(result: MethodResult | None, base: float | None) -> str:
    """Return the gain over feedforward in points with its standard error, or ""."""
    if result is None or result.miou is None or base is None:
        return ""
    error = "" if result.gain_error is None else f" ± {100 * result.gain_error:.1f}"
    return f"{100 * (result.miou - base):+z.1f}{error}"

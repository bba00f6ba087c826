"""The page docs/methods.md: every method of the registry, with what was measured of it."""

from ..adapt.methods import FEEDFORWARD, METHODS, MethodInfo
from .results import MethodResult, ModelResult, ResultFile

__all__ = ["RESULTS", "methods_page"]

RESULTS, MODEL = "table-methods.json", "w/ aug"
"""The result file that the gains are from, and the network in it."""

SCALES = (1.0, 3.0)

HEAD = """# Methods

Generated from the registry and the results by `python benchmarks/methods_page.py`; edit those.

A method reads one or several *views* of the photo, combines their predictions, and may then adapt
some parameters by gradient steps. Step 0 of every method is the feedforward prediction at the scale
given. *Passes* counts the forward passes at that scale that the views take, by their area; a step
on the head or on the weights of the sizes adds about a fiftieth of one. *Gain* is the change of
mIoU against feedforward in points, with its standard error over resampled images{where}.

| method | what it is | source | variables | passes | gain at 1x | gain at 3x |
|---|---|---|---|---|---|---|
"""


def methods_page(result: ResultFile | None = None, model: str = MODEL) -> str:
    """Return the page in Markdown.

    Arguments:
        result: A result file with feedforward at 1x and 3x; None = no gains.
        model: The name of the network in it.
    """
    found = None if result is None else result.models[model]
    where = ""
    if result is not None and found is not None:
        where = f", on {found.images} images of {result.split}"
    lines = [_line(name, info, found) for name, info in METHODS.items()]
    formulas = [
        f"- `{name}`: ${info.formula}$"
        for name, info in METHODS.items()
        if ":" not in name.removeprefix("pyramid:")
    ]
    return HEAD.format(where=where) + "\n".join([*lines, "", "## Formulas", "", *formulas, ""])


def _line(name: str, info: MethodInfo, found: ModelResult | None) -> str:
    source = f"{info.source} (adapted for one image)" if info.adapted else info.source
    variables = ", ".join(info.variables) or "none"
    gains = [_gain(name, info, scale, found) for scale in SCALES]
    cells = [f"`{name}`", info.title, source, variables, f"{info.passes:.2f}", *gains]
    return f"| {' | '.join(cells)} |"


def _gain(name: str, info: MethodInfo, scale: float, found: ModelResult | None) -> str:
    if found is None or name == FEEDFORWARD:
        return ""
    base = found.feedforward(scale)
    measured = [
        result
        for result in found.results
        if result.scale == scale
        and result.method == name
        and result.variables == (info.variables[0] if info.variables else None)
    ]
    if base is None or base.miou is None or not measured:
        return ""
    return _difference(measured[-1], base.miou)


def _difference(result: MethodResult, base: float) -> str:
    if result.miou is None:
        return ""
    error = "" if result.gain_error is None else f" ± {100 * result.gain_error:.1f}"
    return f"{100 * (result.miou - base):+z.1f}{error}"

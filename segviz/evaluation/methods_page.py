"""The page docs/methods.md: every method of the registry, with what was measured of it."""

from collections.abc import Sequence

from ..adapt.method import VARIABLES
from ..adapt.methods import FEEDFORWARD, METHODS, MethodInfo
from ..adapt.stop import STOP_RULES
from .results import MethodResult, ModelResult, ResultFile

__all__ = ["RESULTS", "methods_page"]

RESULTS, MODEL = ("table-methods.json", "table-objectives.json", "table-network.json"), "w/ aug"
"""The result files that the gains are from, the first that has a method, and the network in it."""

SCALES = (1.0, 3.0)

COLUMNS = (
    "method",
    "what it is",
    "source",
    "variables",
    "passes",
    "steps",
    "published rate",
    "gain at 1x",
    "gain at 3x",
    "images",
)

HEAD = """# Methods

Generated from the registry and the results by `python benchmarks/methods_page.py`; edit those.

A method reads one or several *views* of the photo, combines their predictions, and may then adapt
some parameters by gradient steps. Step 0 of every method is the feedforward prediction at the scale
given. *Passes* counts the forward passes at that scale that the views take, by their area; a step
on the head or on the weights of the sizes adds about a fiftieth of one, a step on norms or on all
parameters three: the whole network runs forwards and backwards. *Steps* is the default. *Published
rate* is what the authors' own code uses, empty where it was not looked up. *Gain* is the change of
mIoU against feedforward in points, with its standard error over resampled images, on so many
images of val; variables and steps other than the default are named.

Spelling: `NAME[:OPTION]...` with the options `centred`, `sgd`, `adam`, `momentum=M`, `alpha=A`,
`lr=RATE`, `tolerance=FRACTION`, `stop=RULE` and `steps=T`. `alpha`, 0 to 1, is the weight of the
image's own statistics in batch norms, for `norm` and for the variables norm and all. A stop rule
ends an episode before the first prediction that breaks it:

{rules}

The first variables of each method are its default:

{variables}

{header}
"""


def methods_page(results: Sequence[ResultFile] = (), model: str = MODEL) -> str:
    """Return the page in Markdown.

    Arguments:
        results: Result files with feedforward at 1x and 3x; a method's gain is from the first that
            has it.
        model: The name of the network in them.
    """
    found = [result.models[model] for result in results]
    lines = [_line(name, info, found) for name, info in METHODS.items()]
    formulas = [
        f"- `{name}`: ${info.formula}$"
        for name, info in METHODS.items()
        if ":" not in name.removeprefix("pyramid:")
    ]
    failures = [f"- `{name}`: {info.failure}" for name, info in METHODS.items() if info.failure]
    parts = [*lines, "", "## Formulas", "", *formulas]
    parts += ["", "## How they fail on dense prediction", "", *failures, ""]
    variables = "\n".join(f"- `{name}`: {meaning}" for name, meaning in VARIABLES.items())
    rules = "\n".join(f"- `{name}`: {meaning}" for name, meaning in STOP_RULES.items())
    header = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"
    return HEAD.format(variables=variables, rules=rules, header=header) + "\n".join(parts)


def _line(name: str, info: MethodInfo, found: Sequence[ModelResult]) -> str:
    source = f"{info.source} (adapted for one image)" if info.adapted else info.source
    variables = ", ".join(info.variables) or "none"
    steps = str(info.steps) if info.objective else "none"
    cells = [f"`{name}`", info.title, source, variables, f"{info.passes:.2f}", steps]
    cells += [info.published_rate or ("" if info.objective else "none")]
    cells += next((row for each in found if (row := _gains(name, info, each))), ["", "", ""])
    return f"| {' | '.join(cells)} |"


def _gains(name: str, info: MethodInfo, found: ModelResult) -> list[str] | None:
    """Return the cells of the gains and of the number of images; None if it was not measured."""
    if name == FEEDFORWARD:
        return None
    gains = [_gain(name, info, scale, found) for scale in SCALES]
    return [*gains, str(found.images)] if any(gains) else None


def _gain(name: str, info: MethodInfo, scale: float, found: ModelResult) -> str:
    base = found.feedforward(scale)
    default = info.variables[0] if info.variables else None
    measured = [r for r in found.results if r.scale == scale and r.method == name]
    if base is None or base.miou is None or not measured:
        return ""
    wanted = (default, info.steps if info.objective else 0)
    result = max(measured, key=lambda r: ((r.variables, r.steps) == wanted, r.variables == default))
    other = "" if result.variables == default else f" ({result.variables})"
    if result.steps and result.steps != info.steps:
        other += f" ({result.steps} steps)"
    return _difference(result, base.miou) + other


def _difference(result: MethodResult, base: float) -> str:
    if result.miou is None:
        return ""
    error = "" if result.gain_error is None else f" ± {100 * result.gain_error:.1f}"
    return f"{100 * (result.miou - base):+z.1f}{error}"

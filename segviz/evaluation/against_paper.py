"""Compare results with the paper's: the lines of a table."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..adapt.method import FEEDFORWARD, split_spelling
from ..adapt.methods import METHODS
from ..errors import InputError
from .paper_tables import OURS, paper_miou
from .results import MeanGain, ResultFile, Variant

__all__ = [
    "TableLine",
    "TableMeanGain",
    "TableValue",
    "all_values",
    "needs_truth",
    "table_lines",
    "variant_label",
]


@dataclass(frozen=True)
class TableValue:
    """The mIoU of one variant at one scale, in percent; None where it is unknown.

    Arguments:
        miou: Ours.
        paper: The paper's.
        gain: Ours over our feedforward, in points.
        paper_gain: The paper's over its feedforward, in points.
        error: The standard error of our gain over resampled images, in points.
    """

    miou: float | None
    paper: float | None
    gain: float | None
    paper_gain: float | None
    error: float | None = None

    @property
    def difference(self) -> float | None:
        """Ours minus the paper's, in points."""
        return _difference(self.miou, self.paper)


@dataclass(frozen=True)
class TableMeanGain:
    """A mean gain over feedforward at large scales, in points.

    Arguments:
        gain: Ours.
        error: Its standard error over resampled images, or None.
        paper: The paper's at the same scales, or None.
    """

    gain: float
    error: float | None
    paper: float | None


@dataclass(frozen=True)
class TableLine:
    """One variant at all scales.

    Arguments:
        variant: Method, variables (None = feedforward) and steps.
        ours: Whether it is the method chosen on training images, `OURS`.
        values: By scale.
        mean: The mean gain at large scales, or None.
    """

    variant: Variant
    ours: bool
    values: dict[float, TableValue]
    mean: TableMeanGain | None


def variant_label(variant: Variant, steps: bool = False) -> str:
    """Return a label: the method, "(ours)" if it is `OURS`, the variables, and maybe the steps."""
    if variant.method == FEEDFORWARD:
        return FEEDFORWARD
    ours = " (ours)" if variant[:2] == OURS else ""
    count = variant.steps
    after = f", {count} step{'s' if count != 1 else ''}" if steps else ""
    variables = f", {variant.variables}" if variant.variables else ""
    return f"{variant.method}{ours}{variables}{after if variant.steps else ''}"


def needs_truth(line: TableLine) -> bool:
    """Return whether the method of a line is a bound, which uses the truth."""
    try:
        return METHODS[split_spelling(line.variant.method)[0]].needs_truth
    except InputError:  # of a file of another version
        return False


def table_lines(result: ResultFile, model: str) -> list[TableLine]:
    """Return the lines of one model's table, in the order of the file."""
    found = result.models[model]
    lines = []
    for variant in found.variants:
        values = {}
        for scale in found.scales:
            ours, base = found.result(scale, variant), found.feedforward(scale)
            if ours is None:
                continue
            miou = _percent(ours.miou)
            paper = paper_miou(result.table, model, variant, scale)
            gain = paper_gain = error = None
            if base is not None and base is not ours:
                gain = _difference(miou, _percent(base.miou))
                paper_base = paper_miou(result.table, model, base.variant, scale)
                paper_gain = _difference(paper, paper_base)
                error = None if gain is None else _percent(ours.gain_error)
            values[scale] = TableValue(miou, paper, gain, paper_gain, error)
        mean = _mean(found.mean_gain(variant), values)
        lines.append(TableLine(variant, variant[:2] == OURS, values, mean))
    return lines


def cost(line: TableLine) -> float | None:
    """Return the cost of a line in forward passes at the scale; None of a method not known here."""
    try:
        info = METHODS[split_spelling(line.variant.method)[0]]
    except InputError:
        return None
    return info.cost(line.variant.steps, line.variant.variables or "")


def best_without_truth(found: Iterable[TableLine], scale: float) -> TableLine | None:
    """Return the line of the highest mIoU at a scale among those that need no truth, or None."""
    known = [
        (value.miou, -place, line)
        for place, line in enumerate(found)
        if (value := line.values.get(scale)) and value.miou is not None and not needs_truth(line)
    ]
    return max(known)[2] if known else None


def all_values(lines: Iterable[TableLine]) -> Iterator[TableValue]:
    """Yield the values of lines at all scales."""
    return (value for line in lines for value in line.values.values())


def _mean(mean: MeanGain | None, values: Mapping[float, TableValue]) -> TableMeanGain | None:
    if mean is None or mean.gain is None:
        return None
    papers = [values[scale].paper_gain if scale in values else None for scale in mean.scales]
    known = [gain for gain in papers if gain is not None]
    paper = sum(known) / len(known) if known and len(known) == len(papers) else None
    return TableMeanGain(100 * mean.gain, _percent(mean.error), paper)


def _difference(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value

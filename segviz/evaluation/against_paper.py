"""Results against the paper's: the rows of tables."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..adapt.objectives import OBJECTIVES
from .evaluate import FEEDFORWARD
from .paper_tables import OURS, paper_value
from .results import Kind, MeanGain, Result

__all__ = ["Line", "Mean", "Value", "every", "lines", "named", "needs_truth"]


@dataclass(frozen=True)
class Value:
    """mIoU of one method at one scale, in percent; None where there is none.

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
        return _minus(self.miou, self.paper)


@dataclass(frozen=True)
class Mean:
    """Mean gain over feedforward at large scales, in points.

    Arguments:
        gain: Ours.
        error: Its standard error over resampled images, or None.
        paper: The paper's at the same scales, or None.
    """

    gain: float
    error: float | None
    paper: float | None


@dataclass(frozen=True)
class Line:
    """One method after some steps at all scales.

    Arguments:
        kind: Method, variables (None = feedforward) and steps.
        ours: Whether it is the objective that was chosen on training images.
        values: By scale.
        mean: The mean gain at large scales, or None.
    """

    kind: Kind
    ours: bool
    values: dict[float, Value]
    mean: Mean | None


def named(kind: Kind, steps: bool = False) -> str:
    """A name: the method, with "(ours)" where it is, what it adapts, and on demand the steps."""
    method, variables, count = kind
    if method == FEEDFORWARD:
        return FEEDFORWARD
    mark = " (ours)" if kind[:2] == OURS else ""
    after = f", {count} step{'s' if count != 1 else ''}" if steps else ""
    return f"{method}{mark}, {variables}{after}"


def lines(result: Result, model: str) -> list[Line]:
    """The lines of one model's table, as the file has them."""
    part = result.parts[model]
    found = []
    for kind in part.kinds:
        values = {}
        for scale in part.scales:
            row, base = part.row(scale, kind), part.base(scale)
            if row is None:
                continue
            miou = _percent(row.miou)
            paper = paper_value(result.table, model, row.numbers)
            gain = paper_gain = error = None
            if base is not None and base is not row:
                gain = _minus(miou, _percent(base.miou))
                paper_gain = _minus(paper, paper_value(result.table, model, base.numbers))
                error = None if gain is None else _percent(row.gain_error)
            values[scale] = Value(miou, paper, gain, paper_gain, error)
        mean = _mean(part.mean_gains.get(kind), values)
        found.append(Line(kind, kind[:2] == OURS, values, mean))
    return found


def needs_truth(line: Line) -> bool:
    """Return whether the objective of a line needs truth, which makes it a bound."""
    objective = OBJECTIVES.get(line.kind[0].split(":")[0])
    return objective is not None and objective.needs_truth


def every(found: Iterable[Line]) -> Iterator[Value]:
    """The values of lines at all scales."""
    return (value for line in found for value in line.values.values())


def _mean(mean: MeanGain | None, values: Mapping[float, Value]) -> Mean | None:
    if mean is None or mean.gain is None:
        return None
    papers = [values[scale].paper_gain if scale in values else None for scale in mean.scales]
    known = [gain for gain in papers if gain is not None]
    paper = sum(known) / len(known) if known and len(known) == len(papers) else None
    return Mean(100 * mean.gain, _percent(mean.error), paper)


def _minus(one: float | None, two: float | None) -> float | None:
    return None if one is None or two is None else one - two


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value

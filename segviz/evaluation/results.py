"""Result files of evaluations, read with care: they may be damaged, or something else."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from . import pieces
from .evaluate import FEEDFORWARD
from .paper_tables import TABLES

__all__ = [
    "MEASURES",
    "VAL",
    "Kind",
    "MeanGain",
    "Part",
    "Result",
    "Row",
    "command",
    "parse",
    "read",
]

MOST_BYTES = 100_000_000
VAL = 1449
"""The images of VOC 2012's val."""
MEASURES = ("iou", "accuracy", "entropy")
"""What is known of each image."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ENVIRONMENT = ("checkpoint", "sha256", "device", "threads", "torch", "python", "segviz")

Kind = tuple[str, str | None, int]
"""A method, what it adapts (None = feedforward), and after how many steps."""


@dataclass(frozen=True)
class MeanGain:
    """The mean gain over feedforward at some scales, and its standard error, 0..1, or None."""

    scales: tuple[float, ...]
    gain: float | None
    error: float | None


@dataclass(frozen=True, eq=False)
class Row:
    """One method at one scale after some steps.

    Arguments:
        scale: The resize factor.
        method: Its spelling, such as "entropy:centred".
        variables: What was adapted; None = feedforward.
        steps: The number of updates.
        miou: Over all pixels of all images, 0..1, or None.
        gain_error: Standard error of its gain over feedforward, 0..1, or None.
        class_iou: By class, shape (K,), 0..1, NaN where the class does not occur.
        each: By name of `MEASURES` the numbers of the images, shape (N,), NaN for no number; {}
            where the file does not say.
        numbers: The whole row as the file has it.
    """

    scale: float
    method: str
    variables: str | None
    steps: int
    miou: float | None
    gain_error: float | None
    class_iou: np.ndarray
    each: dict[str, np.ndarray]
    numbers: dict[str, Any]

    @property
    def kind(self) -> Kind:
        """What it is, at whatever scale."""
        return self.method, self.variables, self.steps


@dataclass(frozen=True, eq=False)
class Part:
    """What one network gave.

    Arguments:
        images: How many were measured.
        ids: Which, if the file says so.
        failed: Those left out, as "ID: reason".
        environment: Versions, device and checkpoint, as text by name.
        rows: In the order of the file.
        mean_gains: By kind the mean gain over feedforward at large scales.
    """

    images: int
    ids: tuple[str, ...]
    failed: tuple[str, ...]
    environment: dict[str, str]
    rows: tuple[Row, ...]
    mean_gains: dict[Kind, MeanGain]
    _found: dict[tuple, Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.rows:
            self._found.setdefault((row.scale, *row.kind), row)

    @property
    def scales(self) -> list[float]:
        """The scales, ascending."""
        return sorted({row.scale for row in self.rows})

    @property
    def kinds(self) -> list[Kind]:
        """What was measured, in the order of the file."""
        return list(dict.fromkeys(row.kind for row in self.rows))

    def row(self, scale: float, kind: Kind) -> Row | None:
        """The row of a kind at a scale."""
        return self._found.get((scale, *kind))

    def base(self, scale: float) -> Row | None:
        """Feedforward at a scale."""
        return self.row(scale, (FEEDFORWARD, None, 0))


@dataclass(frozen=True, eq=False)
class Result:
    """A result file.

    Arguments:
        table: A name in `segviz.tables.TABLES`, or "" for an evaluation of one's own.
        title: What it is called.
        images: How many images were measured.
        split: Of which list.
        command: What made it.
        complete: Whether nothing ended it early.
        parts: By the paper's name of the model; an evaluation has one, named "".
    """

    table: str
    title: str
    images: int
    split: str
    command: str
    complete: bool
    parts: dict[str, Part]


def command(table: str) -> str:
    """What makes the result file of a table."""
    return f"python -m segviz tables {table} --voc-root DIR"


def read(path: Path) -> Result:
    """The result in a file.

    Raises:
        InputError: If it cannot be read or is not one.
    """
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise InputError(
                f"the file {path.name} has {size / 1e6:.0f} MB, but a result file has at most"
                f" {MOST_BYTES / 1e6:.0f} MB; restore it or make it again."
            )
        text = path.read_text(encoding="utf-8")
        data = json.loads(text, parse_constant=_no_number)
    except OSError as error:
        raise InputError(
            f"the file {path.name} cannot be read ({error.strerror}); restore it or make it again."
        ) from error
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the file {path.name} is damaged: it is not JSON; restore it or make it again."
        ) from error
    return parse(data, path.name)


def parse(data: object, name: str) -> Result:
    """The result in what JSON holds: a table of `segviz tables`, or one of `segviz evaluate`.

    Arguments:
        data: Parsed JSON.
        name: What it is called, for messages.

    Raises:
        InputError: If it is neither.
    """
    try:
        return _result(pieces.mapping(data, "the file"))
    except pieces.UnfitError as error:
        raise InputError(
            f"the file {name} is not a result file of segviz: {error}; restore it or make it again."
        ) from error


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _result(data: Mapping[str, Any]) -> Result:
    models = pieces.mapping(data.get("models", {"": data}), "models")
    parts = {model: _part(pieces.mapping(part, "a model")) for model, part in models.items()}
    if not parts:
        raise pieces.UnfitError("it has no models")
    table = pieces.text(data.get("table", ""), "table")
    if table and table not in TABLES:
        raise pieces.UnfitError(f"it is of the table {table[:20]!r}, which there is not")
    return Result(
        table=table,
        title=pieces.text(data.get("title", "Evaluation"), "title"),
        images=pieces.count(data.get("images"), "images"),
        split=pieces.text(data.get("split"), "split"),
        command=pieces.text(data.get("command", ""), "command"),
        complete=data.get("complete", True) is not False,
        parts=parts,
    )


def _part(data: Mapping[str, Any]) -> Part:
    images = pieces.count(data.get("images"), "images")
    ids = pieces.texts(data.get("ids", []), "ids", "an id")
    if any(_ID.fullmatch(one) is None for one in ids) or (ids and len(ids) != images):
        raise pieces.UnfitError(f"ids are not those of {images} images")
    results = pieces.mappings(data.get("results"), "results", "a result")
    by_image = pieces.mappings(data.get("by_image", []), "by_image", "by_image")
    means = pieces.mappings(data.get("mean_gains", []), "mean_gains", "a mean gain")
    if not results:
        raise pieces.UnfitError("it has no results")
    if by_image and (len(by_image) != len(results) or len(ids) != images):
        raise pieces.UnfitError("by_image does not belong to its results")
    each = by_image or [{}] * len(results)
    environment = pieces.mapping(data.get("environment", {}), "environment")
    return Part(
        images=images,
        ids=tuple(ids),
        failed=tuple(pieces.texts(data.get("failed", []), "failed", "failed")),
        environment={key: str(environment[key]) for key in _ENVIRONMENT if key in environment},
        rows=tuple(_row(one, two, images) for one, two in zip(results, each, strict=True)),
        mean_gains=dict(map(_mean_gain, means)),
    )


def _mean_gain(data: Mapping[str, Any]) -> tuple[Kind, MeanGain]:
    method, variables = (pieces.text(data.get(key), key) for key in ("method", "variables"))
    kind = (method, variables, pieces.count(data.get("steps"), "steps"))
    scales = pieces.numbers(data.get("scales"), "scales").tolist()
    gain = pieces.number(data.get("gain"), "a mean gain's gain")
    error = pieces.number(data.get("error"), "a mean gain's error")
    return kind, MeanGain(tuple(scales), gain, error)


def _row(data: dict[str, Any], by_image: Mapping[str, Any], images: int) -> Row:
    scale = pieces.number(data.get("scale"), "scale")
    if scale is None or scale <= 0:
        raise pieces.UnfitError("a scale is not positive")
    method = pieces.text(data.get("method"), "method")
    variables = data.get("variables")
    steps = pieces.count(data.get("steps"), "steps")
    for key in ("scale", "method", "variables", "steps"):
        if by_image and by_image.get(key) != data.get(key):
            raise pieces.UnfitError("by_image does not belong to its results")
    for key in ("accuracy", "entropy", "sigma", "seconds", "learning_rate"):
        pieces.number(data.get(key), key)
    miou = pieces.number(data.get("miou"), "miou")
    if miou is not None and not 0 <= miou <= 1:
        raise pieces.UnfitError(f"an mIoU is {miou:g}, but must be from 0 to 1")
    errors = {key: pieces.number(data.get(key), key) for key in ("miou_error", "gain_error")}
    for key, error in errors.items():
        if error is not None and not 0 <= error <= 1:
            raise pieces.UnfitError(f"{key} is {error:g}, but must be from 0 to 1")
    each = {key: pieces.numbers(by_image.get(key), key) for key in MEASURES} if by_image else {}
    if any(len(values) != images for values in each.values()):
        raise pieces.UnfitError(f"by_image does not have {images} images")
    return Row(
        scale=scale,
        method=method,
        variables=None if variables is None else pieces.text(variables, "variables"),
        steps=steps,
        miou=miou,
        gain_error=errors["gain_error"],
        class_iou=pieces.numbers(data.get("class_iou", []), "class_iou"),
        each=each,
        numbers=data,
    )

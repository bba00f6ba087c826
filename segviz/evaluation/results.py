"""The schema of result files, for those who write and those who read them, and its validation."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ..adapt.method import FEEDFORWARD
from ..errors import InputError, guard
from ..runtime.files import read_file
from .paper_tables import TABLES

__all__ = [
    "VAL_IMAGES",
    "Calibration",
    "EvaluationResult",
    "ImageResults",
    "MeanGain",
    "MethodResult",
    "ModelResult",
    "ResultFile",
    "Variant",
    "parse_result",
    "read_result",
    "table_command",
]

MAX_BYTES = 20_000_000
VAL_IMAGES = 1449
"""The number of images in the split val of VOC 2012."""

Number = Annotated[float, Meta(gt=-1e12, lt=1e12)]
Count = Annotated[int, Meta(ge=0, lt=10**12)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Scale = Annotated[float, Meta(gt=0, lt=1e12)]
ImageId = Annotated[
    str, Meta(pattern=r"\A(?!/)(?!(?:.*/)?\.\.(?:/|\Z))[^\x00-\x1f\x7f\\]{1,300}\Z")
]
"""VOC's ids, or paths below a folder of photos: one line, which does not lead out of the folder."""


class Variant(NamedTuple):
    """A method, the parameters it adapts (None = feedforward), and the number of updates."""

    method: str
    variables: str | None
    steps: int


class Calibration(Struct, frozen=True, kw_only=True):
    """How well confidences are frequencies, and entropy finds errors; None where not defined.

    Arguments:
        ece: The expected calibration error over 15 bins, 0..1.
        nll: The mean negative log-likelihood, in nats.
        brier: The mean Brier score, 0..2.
        auroc: Of entropy against error, 0..1.
        aurc: The area under risk and coverage, pixels of least entropy first, 0..1.
    """

    ece: Fraction | None = None
    nll: Number | None = None
    brier: Annotated[float, Meta(ge=0, le=2)] | None = None
    auroc: Fraction | None = None
    aurc: Fraction | None = None


class MethodResult(Struct, frozen=True, kw_only=True):
    """The totals of one method at one scale after some updates; None stands for NaN.

    Arguments:
        scale: The resize factor.
        method: The spelling, such as "entropy:centred".
        variables: The adapted parameters; None = feedforward.
        steps: The number of updates.
        learning_rate: Adam's learning rate; None = feedforward.
        centred: Whether updates were centred; None = feedforward.
        miou: Over all pixels of all images, 0..1.
        accuracy: The fraction of pixels that are right, 0..1.
        entropy: Mean over the images, in nats.
        sigma: Mean over the images, in input pixels.
        seconds: Mean duration of forward pass and updates.
        class_iou: By class, K values, 0..1, None where the class does not occur.
        miou_error: Standard error of `miou` over resampled images, 0..1.
        gain_error: Standard error of the gain over feedforward over resampled images, 0..1.
        calibration: Over the pixels of all images; None where it was not measured.
    """

    scale: Scale
    method: str
    variables: str | None = None
    steps: Count
    learning_rate: Number | None = None
    centred: bool | None = None
    miou: Fraction | None = None
    accuracy: Fraction | None = None
    entropy: Number | None = None
    sigma: Number | None = None
    seconds: Number | None = None
    class_iou: tuple[Fraction | None, ...] = ()
    miou_error: Fraction | None = None
    gain_error: Fraction | None = None
    calibration: Calibration | None = None

    @property
    def variant(self) -> Variant:
        """The method, variables and steps, at whatever scale."""
        return Variant(self.method, self.variables, self.steps)


class ImageResults(Struct, frozen=True, kw_only=True):
    """The numbers of each image for one method at one scale, None for NaN.

    Arguments:
        scale: The resize factor.
        method: The spelling.
        variables: The adapted parameters; None = feedforward.
        steps: The number of updates.
        iou: IoU of each image, the mean over the classes that occur in it, 0..1.
        accuracy: The fraction of pixels that are right, 0..1.
        entropy: Mean entropy, in nats.
    """

    scale: Scale
    method: str
    variables: str | None = None
    steps: Count
    iou: tuple[Fraction | None, ...]
    accuracy: tuple[Fraction | None, ...]
    entropy: tuple[Number | None, ...]

    @property
    def variant(self) -> Variant:
        """The method, variables and steps, at whatever scale."""
        return Variant(self.method, self.variables, self.steps)


class MeanGain(Struct, frozen=True, kw_only=True):
    """The mean gain in mIoU over feedforward at several scales; None stands for NaN.

    Arguments:
        method: The spelling.
        variables: The adapted parameters; None = none.
        steps: The number of updates.
        scales: The resize factors.
        gain: The mean gain, -1..1.
        error: Its standard error over resampled images, 0..1.
    """

    method: str
    variables: str | None = None
    steps: Count
    scales: tuple[Scale, ...]
    gain: Annotated[float, Meta(ge=-1, le=1)] | None = None
    error: Fraction | None = None

    @property
    def variant(self) -> Variant:
        """The method, variables and steps."""
        return Variant(self.method, self.variables, self.steps)


class ModelResult(Struct, frozen=True, kw_only=True):
    """The results of one network.

    Arguments:
        images: The number of images measured.
        failed: The images that could not be measured, as "ID: reason".
        environment: Versions, device and checkpoint by name.
        results: By scale and variant.
        mean_gains: The mean gains at large scales by variant.
        classes: The names of the classes, in the order of `class_iou`; () = VOC's.
        ids: The ids of the images, if they were written.
        by_image: For each of `results` the numbers of the images, if they were written.

    Raises:
        ValueError: If ids or by_image do not fit the rest.
    """

    images: Count
    failed: tuple[str, ...] = ()
    environment: dict[str, str | int] = {}
    results: Annotated[tuple[MethodResult, ...], Meta(min_length=1)]
    mean_gains: tuple[MeanGain, ...] = ()
    classes: tuple[str, ...] = ()
    ids: tuple[ImageId, ...] | UnsetType = UNSET
    by_image: tuple[ImageResults, ...] | UnsetType = UNSET

    def __post_init__(self) -> None:
        if self.ids and len(self.ids) != self.images:
            raise ValueError(f"Expected ids of {self.images} images, got {len(self.ids)}")
        if not self.by_image:
            return
        if not self.ids and self.images:
            raise ValueError("by_image has no ids")
        if len(self.by_image) != len(self.results):
            raise ValueError(
                f"Expected by_image of {len(self.results)} results, got {len(self.by_image)}"
            )
        for total, each in zip(self.results, self.by_image, strict=True):
            if (total.scale, *total.variant) != (each.scale, *each.variant):
                raise ValueError(
                    f"by_image has {each.method!r} at {each.scale:g}x after {each.steps} steps in"
                    f" the place of {total.method!r} at {total.scale:g}x after {total.steps}"
                )
            for name in ("iou", "accuracy", "entropy"):
                count = len(getattr(each, name))
                if count != self.images:
                    raise ValueError(f"Expected {name} of {self.images} images, got {count}")

    @property
    def checkpoint(self) -> str:
        """The name of the network, or ""."""
        return str(self.environment.get("checkpoint", ""))

    @property
    def sha256(self) -> str:
        """The hash of the network, or ""."""
        return str(self.environment.get("sha256", ""))

    @property
    def scales(self) -> list[float]:
        """The scales, ascending."""
        return sorted({result.scale for result in self.results})

    @property
    def variants(self) -> list[Variant]:
        """The variants, in the order of the file."""
        return list(dict.fromkeys(result.variant for result in self.results))

    def result(self, scale: float, variant: tuple[str, str | None, int]) -> MethodResult | None:
        """Return the result of a variant at a scale, or None."""
        found = (r for r in self.results if r.scale == scale and r.variant == variant)
        return next(found, None)

    def feedforward(self, scale: float) -> MethodResult | None:
        """Return the result of feedforward at a scale, or None."""
        return self.result(scale, (FEEDFORWARD, None, 0))

    def image_results(self, result: MethodResult) -> ImageResults | None:
        """Return the numbers of each image that belong to a result, or None."""
        for each in self.by_image or ():
            if (each.scale, *each.variant) == (result.scale, *result.variant):
                return each
        return None

    def mean_gain(self, variant: tuple[str, str | None, int]) -> MeanGain | None:
        """Return the mean gain of a variant, or None."""
        return next((mean for mean in self.mean_gains if mean.variant == variant), None)


class EvaluationResult(ModelResult, frozen=True, kw_only=True):
    """The file of `segviz evaluate`.

    Arguments:
        split: The split or list that the images are from.
        command: The command that measures the same.
        complete: Whether the evaluation ran to its end.
    """

    split: str
    command: str = ""
    complete: bool = True

    def as_file(self) -> "ResultFile":
        """Return the same as a result file of one network named ""."""
        return ResultFile(
            title="Evaluation",
            images=self.images,
            split=self.split,
            command=self.command,
            complete=self.complete,
            models={"": self},
        )


class ResultFile(Struct, frozen=True, kw_only=True):
    """The file of `segviz tables`.

    Arguments:
        table: A name in `TABLES`, or "" for the result of `segviz evaluate`.
        title: The title.
        images: The number of images measured.
        split: The split or list that the images are from.
        command: The command that measures the same.
        complete: Whether the evaluation ran to its end.
        models: By the paper's name of the network; an evaluation has one, named "".

    Raises:
        ValueError: If there is no such table.
    """

    table: str = ""
    title: str = "Evaluation"
    images: Count
    split: str
    command: str = ""
    complete: bool = True
    models: Annotated[dict[str, ModelResult], Meta(min_length=1)]

    def __post_init__(self) -> None:
        if self.table and self.table not in TABLES:
            raise ValueError(
                f"there is no table {self.table[:20]!r}, there are {', '.join(TABLES)}"
            )


def table_command(table: str) -> str:
    """Return the command that measures a table."""
    return f"python -m segviz tables {table} --voc-root DIR"


def read_result(path: Path) -> ResultFile:
    """Read a result file of `segviz tables` or `segviz evaluate`.

    Raises:
        InputError: If the file cannot be read or is not a result file.
    """
    remedy = "restore it or make it again"
    data = read_file(path, "the file", MAX_BYTES, remedy)
    with guard(f"the file {path.name} is damaged: it is not JSON", remedy):
        found = msgspec.json.decode(data)
    return parse_result(found, path.name)


def parse_result(data: object, name: str) -> ResultFile:
    """Validate the parsed JSON of `segviz tables` or `segviz evaluate`.

    Arguments:
        data: Parsed JSON.
        name: The name of the file, for messages.

    Raises:
        InputError: If it is not a result file.
    """
    try:
        if isinstance(data, Mapping) and "models" not in data:
            return msgspec.convert(data, EvaluationResult).as_file()
        return msgspec.convert(data, ResultFile)
    except msgspec.ValidationError as error:
        raise InputError(
            f"the file {name} is not a result file of segviz: {_reason(error, data)}; restore it"
            " or make it again."
        ) from error


def _reason(error: msgspec.ValidationError, data: Any) -> str:  # noqa: ANN401
    """Return what is wrong, where, and the value found there."""
    models = data.get("models") if isinstance(data, Mapping) else None
    for name, model in models.items() if isinstance(models, Mapping) else ():
        try:
            msgspec.convert(model, ModelResult)
        except msgspec.ValidationError as inner:
            return f"in the model {name[:20]!r}, {_reason(inner, model)}"
    message, _, path = str(error).partition(" - at `$")
    path = path.strip(".`")
    reason = message[0].lower() + message[1:].replace("`", "")
    if not path:
        return reason
    try:
        return f"{reason} at {path}, found {repr(_value(data, path))[:40]}"
    except LookupError:  # a path through free keys, which the message does not name
        return f"{reason} at {path}"


def _value(data: Any, path: str) -> Any:  # noqa: ANN401
    """Return the value at a path such as "results[1].miou"."""
    for key, index in re.findall(r"(\w+)|\[(\d+|\.\.\.)\]", path):
        data = data[key] if key else data[int(index)] if index.isdigit() else {}[index]
    return data

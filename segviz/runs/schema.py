"""The two files of a record, JSON and arrays: types, bounds and shapes for writer and reader."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import numpy as np
from msgspec import Meta

from ..adapt.settings import LIMITS, Settings
from ..data.classes import IGNORE

__all__ = [
    "ARRAYS",
    "FORMAT",
    "MAX_SIDE",
    "MAX_TEXT",
    "NUMBERS",
    "RecordFacts",
    "StepNumbers",
    "check_arrays",
    "check_numbers",
    "decode",
    "digest",
    "encode",
]

FORMAT = 3
"""The version of the format. Version 2, without several views, is read too; others are refused."""

MAX_SIDE = 4096  # of the photo, in pixels
MAX_TEXT = 400  # characters of a name
MAX_LONG_TEXT = 4096  # characters of a fact, such as the path of a checkpoint
MAX_STEPS = int(LIMITS["steps"][1]) + 8  # views join before the updates
MAX_POSITION = 1e6  # on the feature grid

Text = Annotated[str, Meta(max_length=MAX_TEXT)]
LongText = Annotated[str, Meta(max_length=MAX_LONG_TEXT)]
Count = Annotated[int, Meta(ge=0, le=MAX_STEPS)]
# Larger values than any run has: what is drawn and summed must stay finite.
NonNegative = Annotated[float, Meta(ge=0, le=1e9)]
Number = Annotated[float, Meta(ge=-1e9, le=1e9)]
Integer = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Byte = Annotated[int, Meta(ge=0, le=255)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Range = tuple[Number, Number]


class StepNumbers(TypedDict):
    """The numbers of a step, as `adapt.step` defines them; None = not finite or unknown."""

    step: Count
    loss: Number | None
    entropy: NonNegative | None
    selected: Fraction | None
    sigma: NonNegative | None
    iou: Fraction | None
    accuracy: Fraction | None
    agreement: Fraction | None
    changed: Fraction | None
    distance: NonNegative | None
    ms: NonNegative | None
    weights: tuple[Fraction, ...] | None


NUMBERS = tuple(StepNumbers.__annotations__)
"""The numbers kept of every step."""


class RecordFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON of a record: what is not in its arrays. `Record` explains the fields.

    `arrays_sha256` is the hash of the arrays that it belongs to; version 2 has none.
    """

    format: int = FORMAT
    title: Text
    settings: Settings
    reference: Literal["truth", "1x prediction"] | None
    steps: Annotated[tuple[StepNumbers, ...], Meta(min_length=1, max_length=MAX_STEPS + 1)]
    entropy_range: Range
    sigma_range: Range | None = None
    log_probabilities_range: Range
    sizes_range: Range | None = None
    stride: Annotated[float, Meta(gt=0, le=4096)]
    classes: Annotated[tuple[Text, ...], Meta(min_length=1, max_length=IGNORE)]
    forward_ms: NonNegative
    complete: bool
    colours: Annotated[tuple[tuple[Byte, Byte, Byte], ...], Meta(max_length=IGNORE)] | None = None
    environment: Annotated[
        dict[Text, LongText | Integer | float | bool | None], Meta(max_length=100)
    ]
    arrays_sha256: Hash | None = None


class _Format(msgspec.Struct):
    format: int


class _SettingsKeys(msgspec.Struct):
    settings: dict[str, Any]


def decode(data: bytes) -> RecordFacts:
    """Return the facts in the JSON of a record.

    Raises:
        ValueError: If it is not JSON, or a value has another type or is out of its bounds.
    """
    if msgspec.json.decode(data, type=_Format).format == 2:
        data = msgspec.json.encode(_of_version_2(msgspec.json.decode(data)))
    facts = msgspec.json.decode(data, type=RecordFacts)
    if facts.format != FORMAT:
        raise ValueError(f"format must be {FORMAT}, got {facts.format}")
    found = msgspec.json.decode(data, type=_SettingsKeys).settings.keys()
    wanted = {field.name for field in fields(Settings)}
    if found - wanted:  # ignoring a setting would misrepresent the run
        raise ValueError(f"unknown setting {min(found - wanted)[:80]!r}")
    if wanted - found:  # a default may be another in another version
        raise ValueError(f"the setting {min(wanted - found)!r} is missing")
    if len(facts.steps) > facts.settings.last_step + 1:
        raise ValueError(
            f"steps must be at most {facts.settings.last_step + 1}, as the settings say, got"
            f" {len(facts.steps)}"
        )
    if [step["step"] for step in facts.steps] != list(range(len(facts.steps))):
        raise ValueError("steps must be numbered 0, 1, 2 ...")
    if facts.colours is not None and len(facts.colours) != len(facts.classes):
        raise ValueError(
            f"there must be {len(facts.classes)} colours, one for each class, got"
            f" {len(facts.colours)}"
        )
    largest = math.log(len(facts.classes)) + 1e-3  # nats, and rounding
    for step in facts.steps:
        if step["entropy"] is not None and step["entropy"] > largest:
            raise ValueError(f"entropy must be at most {largest:.3f}, got {step['entropy']:g}")
    for name in ("entropy_range", "sigma_range", "log_probabilities_range", "sizes_range"):
        low, high = getattr(facts, name) or (0, 1)
        if low >= high:
            raise ValueError(f"{name} must be ascending, got {low} to {high}")
    return facts


VERSION_2 = {
    *("method", "variables", "steps", "learning_rate", "centred", "tolerance"),
    *("scale", "precision"),
}
"""The settings of records of version 2; those that came later had their defaults."""


def _of_version_2(values: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a record of version 2 as those of this version."""
    found = dict(values["settings"])
    found["method"] = found.pop("objective")
    default = Settings(method=found["method"])
    names = (field.name for field in fields(Settings))
    settings = {name: getattr(default, name) for name in names if name not in VERSION_2} | found
    steps = [{"weights": None, **step} for step in values["steps"]]
    return {**values, "format": FORMAT, "settings": settings, "steps": steps}


def digest(facts: RecordFacts) -> str:
    """Return the SHA-256 of facts, whatever their layout as JSON, without that of the arrays."""
    plain = msgspec.structs.replace(facts, arrays_sha256=None)
    return hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()


def encode(facts: RecordFacts) -> bytes:
    """Return the JSON of a record, which `decode` is sure to accept.

    Raises:
        ValueError: If it would not be accepted.
    """
    data = msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n"
    decode(data)
    return data


ARRAYS: dict[str, tuple[str, tuple[str | int, ...]]] = {
    "photo": ("uint8", ("H", "W", 3)),
    "truth": ("uint8", ("H", "W")),
    "labels": ("uint8", ("steps", "H", "W")),
    "entropy": ("uint8", ("steps", "h", "w")),
    "sigma": ("uint8", ("steps", "h", "w")),
    "selected": ("bool", ("steps", "h", "w")),
    "log_probabilities": ("uint8", ("steps", "classes", "h", "w")),
    "sizes": ("uint8", ("steps", "h", "w")),
    "rows": ("float32", ("H",)),
    "columns": ("float32", ("W",)),
}
"""The type and axes of each array; axes of one name have one length."""


def check_arrays(arrays: Mapping[str, np.ndarray], facts: RecordFacts) -> None:
    """Check that arrays have the types, shapes and ranges of `ARRAYS` and go with the facts.

    Raises:
        ValueError: If they do not; it names the array.
    """
    lengths: dict[str | int, int] = {"steps": len(facts.steps), "classes": len(facts.classes), 3: 3}
    for name, (dtype, axes) in ARRAYS.items():
        if name == "truth" and facts.reference is None:
            if name in arrays:
                raise ValueError("there is a truth that nothing is compared with")
            continue
        range = {"sizes": facts.sizes_range, "sigma": facts.sigma_range}.get(name, True)
        if range is None and name not in arrays:
            continue
        if name not in arrays:
            raise ValueError(f"the array {name} is missing")
        array = arrays[name]
        fits = array.dtype == dtype and array.ndim == len(axes) and 0 not in array.shape
        if not fits or any(
            lengths.setdefault(axis, length) != length
            for axis, length in zip(axes, array.shape, strict=True)
        ):
            shape = " x ".join(str(lengths.get(axis, axis)) for axis in axes)
            raise ValueError(
                f"{name} must be {dtype} of {shape}, got {array.dtype} of"
                f" {' x '.join(map(str, array.shape)) or 'no axes'}"
            )
    if max(lengths["H"], lengths["W"]) > MAX_SIDE:
        raise ValueError(
            f"the photo must have sides of at most {MAX_SIDE} pixels, got"
            f" {lengths['W']} x {lengths['H']}"
        )
    labels = np.zeros(256, bool)
    labels[: lengths["classes"]] = True
    if not labels[arrays["labels"]].all():
        raise ValueError(f"labels must be below {lengths['classes']}, the number of classes")
    labels[IGNORE] = True
    if "truth" in arrays and not labels[arrays["truth"]].all():
        raise ValueError(f"truth must be below {lengths['classes']}, or {IGNORE} to ignore")
    for name in ("rows", "columns"):
        if not (np.abs(arrays[name]) <= MAX_POSITION).all():
            raise ValueError(f"{name} must be finite, and at most {MAX_POSITION:g}")


def check_numbers(arrays: Mapping[str, np.ndarray], facts: RecordFacts) -> None:
    """Check that the numbers of a record without hashes are those of its arrays.

    Raises:
        ValueError: If they are not; the files are of two runs.
    """
    low, high = facts.entropy_range
    half = (high - low) / 255 / 2
    for step, numbers in enumerate(facts.steps):
        entropy = low + (high - low) / 255 * float(arrays["entropy"][step].mean())
        selected = float(arrays["selected"][step].mean())
        for name, found, tolerance in (("entropy", entropy, half), ("selected", selected, 1e-4)):
            stated = numbers[name]  # type: ignore[literal-required]
            if stated is not None and abs(stated - found) > tolerance + 1e-4:
                raise ValueError(
                    f"{name} of step {step} is {stated:.4f} in the JSON, but {found:.4f} in the"
                    " arrays, as of two runs"
                )

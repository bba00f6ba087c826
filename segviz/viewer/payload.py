"""Records to one compact message for the viewer: a head of JSON, and frames of bytes."""

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..data.classes import IGNORE, PALETTE
from ..errors import InputError
from ..pictures import maps
from ..runs.record import Quantised, Record

__all__ = ["KEY_EVERY", "NUMBERS", "Encoder", "NamedRecord", "Payload", "payload"]

KEY_EVERY = 16
"""Every so many steps, a step is coded by itself: the browser may begin to decode there."""

LIKELY = 0.01
"""A class has its probabilities sent if it exceeds this at some feature pixel of some step."""

FORMAT = 1

NUMBERS: dict[str, tuple[str, str, int]] = {
    "iou": ("IoU", "", 3),
    "accuracy": ("Pixel accuracy", "", 3),
    "agreement": ("Agreement vs. 1x", "", 3),
    "entropy": ("Mean entropy", "nats", 3),
    "sigma": ("Mean sigma", "input px", 1),
    "loss": ("Loss", "nats", 3),
    "changed": ("Pixels changed", "", 3),
}
"""The numbers of a step that the viewer shows: title, unit, decimals."""


@dataclass(frozen=True)
class NamedRecord:
    """A record in a viewer or a report.

    Arguments:
        record: The record.
        name: Its short caption, such as "oracle" or "3x".
    """

    record: Record
    name: str


@dataclass(frozen=True)
class Payload:
    """What the viewer draws.

    Arguments:
        head: JSON-ready: names, numbers, ranges, sizes, and where in `frames` every chunk lies,
            as (offset, length).
        frames: The chunks: pictures as PNG, all else deflated (zlib).
    """

    head: dict[str, Any]
    frames: bytes


class Encoder:
    """Codes arrays, and keeps what the last payload used: a run that grows codes only new steps."""

    def __init__(self) -> None:
        self._kept: dict[bytes, bytes] = {}
        self._used: dict[bytes, bytes] = {}

    def begin(self) -> None:
        """A payload begins: what the one before last used may go."""
        self._kept, self._used = self._used, {}

    def deflate(self, values: np.ndarray, before: np.ndarray | None = None) -> bytes:
        """Bytes (n,) as differences modulo 256 from those before, deflated."""
        if before is None:
            return self._once(lambda: zlib.compress(values.tobytes(), 6), values)
        return self._once(lambda: zlib.compress((values - before).tobytes(), 6), values, before)

    def png(self, picture: np.ndarray) -> bytes:
        """A picture (H, W, 3) uint8 as PNG: the viewer shows the pixels of the record."""
        return self._once(lambda: maps.png(picture), picture)

    def _once(self, make: Callable[[], bytes], *arrays: np.ndarray) -> bytes:
        digest = hashlib.blake2b(digest_size=20)
        for array in arrays:
            digest.update(f"{array.shape}{array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).data)
        key = digest.digest()
        found = self._used.get(key) or self._kept.get(key)
        self._used[key] = make() if found is None else found
        return self._used[key]


class _Blob:
    """Chunks side by side, equal ones once."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._length = 0
        self._places: dict[bytes, tuple[int, int]] = {}

    def add(self, chunk: bytes) -> tuple[int, int]:
        """Append a chunk; returns its offset and length."""
        if chunk not in self._places:
            self._places[chunk] = (self._length, len(chunk))
            self.parts.append(chunk)
            self._length += len(chunk)
        return self._places[chunk]


def payload(runs: Sequence[NamedRecord], encoder: Encoder | None = None) -> Payload:
    """Everything the viewer needs of one or several runs.

    A step is one chunk: labels (H W), entropy and sigma codes (h w each) and S as bits, rows after
    rows, as differences from the step before except every `KEY_EVERY` steps. Log-probabilities
    (classes, h, w) come in chunks of their own behind all of these, for the browser to read last.

    Arguments:
        runs: At least one run, all on photos of one size.
        encoder: What coded an earlier state of the same runs.

    Raises:
        InputError: If there is no run, or if the photos differ in size.
    """
    if not runs:
        raise InputError("there is no run to show; give at least one.")
    sizes = list(dict.fromkeys(shown.record.photo.shape[:2] for shown in runs))
    if len(sizes) > 1:
        (h0, w0), (h1, w1) = sizes[:2]
        raise InputError(
            f"one viewer shows runs on photos of one size, but these are {w0} x {h0} and"
            f" {w1} x {h1} pixels; show them one after the other."
        )
    encoder = encoder or Encoder()
    encoder.begin()
    blob = _Blob()
    entries = [_run(shown, encoder, blob) for shown in runs]
    for shown, entry in zip(runs, entries, strict=True):
        entry["probabilities"] = _probabilities(shown.record, encoder, blob)
    frames = b"".join(blob.parts)
    records = [shown.record for shown in runs]
    head = {
        "format": FORMAT,
        "width": sizes[0][1],
        "height": sizes[0][0],
        "keyEvery": KEY_EVERY,
        "classes": [
            {"id": id, "name": _name(records[0], id), "colour": PALETTE[id].tolist()}
            for id in sorted({id for record in records for id in maps.classes_in(record)})
        ],
        "names": list(records[0].classes),
        "palette": PALETTE[: len(records[0].classes)].ravel().tolist(),
        "ignore": {"id": IGNORE, "colour": PALETTE[IGNORE].tolist()},
        "outcomes": [
            {"name": name, "colour": list(colour)} for name, colour in maps.OUTCOMES.items()
        ],
        "maps": {
            "entropy": {
                "unit": "nats",
                "table": maps.colour_table("entropy").ravel().tolist(),
                "limits": _widest([maps.limits_of(record.entropy) for record in records]),
            },
            "sigma": {
                "unit": "input px",
                "table": maps.colour_table("sigma").ravel().tolist(),
                "limits": _widest([maps.limits_of(record.sigma) for record in records]),
            },
        },
        "numbers": [
            {"key": key, "title": title, "unit": unit, "decimals": decimals}
            for key, (title, unit, decimals) in NUMBERS.items()
            if _told(key, records)
        ],
        "runs": entries,
    }
    return Payload(head, frames)


def _told(key: str, records: Sequence[Record]) -> bool:
    """Whether a number is there; losses of different objectives say nothing about each other."""
    if key == "loss" and len({record.settings.objective for record in records}) > 1:
        return False
    return any(value is not None for record in records for value in record.numbers(key))


def _run(shown: NamedRecord, encoder: Encoder, blob: _Blob) -> dict[str, Any]:
    record = shown.record
    judged = record.reference == "truth" and record.truth is not None
    blocks = _blocks(record)
    return {
        "name": shown.name,
        "title": record.title,
        "settings": asdict(record.settings),
        "reference": record.reference,
        "complete": record.complete,
        "stride": record.stride,
        "grid": list(record.entropy.codes.shape[1:]),
        "entropy": _ranges(record.entropy),
        "sigma": _ranges(record.sigma),
        "numbers": {key: record.numbers(key) for key in NUMBERS},
        "photo": blob.add(encoder.png(record.photo)),
        "truth": blob.add(encoder.deflate(_flat(record.truth))) if judged else None,
        "rows": blob.add(encoder.deflate(_flat(record.positions[0].astype("<f4")))),
        "columns": blob.add(encoder.deflate(_flat(record.positions[1].astype("<f4")))),
        "steps": [blob.add(chunk) for chunk in _chunks(blocks, encoder)],
    }


def _probabilities(record: Record, encoder: Encoder, blob: _Blob) -> dict[str, Any]:
    values = record.log_probabilities
    floor = Quantised.of(np.log(LIKELY), values.low, values.high).codes
    highest = values.codes.max(axis=(0, 2, 3))
    likely = np.flatnonzero(highest > floor)
    blocks = values.codes[:, likely].reshape(len(values), -1)
    return {
        "low": values.low,
        "high": values.high,
        "classes": likely.tolist(),
        "steps": [blob.add(chunk) for chunk in _chunks(blocks, encoder)],
    }


def _blocks(record: Record) -> np.ndarray:
    """The maps of every step in a row, shape (T + 1, n), uint8."""
    count = len(record.steps)
    return np.concatenate(
        [
            record.labels.reshape(count, -1),
            record.entropy.codes.reshape(count, -1),
            record.sigma.codes.reshape(count, -1),
            np.packbits(record.selected.reshape(count, -1), axis=1),
        ],
        axis=1,
    )


def _chunks(blocks: np.ndarray, encoder: Encoder) -> list[bytes]:
    return [
        encoder.deflate(block, blocks[step - 1] if step % KEY_EVERY else None)
        for step, block in enumerate(blocks)
    ]


def _ranges(values: Quantised) -> dict[str, Any]:
    """The range of the codes, and of every step the upper end of its colours."""
    tops = [maps.limits_of(values, step)[1] for step in range(len(values))]
    return {"low": values.low, "high": values.high, "tops": tops}


def _widest(limits: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(low for low, _ in limits), max(high for _, high in limits)


def _name(record: Record, id: int) -> str:
    return record.classes[id] if id < len(record.classes) else f"class {id}"


def _flat(values: np.ndarray | None) -> np.ndarray:
    return np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)

"""Write records as one compact message for the viewer: a JSON head, and frames of bytes.

The types of the head are in `js/types.d.ts`.
"""

import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..adapt.views import DOUBLED, views_of
from ..data.classes import IGNORE
from ..errors import InputError
from ..glossary import MAPS, NUMBERS, PROBABILITY, Term
from ..network.receptive_field_size import extent
from ..pictures import maps
from ..pictures.panels import OPACITY, PROBABILITY_LIMITS, THRESHOLD, has_map, has_truth
from ..runs.record import Quantised, Record
from .encoder import KEY_EVERY, ChunkBuffer, Encoder
from .view_state import MAX_PINS, NamedRecord, default_panels, panels_of

__all__ = ["Payload", "payload"]

LIKELY = 0.01
"""The probabilities of a class are sent if they exceed this at some feature pixel of some step."""

WEIGHT = "How much of the prediction is read from the photo at this size, 0 to 1."


@dataclass(frozen=True)
class Payload:
    """What the viewer draws.

    Arguments:
        head: JSON-ready: names, numbers, ranges, sizes, and where in `frames` every chunk lies,
            as (offset, length).
        frames: The chunks: photos as PNG, all else deflated (zlib).
    """

    head: dict[str, Any]
    frames: bytes

    def pack(self, **options: Any) -> bytes:  # noqa: ANN401
        """Return the length of the head (uint32, little-endian), the head, and the frames.

        Arguments:
            options: More entries of the head; JSON-ready.
        """
        identity = hashlib.blake2b(digest_size=12)
        identity.update(json.dumps(self.head, sort_keys=True).encode())
        identity.update(self.frames)
        head = json.dumps({**self.head, "id": identity.hexdigest(), **options}).encode()
        return struct.pack("<I", len(head)) + head + self.frames


def payload(runs: Sequence[NamedRecord], encoder: Encoder | None = None) -> Payload:
    """Write everything that the viewer needs of one or several runs.

    A step is one chunk: labels (H W), the codes of its maps (h w each) and S as bits, row by row,
    as differences from the step before except every `KEY_EVERY` steps. Log-probabilities
    (classes, h, w) come in chunks of their own behind all of these, for the browser to read last.

    Arguments:
        runs: At least one run, all on photos of one size.
        encoder: The encoder of an earlier state of the same runs.

    Raises:
        InputError: If there is no run, or if the photos differ in size.
    """
    if not runs:
        raise InputError("there is no run to show; give at least one.")
    sizes = list(dict.fromkeys(run.record.photo.shape[:2] for run in runs))
    if len(sizes) > 1:
        (h0, w0), (h1, w1) = sizes[:2]
        raise InputError(
            f"one viewer shows runs on photos of one size, but these are {w0} x {h0} and"
            f" {w1} x {h1} pixels; show them one after the other."
        )
    encoder = encoder or Encoder()
    encoder.begin()
    chunks = ChunkBuffer()
    entries = [_run(run, encoder, chunks) for run in runs]
    for run, entry in zip(runs, entries, strict=True):
        entry["probabilities"] = _probabilities(run.record, encoder, chunks)
    numbers = _numbers([run.record for run in runs])
    for run, entry in zip(runs, entries, strict=True):
        for number in numbers:  # of the weights of sizes, not every run has all
            entry["numbers"].setdefault(number["key"], [None] * len(run.record.steps))
    (height, width), *_ = sizes
    head = {
        "width": width,
        "height": height,
        "keyEvery": KEY_EVERY,
        "maxPins": MAX_PINS,
        "opacity": OPACITY,
        "threshold": THRESHOLD,
        "belowThreshold": maps.BELOW_THRESHOLD,
        "differentBackground": maps.DIFFERENT_BACKGROUND,
        "panels": _panels(runs),
        "defaultPanels": default_panels(runs),
        **_colours([run.record for run in runs]),
        "numbers": numbers,
        "runs": entries,
    }
    return Payload(head, chunks.bytes())


def _panels(runs: Sequence[NamedRecord]) -> list[dict[str, Any]]:
    return [
        {
            "id": name,
            "title": panel.title,
            "help": panel.help,
            "draws": panel.draws,
            "map": panel.map,
            "changes": panel.changes,
            "shared": panel.shared,
            "needsTruth": panel.needs_truth,
        }
        for name, panel in panels_of(runs).items()
    ]


def _colours(records: Sequence[Record]) -> dict[str, Any]:
    """Return the colours of classes, outcomes and maps."""
    names, palette = records[0].classes, records[0].palette
    present = sorted({id for record in records for id in maps.classes_in(record)})
    return {
        "classes": [
            {
                "id": id,
                "name": names[id] if id < len(names) else f"class {id}",
                "colour": palette[id].tolist(),
            }
            for id in present
        ],
        "names": list(names),
        "palette": palette[: len(names)].ravel().tolist(),
        "safePalette": maps.safe_palette(present, len(names), records[0].background)
        .ravel()
        .tolist(),
        "background": records[0].background,
        "ignore": {"id": IGNORE, "colour": palette[IGNORE].tolist()},
        "outcomes": [
            {"name": name, "colour": list(colour)} for name, colour in maps.OUTCOMES.items()
        ],
        "maps": {
            "probability": _map("probability", PROBABILITY, PROBABILITY_LIMITS),
            **{name: _map(name, MAPS[name], limits) for name, limits in _limits(records).items()},
        },
    }


def _map(name: str, term: Term, limits: tuple[float, float]) -> dict[str, Any]:
    return {
        "title": term.title,
        "unit": term.unit,
        "decimals": term.decimals,
        "table": maps.colour_table(name).ravel().tolist(),
        "limits": limits,
    }


def _limits(records: Sequence[Record]) -> dict[str, tuple[float, float]]:
    """Return the colour range over all records of each map that any of them has."""
    known = {name: [record for record in records if has_map(record, name)] for name in MAPS}
    return {
        name: _widest([maps.limits_of(getattr(record, name)) for record in having])
        for name, having in known.items()
        if having
    }


def _numbers(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return the numbers that any record has.

    Losses are left out if the objectives differ: they cannot be compared.
    """
    keys = {
        key
        for key in NUMBERS
        if any(value is not None for record in records for value in record.numbers(key))
    }
    if len({record.settings.method for record in records}) > 1:
        keys.discard("loss")
    weights = {key: title for record in records for key, title in _weight_titles(record).items()}
    known = NUMBERS | {key: Term(title, WEIGHT) for key, title in weights.items()}
    return [
        {
            "key": key,
            "title": term.title,
            "unit": term.unit,
            "decimals": term.decimals,
            "help": term.help,
        }
        for key, term in known.items()
        if key in keys or key in weights
    ]


def _run(run: NamedRecord, encoder: Encoder, chunks: ChunkBuffer) -> dict[str, Any]:
    record = run.record
    rows, columns = (_bytes(positions.astype("<f4")) for positions in record.positions)
    truth = encoder.deflate(_bytes(record.truth)) if has_truth(record) else None
    return {
        "name": run.name,
        "title": record.title,
        "scale": record.settings.scale,
        "grid": list(record.entropy.codes.shape[1:]),
        "maps": {name: _ranges(getattr(record, name)) for name in _maps(record)},
        "receptiveField": _receptive_field(record),
        "numbers": {key: record.numbers(key) for key in NUMBERS} | _weights(record),
        "photo": chunks.add(encoder.png(record.photo)),
        "truth": None if truth is None else chunks.add(truth),
        "rows": chunks.add(encoder.deflate(rows)),
        "columns": chunks.add(encoder.deflate(columns)),
        "steps": chunks.add_all(encoder.deflate_steps(_blocks(record))),
    }


def _probabilities(record: Record, encoder: Encoder, chunks: ChunkBuffer) -> dict[str, Any]:
    values = record.log_probabilities
    floor = Quantised.of(np.log(LIKELY), values.low, values.high).codes
    highest = values.codes.max(axis=(0, 2, 3))
    likely = np.flatnonzero(highest > floor)
    blocks = values.codes[:, likely].reshape(len(values), -1)
    return {
        "low": values.low,
        "high": values.high,
        "classes": likely.tolist(),
        "steps": chunks.add_all(encoder.deflate_steps(blocks)),
    }


def _blocks(record: Record) -> np.ndarray:
    """Return the maps of every step in a row, shape (T + 1, n), uint8."""
    count = len(record.steps)
    return np.concatenate(
        [
            record.labels.reshape(count, -1),
            *(getattr(record, name).codes.reshape(count, -1) for name in _maps(record)),
            np.packbits(record.selected.reshape(count, -1), axis=1),
        ],
        axis=1,
    )


def _maps(record: Record) -> list[str]:
    """Return the names of the maps that a record has, in the order of a step's chunk."""
    return [name for name in MAPS if has_map(record, name)]


def _weights(record: Record) -> dict[str, list[float | None]]:
    """Return the weight of each size over the steps, by the keys of `_weight_titles`."""
    rows = record.numbers("weights")
    keys = _weight_titles(record)
    return {key: [row and row[i] for row in rows] for i, key in enumerate(keys)}


def _weight_titles(record: Record) -> dict[str, str]:
    """Return the titles of the weights of a pyramid's views, the largest first."""
    s = record.settings
    if s.info.views not in DOUBLED:
        return {}
    views = views_of(s.info.views, s.scale * max(record.photo.shape[:2]))
    return {
        f"weight {view.factor * s.scale:.3g}{', mirrored' * view.mirrored}": (
            f"Weight of {view.factor * s.scale:.3g}x{', mirrored' * view.mirrored}"
        )
        for view in views
    }


def _ranges(values: Quantised) -> dict[str, Any]:
    """Return the range of the codes, and of every step the upper end of its colours."""
    tops = [maps.limits_of(values, step)[1] for step in range(len(values))]
    return {"low": values.low, "high": values.high, "tops": tops}


def _receptive_field(record: Record) -> dict[str, list[float]]:
    """Return receptive field sizes at some sigmas, both in input pixels.

    The size is linear in sigma below and above one feature pixel, so three points are all of it.
    """
    sigmas = np.array([0.0, 1.0, 2.0])
    sizes = extent(sigmas, record.stride)
    return {"sigmas": (record.stride * sigmas).tolist(), "sizes": sizes.tolist()}


def _widest(limits: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return min(low for low, _ in limits), max(high for _, high in limits)


def _bytes(values: np.ndarray | None) -> np.ndarray:
    return np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)

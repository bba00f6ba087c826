"""A record as one ZIP, and records read from files that anybody may have made."""

import io
import math
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ..data.classes import IGNORE
from ..errors import InputError
from .record import NUMBERS, Quantised, Record

__all__ = ["MAX_PACKED", "MAX_UNPACKED", "check", "read_record", "read_zip", "record_zip"]

MAX_PACKED = 64 << 20
"""Bytes of a ZIP, and of the .npz in it."""
MAX_UNPACKED = 256 << 20
"""Bytes of all arrays together."""

MAX_FACTS = 8 << 20
MAX_SIDE, MAX_STEPS, MAX_TEXT = 4096, 512, 400
AGAIN = "export the run again as a record"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


def record_zip(record: Record, stem: str = "record") -> bytes:
    """The record as one ZIP with `stem`.npz and `stem`.json in it."""
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(buffer, "w") as archive:
        for file in record.save(Path(folder) / stem):
            packed = zipfile.ZIP_DEFLATED if file.suffix == ".json" else zipfile.ZIP_STORED
            archive.write(file, file.name, packed)
    return buffer.getvalue()


def read_zip(data: bytes) -> Record:
    """The record in a ZIP that `record_zip` made, or that somebody says it made.

    Sizes are checked before anything is unpacked, nothing is unpickled, and `check` has the last
    word.

    Raises:
        InputError: If it is not the ZIP of one record, or is too large.
    """
    if len(data) > MAX_PACKED:
        raise InputError(
            f"the file has {_mib(len(data))}, but a record's ZIP may have {_mib(MAX_PACKED)};"
            " read larger records from the command line."
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            arrays, facts = _pair(archive)
            parts = {
                ".npz": _unpacked(archive, arrays, MAX_PACKED),
                ".json": _unpacked(archive, facts, MAX_FACTS),
            }
        with zipfile.ZipFile(io.BytesIO(parts[".npz"])) as archive:
            _check_arrays(archive)
    except _BROKEN as error:
        raise InputError(
            f"the file is not a readable ZIP of a record ({type(error).__name__}); {AGAIN}."
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        for suffix, part in parts.items():
            Path(folder, f"record{suffix}").write_bytes(part)
        return _loaded(Path(folder, "record"))


def read_record(path: Path) -> Record:
    """The record in a .npz and .json side by side (given either), or in a ZIP.

    Raises:
        InputError: If there is none, or it is damaged.
    """
    if path.suffix != ".zip":
        return _loaded(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the record {path} cannot be read ({error.strerror}); give a .zip, .npz or .json."
        ) from error
    return read_zip(data)


def check(record: Record) -> Record:
    """The same record, if its parts have the shapes, types and ranges that `Record` promises.

    Raises:
        InputError: If they do not.
    """
    try:
        for fault in _faults(record):
            raise InputError(f"the file is not a segviz record ({fault}); {AGAIN}.")
    except InputError:
        raise
    except (TypeError, AttributeError, LookupError, ValueError, OverflowError) as error:
        raise InputError(
            f"the file is not a segviz record ({type(error).__name__}); {AGAIN}."
        ) from error
    return record


def _loaded(path: Path) -> Record:
    try:
        return check(Record.load(path))
    except RecursionError as error:
        raise InputError(f"the .json of the record is nested too deeply; {AGAIN}.") from error


def _pair(archive: zipfile.ZipFile) -> tuple[zipfile.ZipInfo, zipfile.ZipInfo]:
    """The .npz and the .json."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if any("/" in name or "\\" in name for name in names):
        raise InputError(f"the ZIP holds folders, but a record's ZIP has none; {AGAIN}.")
    found = [
        [entry for entry in entries if entry.filename.lower().endswith(suffix)]
        for suffix in (".npz", ".json")
    ]
    if len(entries) != 2 or any(len(kind) != 1 for kind in found):
        raise InputError(
            f"the ZIP holds {len(entries)} files, but a record's ZIP holds one .npz and one .json;"
            f" {AGAIN}."
        )
    return found[0][0], found[1][0]


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    _check_size(entry, entry.file_size, most)
    with archive.open(entry) as file:
        return file.read(most)  # zipfile itself stops at the size the entry states


def _check_size(entry: zipfile.ZipInfo, size: int, most: int) -> None:
    if size > most:
        raise InputError(
            f"{entry.filename[:80]!r} unpacks to {_mib(size)}, but a record's may to {_mib(most)};"
            " export a run of fewer steps or a smaller scale."
        )


def _check_arrays(archive: zipfile.ZipFile) -> None:
    """Whether the arrays of an .npz are as large as they say, and not too large."""
    total = 0
    for entry in archive.infolist():
        total += entry.file_size
        _check_size(entry, total, MAX_UNPACKED)
        try:
            with archive.open(entry) as file:
                version = np.lib.format.read_magic(file)
                read = {
                    (1, 0): np.lib.format.read_array_header_1_0,
                    (2, 0): np.lib.format.read_array_header_2_0,
                }[version]
                shape, _, dtype = read(file)
        except (ValueError, KeyError) as error:
            raise InputError(f"{entry.filename[:80]!r} is not an array; {AGAIN}.") from error
        # numpy allocates what the header says before it looks at what there is.
        if dtype.hasobject or math.prod(shape) * dtype.itemsize > entry.file_size:
            raise InputError(f"{entry.filename[:80]!r} is not the array it says; {AGAIN}.")


def _faults(record: Record) -> list[str]:
    """What is wrong with a record."""
    height, width = record.photo.shape[:2]
    count, kinds = len(record.steps), len(record.classes)
    h, w = record.entropy.codes.shape[1:]
    arrays = {
        "photo": (record.photo, np.uint8, (height, width, 3)),
        "labels": (record.labels, np.uint8, (count, height, width)),
        "entropy": (record.entropy.codes, np.uint8, (count, h, w)),
        "sigma": (record.sigma.codes, np.uint8, (count, h, w)),
        "selected": (record.selected, np.bool_, (count, h, w)),
        "log_probabilities": (record.log_probabilities.codes, np.uint8, (count, kinds, h, w)),
        "rows": (record.positions[0], np.float32, (height,)),
        "columns": (record.positions[1], np.float32, (width,)),
    }
    if record.truth is not None:
        arrays["truth"] = (record.truth, np.uint8, (height, width))
    faults = [
        f"{name} is {array.dtype} {array.shape}"
        for name, (array, dtype, shape) in arrays.items()
        if array.dtype != dtype or array.shape != shape or 0 in shape
    ]
    if faults:
        return faults
    ids = np.arange(256)
    known = ids < kinds
    right = {
        "photo": max(height, width) <= MAX_SIDE,
        "steps": 1 <= count <= MAX_STEPS + 1
        and [step["step"] for step in record.steps] == list(range(count)),
        "numbers": all(_number(step[key]) for step in record.steps for key in NUMBERS),
        "classes": kinds < IGNORE and all(map(_text, record.classes)),
        "labels": known[record.labels].all(),
        "truth": record.truth is None or (known | (ids == IGNORE))[record.truth].all(),
        "reference": record.reference in (None, "truth", "1x prediction")
        and (record.reference is None) == (record.truth is None),
        "positions": all(np.isfinite(positions).all() for positions in record.positions),
        "ranges": all(map(_range, (record.entropy, record.sigma, record.log_probabilities))),
        "stride": type(record.stride) is int and record.stride >= 1,
        "title": _text(record.title),
        "settings": type(record.settings.centred) is bool,
        "times": record.forward_ms is not None and _number(record.forward_ms),
        "complete": type(record.complete) is bool,
        "environment": isinstance(record.environment, dict)
        and all(_text(key) and _fact(value) for key, value in record.environment.items()),
    }
    return [name for name, holds in right.items() if not holds]


def _number(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _text(value: object) -> bool:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        return False
    return value.encode("utf-8", "ignore").decode() == value  # JSON can hold half a character


def _fact(value: object) -> bool:
    return isinstance(value, bool) or _text(value) or _number(value)


def _range(values: Quantised) -> bool:
    ends = values.low, values.high
    return None not in ends and all(map(_number, ends)) and values.low < values.high


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"

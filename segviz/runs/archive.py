"""Pack a record as one ZIP, and read records from untrusted files."""

import io
import math
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from ..errors import InputError
from .record import Record

__all__ = ["MAX_PACKED", "MAX_UNPACKED", "read_record", "read_zip", "record_zip"]

MAX_PACKED = 64 << 20
"""The largest size of a ZIP, and of the .npz in it, in bytes."""
MAX_UNPACKED = 256 << 20
"""The largest size of all arrays together, in bytes."""

MAX_FACTS = 8 << 20
"""The largest size of the .json, in bytes."""

AGAIN = "export the run again as a record"
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)


def record_zip(record: Record, stem: str = "record") -> bytes:
    """Return the record as one ZIP with `stem`.npz and `stem`.json in it."""
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(buffer, "w") as archive:
        for file in record.save(Path(folder) / stem):
            packed = zipfile.ZIP_DEFLATED if file.suffix == ".json" else zipfile.ZIP_STORED
            archive.write(file, file.name, packed)
    return buffer.getvalue()


def read_zip(data: bytes) -> Record:
    """Return the record in a ZIP made by `record_zip`, or claimed to be.

    Sizes are checked before anything is unpacked, nothing is unpickled, and `Record.load`
    validates the content.

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
            _check_headers(archive)
    except BROKEN as error:
        raise InputError(
            f"the file is not a readable ZIP of a record ({type(error).__name__}); {AGAIN}."
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        for suffix, part in parts.items():
            Path(folder, f"record{suffix}").write_bytes(part)
        return Record.load(Path(folder, "record"))


def read_record(path: Path) -> Record:
    """Return the record in a .npz and .json side by side (given either), or in a ZIP.

    Raises:
        InputError: If there is none, or it is damaged.
    """
    if path.suffix != ".zip":
        return Record.load(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the record {path} cannot be read ({error.strerror}); give a .zip, .npz or .json."
        ) from error
    return read_zip(data)


def _pair(archive: zipfile.ZipFile) -> tuple[zipfile.ZipInfo, zipfile.ZipInfo]:
    """Return the entries of the .npz and the .json."""
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


def _check_headers(archive: zipfile.ZipFile) -> None:
    """Check that the arrays of an .npz are as large as their headers say, and not too large."""
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
        # NumPy allocates what the header says before it reads the data.
        if dtype.hasobject or math.prod(shape) * dtype.itemsize > entry.file_size:
            raise InputError(
                f"{entry.filename[:80]!r} is not the array that its header describes; {AGAIN}."
            )


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"

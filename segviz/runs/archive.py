"""Pack a record as one ZIP, and read records from untrusted files."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError, guard
from ..runtime.files import read_file
from . import npz
from .npz import MAX_UNPACKED
from .record import MAX_FACTS, Record

__all__ = [
    "MAX_PACKED",
    "MAX_UNPACKED",
    "read_files",
    "read_record",
    "read_zip",
    "record_zip",
]

MAX_PACKED = 64 << 20
"""The largest size of a ZIP, and of the .npz in it, in bytes."""

AGAIN = "export the run again as a record"


def record_zip(record: Record, stem: str = "record") -> bytes:
    """Return the record as one ZIP with `stem`.npz and `stem`.json in it.

    Raises:
        InputError: If it would be larger than `read_zip` reads.
    """
    arrays, facts = record.encode()
    packed, buffer = io.BytesIO(), io.BytesIO()
    npz.write_arrays(packed, arrays)
    size = sum(array.nbytes for array in arrays.values())
    for found, limit in ((len(packed.getbuffer()), MAX_PACKED), (size, MAX_UNPACKED)):
        if found > limit:
            raise InputError(
                f"the record has {_mib(found)}, but a record's ZIP may have {_mib(limit)}; keep its"
                " .npz and .json, which the command line reads, or make a run of fewer steps."
            )
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{stem}.npz", packed.getvalue(), zipfile.ZIP_STORED)
        archive.writestr(f"{stem}.json", facts, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def read_zip(data: bytes) -> Record:
    """Return the record in a ZIP made by `record_zip`, or claimed to be.

    Sizes are checked before anything is unpacked, nothing is unpickled, and `Record.decode`
    validates the content.

    Raises:
        InputError: If it is not the ZIP of one record, or is too large.
    """
    if len(data) > MAX_PACKED:
        raise InputError(
            f"the file has {_mib(len(data))}, but a record's ZIP may have {_mib(MAX_PACKED)};"
            " read larger records from the command line."
        )
    with (
        guard("the file is not a readable ZIP of a record", AGAIN),
        zipfile.ZipFile(io.BytesIO(data)) as archive,
    ):
        arrays, facts = _pair(archive)
        packed = _unpacked(archive, arrays, MAX_PACKED)
        text = _unpacked(archive, facts, MAX_FACTS)
    return Record.decode(io.BytesIO(packed), text, MAX_UNPACKED, "the file")


def read_files(files: Mapping[str, bytes]) -> dict[str, Record]:
    """Return the records among uploaded files, by name: ZIPs, and pairs of .npz and .json.

    Files of other kinds, such as the pictures in a folder of `segviz run --out`, are left out.

    Arguments:
        files: The bytes of each file, by its name; folders in names are kept apart.

    Raises:
        InputError: If there is no record, or one is damaged or too large.
    """
    found: dict[str, Record] = {}
    for name, data in files.items():
        stem, dot, suffix = name.rpartition(".")
        if suffix.lower() == "zip":
            found[stem] = read_zip(data)
        elif suffix.lower() == "npz" and f"{stem}{dot}json" in files:
            facts = files[f"{stem}{dot}json"]
            if max(len(data), len(facts)) > MAX_PACKED:
                raise InputError(
                    f"{name[:80]!r} has {_mib(len(data))}, but a record's may have"
                    f" {_mib(MAX_PACKED)}; read larger records from the command line."
                )
            shown = stem.rpartition("/")[2][:80]
            found[stem] = Record.decode(io.BytesIO(data), facts, MAX_UNPACKED, shown)
    if not found:
        raise InputError(
            f"there is no record among the {len(files)} files; give the ZIP of a record, or its"
            " .npz and .json together, as segviz run --out writes them."
        )
    return found


def read_record(path: Path) -> Record:
    """Return the record in a .npz and .json side by side (given either), or in a ZIP.

    Raises:
        InputError: If there is none, or it is damaged.
    """
    if path.suffix.lower() != ".zip":
        return Record.load(path)
    return read_zip(read_file(path, "the record", MAX_PACKED, "give a .zip, .npz or .json"))


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
    if entry.file_size > most:
        raise InputError(
            f"{entry.filename[:80]!r} unpacks to {_mib(entry.file_size)}, but a record's may to"
            f" {_mib(most)}; export a run of fewer steps or a smaller scale."
        )
    with archive.open(entry) as file:
        return file.read(most)  # zipfile itself stops at the size the entry states


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"

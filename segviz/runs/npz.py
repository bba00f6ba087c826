"""Read and write the arrays of a record: .npz files, which need not be trusted."""

import hashlib
import io
import math
import zipfile
from collections.abc import Iterable, Mapping
from typing import BinaryIO

import numpy as np

from ..errors import InputError

__all__ = ["MAX_UNPACKED", "digest", "max_unpacked", "read_arrays", "write_arrays"]

MAX_UNPACKED = 256 << 20
"""The largest size of all arrays together in bytes, where the file may be small."""

RATIO = 50
"""For large files the limit grows by this many bytes for each byte of the file; maps of real runs
are packed to a fifth or a tenth."""


def max_unpacked(packed: int) -> int:
    """Return the largest size of all arrays together in a file of `packed` bytes."""
    return MAX_UNPACKED + RATIO * packed


def write_arrays(file: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as a compressed .npz."""
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def read_arrays(
    file: BinaryIO, names: Iterable[str], dtypes: Iterable[str], limit: int
) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz; sizes are checked first, and nothing is unpickled.

    Arguments:
        file: The .npz, opened for reading.
        names: The names that arrays may have.
        dtypes: The types that they may have.
        limit: The largest size of all arrays together, in bytes.

    Raises:
        InputError: If the arrays are larger, or one is not what its header describes.
        Exception: Whatever zipfile and NumPy raise on damaged files.
    """
    known, types, total = set(names), set(dtypes), 0
    arrays = {}
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        for entry in entries:
            total += entry.file_size
            if total > limit:
                raise InputError(
                    f"{entry.filename[:80]!r} unpacks to {_mib(total)}, but a record's may to"
                    f" {_mib(limit)}; export a run of fewer steps or a smaller scale."
                )
        for entry in entries:
            name = entry.filename.removesuffix(".npy")
            if name in arrays:
                raise ValueError(f"there are two arrays {name[:80]!r}")
            if name not in known or name == entry.filename:
                raise ValueError(f"there is an unknown array {entry.filename[:80]!r}")
            with archive.open(entry) as member:
                arrays[name] = _read_array(member.read(entry.file_size), entry.filename, types)
    return arrays


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 over names, types, shapes and values of arrays."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype} {array.shape}\n".encode())
        found.update(array.data)
    return found.hexdigest()


def _read_array(data: bytes, name: str, dtypes: set[str]) -> np.ndarray:
    """Return an array in NumPy's format; what the header says is checked against the data."""
    file = io.BytesIO(data)
    try:
        read = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[np.lib.format.read_magic(file)]
        shape, fortran, dtype = read(file)
    except Exception as error:  # NumPy parses the header as Python
        raise ValueError(f"{name[:80]!r} is not an array") from error
    # NumPy allocates what the header says before it reads the data.
    if str(dtype) not in dtypes or math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise ValueError(f"{name[:80]!r} is not the array that its header describes")
    values = np.frombuffer(data, dtype, offset=file.tell())
    return values.reshape(shape, order="F" if fortran else "C").copy()  # torch wants it writable


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"

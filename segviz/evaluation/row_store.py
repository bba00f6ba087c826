"""Store the measurements of single images in SQLite files.

A folder holds one file for each process that ever wrote to it, `rows-0.sqlite`, `rows-1.sqlite`
and so on, so that no file has two writers; reads cover all of them. A row is one image at one scale
after `step` updates of one method, on the network with that SHA-256. A row is used again only if
photo and mask, network, gate, numerics, engine and precision are the same. The rows of one image
and scale are written in one transaction, so a kill never leaves a part of them.
"""

import math
import sqlite3
from collections.abc import Container, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta

from ..adapt.method import split_spelling
from ..adapt.methods import METHODS
from ..errors import InputError
from ..version import NUMERICS

__all__ = ["EpisodeRow", "RowKey", "RowStore", "reads_gate"]

VERSION = 2
"""The version of the schema, SQLite's `user_version`; other files are refused."""

SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS rows (
    sha256 TEXT,       -- of the network's weights
    gate TEXT,         -- hash of the network's gate; '' if the method does not read it
    numerics INTEGER,  -- segviz.version.NUMERICS
    engine TEXT, precision TEXT,
    image TEXT,        -- id of the image, with a hash of photo and mask
    scale REAL, method TEXT, variables TEXT, step INTEGER,
    matrix TEXT,     -- JSON: [[truth, prediction, pixels], ...] at the photo's own resolution
    entropy REAL,    -- mean over the feature pixels, nats
    sigma REAL,      -- mean over the feature pixels, input pixels
    seconds REAL,    -- forward pass and updates
    bins TEXT,       -- JSON: calibration bins; NULL where they were not measured
    PRIMARY KEY (
        sha256, gate, numerics, engine, precision, image, scale, method, variables, step
    )
);
CREATE TABLE IF NOT EXISTS failures (
    sha256 TEXT, image TEXT, reason TEXT, PRIMARY KEY (sha256, image)
);
PRAGMA user_version = {VERSION};
COMMIT;
"""

OWN = "sha256 = ? AND gate IN ('', ?) AND numerics = ? AND engine = ? AND precision = ?"
"""The condition on rows that an evaluation may use."""

Count = Annotated[int, Meta(ge=0, lt=2**62)]
SparseMatrix = list[tuple[Count, Count, Count]]
"""The entries of a confusion matrix that are not 0: truth, prediction, pixels."""
KeyColumns = tuple[float, str, str, Count]
RowColumns = tuple[float, str, str, Count, str, float | None, float | None, float | None]


@dataclass(frozen=True, order=True)
class RowKey:
    """The key of a row among those of one image and network.

    Arguments:
        scale: The resize factor.
        method: The canonical spelling of the method.
        variables: The adapted parameters; "" without updates.
        step: The number of updates.
    """

    scale: float
    method: str
    variables: str
    step: int


@dataclass(frozen=True)
class EpisodeRow:
    """The measurement of one image.

    Arguments:
        key: The key.
        matrix: Confusion matrix at the photo's resolution, shape (K, K), int64, row = truth.
        entropy: Mean entropy over the feature pixels, in nats.
        sigma: Mean sigma over the feature pixels, in input pixels.
        seconds: Duration of forward pass and updates.
    """

    key: RowKey
    matrix: np.ndarray
    entropy: float
    sigma: float
    seconds: float


class RowStore:
    """The rows of one network in a folder.

    Arguments:
        folder: Created if it does not exist.
        sha256: The hash of the network; rows of other networks may be in the same folder.
        classes: The number of classes K.
        worker: The number of this process, which writes to a file of its own.
        gate: The hash of the network's gate, "" if it has none.
        engine: What runs the frozen part of the network.
        precision: The arithmetic of the frozen part.

    Raises:
        InputError: If the folder or a file in it cannot be used, such as one of another version.
    """

    def __init__(
        self,
        folder: Path,
        sha256: str,
        classes: int,
        worker: int = 0,
        gate: str = "",
        engine: str = "torch",
        precision: str = "float32",
    ) -> None:
        self.folder = folder
        self.sha256 = sha256
        self.classes = classes
        self.gate = gate
        self._origin = sha256, gate, NUMERICS, engine, precision
        self._last_rowid: dict[Path, int] = {}
        self._matrices: dict[str, np.ndarray] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in self._files():
                _check_version(path)
            self._own = sqlite3.connect(folder / f"rows-{worker}.sqlite", timeout=60)
            self._own.executescript(SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"rows cannot be kept in the folder {folder} ({error}); choose another folder, with"
                " --out or --rows on the command line."
            ) from error

    def close(self) -> None:
        """Close the file of this process."""
        self._own.close()

    def add(self, image: str, rows: Sequence[EpisodeRow]) -> None:
        """Store rows of an image in one transaction.

        Raises:
            InputError: If they cannot be written.
        """
        values = []
        for row in rows:
            sha256, gate, *origin = self._origin
            own = sha256, gate if reads_gate(row.key.method) else "", *origin
            key = (row.key.scale, row.key.method, row.key.variables, row.key.step)
            numbers = (_sparse(row.matrix), row.entropy, row.sigma, row.seconds)
            values.append((*own, image, *key, *numbers, None))
        places = ", ".join("?" * len(values[0])) if values else ""
        with self._transaction():
            self._own.executemany(f"INSERT OR REPLACE INTO rows VALUES ({places})", values)

    def fail(self, image: str, reason: str) -> None:
        """Store why an image could not be measured; the next evaluation tries it again."""
        with self._transaction():
            self._own.execute(
                "INSERT OR REPLACE INTO failures VALUES (?, ?, ?)", (self.sha256, image, reason)
            )

    def keys(self, image: str) -> set[RowKey]:
        """Return the keys of an image's rows in all files."""
        query = f"SELECT scale, method, variables, step FROM rows WHERE {OWN} AND image = ?"
        return {
            RowKey(*values)
            for path in self._files()
            for values in _select(path, query, (*self._origin, image), KeyColumns)
        }

    def rows(self, image: str) -> dict[RowKey, EpisodeRow]:
        """Return the rows of an image in all files."""
        query = (
            "SELECT scale, method, variables, step, matrix, entropy, sigma, seconds FROM rows"
            f" WHERE {OWN} AND image = ?"
        )
        found = {}
        for path in self._files():
            for values in _select(path, query, (*self._origin, image), RowColumns):
                key, matrix = RowKey(*values[:4]), self._dense(values[4], path)
                found[key] = EpisodeRow(key, matrix, *map(_number, values[5:]))
        return found

    def failures(self) -> dict[str, str]:
        """Return the reasons of failures by image; some may have been measured since."""
        query = "SELECT image, reason FROM failures WHERE sha256 = ?"
        return dict(
            values
            for path in self._files()
            for values in _select(path, query, (self.sha256,), tuple[str, str])
        )

    def running_confusion(self, key: RowKey, images: Container[str]) -> np.ndarray:
        """Return the sum of the confusion matrices of a key over the images so far.

        Each call reads only the rows added since the last, so all calls must have the same
        arguments.

        Returns:
            Shape (K, K), int64.
        """
        query = (
            f"SELECT rowid, image, matrix FROM rows WHERE rowid > ? AND {OWN}"
            " AND scale = ? AND method = ? AND variables = ? AND step = ? ORDER BY rowid"
        )
        values = (*self._origin, key.scale, key.method, key.variables, key.step)
        for path in self._files():
            last = self._last_rowid.get(path, 0)
            for rowid, image, matrix in _select(path, query, (last, *values), tuple[int, str, str]):
                self._last_rowid[path] = rowid
                if image in images:
                    self._matrices[image] = self._dense(matrix, path)
        zero = np.zeros((self.classes, self.classes), np.int64)
        return sum(self._matrices.values(), start=zero)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._own:
                yield
        except sqlite3.Error as error:
            raise InputError(
                f"rows cannot be written to the folder {self.folder} ({error});"
                " make room and run the same command again."
            ) from error

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("rows-*.sqlite"))

    def _dense(self, text: str, path: Path) -> np.ndarray:
        matrix = np.zeros((self.classes, self.classes), np.int64)
        try:
            for truth, prediction, pixels in msgspec.json.decode(text, type=SparseMatrix):
                matrix[truth, prediction] = pixels
        except (msgspec.DecodeError, IndexError) as error:
            raise _not_rows(path, error) from error
        return matrix


def _select(path: Path, query: str, values: tuple[Any, ...], columns: Any) -> list[Any]:  # noqa: ANN401
    """Return the rows of a query, each validated as `columns`."""
    try:
        with closing(sqlite3.connect(path, timeout=60)) as file:
            # Another process may have created the file, but not yet its tables.
            if not file.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                return []
            return msgspec.convert(file.execute(query, values).fetchall(), list[columns])
    except (sqlite3.Error, msgspec.ValidationError) as error:
        raise _not_rows(path, error) from error


def _check_version(path: Path) -> None:
    """Refuse a file of rows of another version.

    Raises:
        InputError: With the remedy.
    """
    try:
        with closing(sqlite3.connect(path, timeout=60)) as file:
            tables = file.execute("SELECT 1 FROM sqlite_master WHERE name = 'rows'").fetchone()
            (version,) = file.execute("PRAGMA user_version").fetchone()
    except sqlite3.Error:
        return  # whoever reads or writes the file says what is wrong
    if tables and version != VERSION:
        raise InputError(
            f"{path} holds rows of version {version}, but this segviz writes {VERSION}; move it"
            " away or choose another folder."
        )


def reads_gate(method: str) -> bool:
    """Return whether the prediction of a method depends on the network's gate."""
    try:
        return "gate" in METHODS[split_spelling(method)[0]].combination
    except InputError:  # a variant that only a benchmark knows
        return False


def _not_rows(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} is not a file of rows ({error}); move it away or choose another folder."
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else value  # SQLite has no NaN


def _sparse(matrix: np.ndarray) -> str:
    truth, prediction = np.nonzero(matrix)
    triples = np.stack([truth, prediction, matrix[truth, prediction]], axis=1)
    return msgspec.json.encode(triples.tolist()).decode()

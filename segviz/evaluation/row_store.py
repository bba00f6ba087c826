"""Store the measurements of single images in SQLite files.

A folder holds one file for each process that ever wrote to it, `rows-0.sqlite`, `rows-1.sqlite`
and so on, so that no file has two writers; reads cover all of them. A row is one image at one scale
after `step` updates of one method, on the network with that SHA-256. A row is used again only if
photo and mask, network, gate, numerics, engine and precision are the same. The rows of one image
and scale are written in one transaction, so a kill never leaves a part of them.
"""

import math
import re
import sqlite3
import time
from collections.abc import Callable, Container, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np
from msgspec import Meta

from ..adapt.method import split_spelling
from ..adapt.methods import METHODS
from ..errors import InputError, guard, printable, reason_of
from ..runtime.files import check_regular
from ..version import NUMERICS
from .calibration import CalibrationBins

__all__ = ["EpisodeRow", "RowKey", "RowStore", "reads_gate"]

VERSION = 2
"""The version of the schema, SQLite's `user_version`; other files are refused."""

TIMEOUT = 60.0
"""Seconds to wait for another process that writes to the same file."""

POLL = 0.2
"""Seconds of each wait, which Ctrl-C does not interrupt."""

MOVE = "move it away or choose another folder"

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

_ResultT = TypeVar("_ResultT")

Count = Annotated[int, Meta(ge=0, le=10**12)]
SparseMatrix = list[tuple[Count, Count, Count]]
"""The entries of a confusion matrix that are not 0: truth, prediction, pixels."""
KeyColumns = tuple[float, str, str, Count]
Number = float | None
RowColumns = tuple[float, str, str, Count, str, Number, Number, Number, str | None]


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
        bins: What calibration is computed from; None where it was not measured.
    """

    key: RowKey
    matrix: np.ndarray
    entropy: float
    sigma: float
    seconds: float
    bins: CalibrationBins | None = None


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
                _check_file(path)
            self._own = sqlite3.connect(folder / f"rows-{worker}.sqlite", timeout=POLL)
            _retry(lambda: self._own.executescript(SCHEMA))
        except InputError as error:
            raise InputError(f"rows cannot be kept in the folder {folder}: {error}") from error
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
            bins = None if row.bins is None else row.bins.to_json()
            values.append((*own, image, *key, *numbers, bins))
        places = ", ".join("?" * len(values[0])) if values else ""
        self._write(f"INSERT OR REPLACE INTO rows VALUES ({places})", values)

    def fail(self, image: str, reason: str) -> None:
        """Store why an image could not be measured; the next evaluation tries it again."""
        values = (self.sha256, image, printable(reason))
        self._write("INSERT OR REPLACE INTO failures VALUES (?, ?, ?)", [values])

    def keys(self, image: str, calibrated: bool = False) -> set[RowKey]:
        """Return the keys of an image's rows in all files; if asked, of those with bins alone."""
        query = f"SELECT scale, method, variables, step FROM rows WHERE {OWN} AND image = ?"
        query += " AND bins IS NOT NULL" if calibrated else ""
        return {
            RowKey(*values)
            for path in self._files()
            for values in _select(path, query, (*self._origin, image), KeyColumns)
        }

    def rows(self, image: str) -> dict[RowKey, EpisodeRow]:
        """Return the rows of an image in all files."""
        query = (
            "SELECT scale, method, variables, step, matrix, entropy, sigma, seconds, bins FROM rows"
            f" WHERE {OWN} AND image = ?"
        )
        found = {}
        for path in self._files():
            for values in _select(path, query, (*self._origin, image), RowColumns):
                key, matrix = RowKey(*values[:4]), self._dense(values[4], path)
                entropy, sigma, seconds = map(_number, values[5:8])
                bins = _read_bins(values[8], path)
                row = EpisodeRow(key, matrix, entropy, sigma, seconds, bins)
                # Of two files, the row with bins was measured later.
                if key not in found or row.bins is not None:
                    found[key] = row
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

    def _write(self, statement: str, values: Sequence[tuple[Any, ...]]) -> None:
        """Execute a statement for each of the values, in one transaction."""

        def transaction() -> None:
            with self._own:
                self._own.executemany(statement, values)

        try:
            _retry(transaction)
        except sqlite3.Error as error:
            raise InputError(
                f"rows cannot be written to the folder {self.folder} ({error});"
                " make room and run the same command again."
            ) from error

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("rows-*.sqlite"))

    def _dense(self, text: str, path: Path) -> np.ndarray:
        matrix = np.zeros((self.classes, self.classes), np.int64)
        with _guard(path):
            for truth, prediction, pixels in msgspec.json.decode(text, type=SparseMatrix):
                matrix[truth, prediction] = pixels
        return matrix


def _read_bins(text: str | None, path: Path) -> CalibrationBins | None:
    with _guard(path):
        return None if text is None else CalibrationBins.from_json(text)


def _select(path: Path, query: str, values: tuple[Any, ...], columns: Any) -> list[Any]:  # noqa: ANN401
    """Return the rows of a query, each validated as `columns`."""
    with _guard(path), closing(_connect(path)) as file:
        # Another process may have created the file, but not yet its tables.
        if not _retry(lambda: file.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()):
            return []
        found = _retry(lambda: file.execute(query, values).fetchall())
        return msgspec.convert(found, list[columns])


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file that need not be trusted for reading."""
    check_regular(path, "the rows", MOVE)
    file = sqlite3.connect(path, timeout=POLL)
    file.execute("PRAGMA trusted_schema = OFF")
    file.execute("PRAGMA cell_size_check = ON")
    return file


def _check_file(path: Path) -> None:
    """Refuse a file of rows that is damaged, or of another version or schema.

    Raises:
        InputError: With the remedy.
    """
    with _guard(path), closing(_connect(path)) as file:
        found = _retry(lambda: _objects(file))
        (version,) = file.execute("PRAGMA user_version").fetchone()
        if not found:
            return  # just created by another process, or empty
        if version != VERSION:
            raise InputError(
                f"{path} holds rows of version {version}, but this segviz writes {VERSION}; {MOVE}."
            )
        with closing(sqlite3.connect(":memory:")) as empty:
            empty.executescript(SCHEMA)
            # Views, triggers and computed columns could do anything.
            if found != _objects(empty):
                raise InputError(f"{path} has other tables than rows have; {MOVE}.")
        (state,) = _retry(lambda: file.execute("PRAGMA quick_check(1)").fetchone())
        if state != "ok":
            raise InputError(f"{path} is damaged ({reason_of(ValueError(state))}); {MOVE}.")


def _objects(file: sqlite3.Connection) -> list[tuple[str, ...]]:
    """Return the tables and indices of a file, without the layout of their SQL."""
    query = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY name"
    return [
        (*names, " ".join(re.sub("--.*", "", sql).split()).replace("( ", "(").replace(" )", ")"))
        for *names, sql in file.execute(query)
    ]


def _retry(action: Callable[[], _ResultT]) -> _ResultT:
    """Return the result of an action, which is repeated while another process holds the file.

    SQLite's own wait could not be interrupted by Ctrl-C.
    """
    end = time.monotonic() + TIMEOUT
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise


def _guard(path: Path) -> AbstractContextManager[None]:
    return guard(f"{path} is not a file of rows", MOVE)


def reads_gate(method: str) -> bool:
    """Return whether the prediction of a method depends on the network's gate."""
    try:
        return "gate" in METHODS[split_spelling(method)[0]].combination
    except InputError:  # a variant that only a benchmark knows
        return False


def _number(value: float | None) -> float:
    return math.nan if value is None else value  # SQLite has no NaN


def _sparse(matrix: np.ndarray) -> str:
    truth, prediction = np.nonzero(matrix)
    triples = np.stack([truth, prediction, matrix[truth, prediction]], axis=1)
    return msgspec.json.encode(triples.tolist()).decode()

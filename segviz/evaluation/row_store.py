"""What an evaluation measured, kept on disk row by row: SQLite files that any tool can open.

A folder holds one file for each process that ever wrote to it, `rows-0.sqlite`, `rows-1.sqlite`
and so on, so that no file has two writers; reading looks at all of them. A row is one image at one
scale after `step` updates of one method on some variables, on the network of that SHA-256. Rows of
one image and scale are written in one transaction: after a kill they are there or not, never half.
"""

import json
import math
import sqlite3
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError

__all__ = ["EpisodeRow", "RowKey", "RowStore"]

TABLES = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS rows (
    sha256 TEXT, image TEXT, scale REAL, method TEXT, variables TEXT, step INTEGER,
    matrix TEXT,     -- JSON: [[truth, prediction, pixels], ...] at the photo's own resolution
    entropy REAL,    -- mean over the feature pixels, nats
    sigma REAL,      -- mean over the feature pixels, input pixels
    seconds REAL,    -- forward pass and updates
    PRIMARY KEY (sha256, image, scale, method, variables, step)
);
CREATE TABLE IF NOT EXISTS failures (
    sha256 TEXT, image TEXT, reason TEXT, PRIMARY KEY (sha256, image)
);
COMMIT;
"""


@dataclass(frozen=True, order=True)
class RowKey:
    """What is measured on an image: a scale, a method, its variables, a step."""

    scale: float
    method: str
    variables: str
    step: int


@dataclass(frozen=True)
class EpisodeRow:
    """What one image gave.

    Arguments:
        key: What was measured.
        matrix: Confusion matrix at the photo's resolution, shape (K, K), int64, row = truth.
        entropy: The mean entropy over the feature pixels, in nats.
        sigma: The mean sigma over the feature pixels, in input pixels.
        seconds: Time of the forward pass and the updates.
    """

    key: RowKey
    matrix: np.ndarray
    entropy: float
    sigma: float
    seconds: float


class RowStore:
    """The rows of one network in a folder.

    Arguments:
        folder: Made if it is not there.
        sha256: The network's hash; rows of other networks may lie in the same folder.
        classes: The number of classes K.
        worker: Which process this is; it writes to a file of its own.

    Raises:
        InputError: If the folder or a file in it cannot be used.
    """

    def __init__(self, folder: Path, sha256: str, classes: int, worker: int = 0) -> None:
        self.folder = folder
        self.sha256 = sha256
        self.classes = classes
        self._seen: dict[Path, int] = {}
        self._running: dict[str, np.ndarray] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._own = sqlite3.connect(folder / f"rows-{worker}.sqlite", timeout=60)
            self._own.executescript(TABLES)
        except (OSError, sqlite3.Error) as error:
            raise InputError(
                f"rows cannot be kept in the folder {folder} ({error}); choose another folder, with"
                " --out or --rows on the command line."
            ) from error

    def close(self) -> None:
        """Let the files go."""
        self._own.close()

    def add(self, image: str, rows: Sequence[EpisodeRow]) -> None:
        """Keep the rows of an image: all of them, or none if the process ends now.

        Raises:
            InputError: If the disk is full or the folder gone.
        """
        values = []
        for r in rows:
            what = (r.key.scale, r.key.method, r.key.variables, r.key.step)
            found = (_sparse(r.matrix), r.entropy, r.sigma, r.seconds)
            values.append((self.sha256, image, *what, *found))
        with self._writing():
            self._own.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values
            )

    def fail(self, image: str, reason: str) -> None:
        """Keep why an image could not be measured; it is tried again by the next evaluation."""
        with self._writing():
            self._own.execute(
                "INSERT OR REPLACE INTO failures VALUES (?, ?, ?)", (self.sha256, image, reason)
            )

    def keys(self, image: str) -> set[RowKey]:
        """What is there of an image, whoever wrote it."""
        query = "SELECT scale, method, variables, step FROM rows WHERE sha256 = ? AND image = ?"
        return {RowKey(*found) for found in self._query(query, (self.sha256, image))}

    def rows(self, image: str) -> dict[RowKey, EpisodeRow]:
        """The rows of an image, whoever wrote them."""
        query = (
            "SELECT scale, method, variables, step, matrix, entropy, sigma, seconds FROM rows"
            " WHERE sha256 = ? AND image = ?"
        )
        found = (
            EpisodeRow(RowKey(*values[:4]), self._dense(values[4]), *map(_number, values[5:]))
            for values in self._query(query, (self.sha256, image))
        )
        return {row.key: row for row in found}

    def failures(self) -> dict[str, str]:
        """Why images could not be measured, by image; some may have been since."""
        query = "SELECT image, reason FROM failures WHERE sha256 = ?"
        return dict(self._query(query, (self.sha256,)))

    def running_confusion(self, key: RowKey, images: Container[str]) -> np.ndarray:
        """The sum of a key's confusion matrices over those images so far, shape (K, K), int64.

        Reads only what was added since it was last asked, so key and images must stay the same.
        """
        query = (
            "SELECT rowid, image, matrix FROM rows WHERE rowid > ? AND sha256 = ?"
            " AND scale = ? AND method = ? AND variables = ? AND step = ? ORDER BY rowid"
        )
        values = (self.sha256, key.scale, key.method, key.variables, key.step)
        for path in self._files():
            for rowid, image, matrix in _ask(path, query, (self._seen.get(path, 0), *values)):
                self._seen[path] = rowid
                if image in images:
                    self._running[image] = self._dense(matrix)
        none = np.zeros((self.classes, self.classes), np.int64)
        return sum(self._running.values(), start=none)

    @contextmanager
    def _writing(self) -> Iterator[None]:
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

    def _query(self, query: str, values: tuple) -> Iterable[tuple]:
        for path in self._files():
            yield from _ask(path, query, values)

    def _dense(self, text: str) -> np.ndarray:
        matrix = np.zeros((self.classes, self.classes), np.int64)
        for truth, prediction, pixels in json.loads(text):
            matrix[truth, prediction] = pixels
        return matrix


def _ask(path: Path, query: str, values: tuple) -> list[tuple]:
    try:
        with closing(sqlite3.connect(path, timeout=60)) as file:
            # A peer has made its file, but not yet the tables in it.
            if not file.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                return []
            return file.execute(query, values).fetchall()
    except sqlite3.Error as error:
        raise InputError(
            f"{path} is not a file of rows ({error}); move it away or choose another folder."
        ) from error


def _number(value: float | None) -> float:
    return math.nan if value is None else value  # SQLite has no NaN


def _sparse(matrix: np.ndarray) -> str:
    truth, prediction = np.nonzero(matrix)
    triples = zip(truth, prediction, matrix[truth, prediction], strict=True)
    return json.dumps([[int(value) for value in triple] for triple in triples])

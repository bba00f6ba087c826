"""The runs of the visits, within limits of number and memory; the oldest are evicted."""

import threading
import weakref
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import msgspec

from ..adapt import Settings
from ..errors import InputError
from ..runs.record import Record
from .limits import MAX_TOTAL_BYTES
from .visit_store import MAX_NAME, RunFacts, VisitFolder

__all__ = ["MAX_BYTES", "MAX_RUNS", "History", "HistoryPool", "record_bytes"]

Thumbnail = bytes  # within History, bytes is the size

MAX_RUNS = 100
MAX_BYTES = 200_000_000


def record_bytes(record: Record) -> int:
    """Return the size of a record's arrays in bytes."""
    maps = (record.entropy, record.sigma, record.log_probabilities, record.sizes)
    codes = [quantised.codes for quantised in maps if quantised is not None]
    others = [record.photo, record.labels, record.selected]
    others += [] if record.truth is None else [record.truth]
    return sum(array.nbytes for array in (*others, *codes))


class HistoryPool:
    """The histories of all visits, within a limit of all their records together.

    Records are evicted where the limit is exceeded: first those of visits that have gone, then the
    oldest of the largest history.

    Arguments:
        max_bytes: The largest size of all records together; the newest stays whatever its size.
    """

    def __init__(self, max_bytes: int = MAX_TOTAL_BYTES) -> None:
        self.max_bytes = max_bytes
        self.lock = threading.RLock()
        self._histories: weakref.WeakSet[History] = weakref.WeakSet()

    @property
    def bytes(self) -> int:
        """The size of all records in bytes."""
        with self.lock:
            return sum(history.bytes for history in self._histories)

    def add(self, history: "History") -> None:
        """Add a history, whose records count from now on."""
        with self.lock:
            self._histories.add(history)

    def make_room(self, newest: "History") -> None:
        """Evict records until the limit is kept.

        Arguments:
            newest: The history whose newest record stays.
        """
        with self.lock:
            for history in list(self._histories):
                if history is not newest and not history.is_wanted():
                    history.clear()
            while self.bytes > self.max_bytes:
                full = [each for each in self._histories if each.loaded > (each is newest)]
                if not full:
                    return
                max(full, key=lambda history: history.bytes).evict()


class History:
    """The runs of a visit; records that are on disk are read when they are needed.

    Arguments:
        max_runs: The largest number of runs.
        max_bytes: The largest size of the records in memory; the newest stays whatever its size.
        pool: Limits the records of all visits together; None = no limit.
        is_wanted: Whether the visitor is still there.
        folder: Where the runs are kept; None = in memory only.
    """

    def __init__(
        self,
        max_runs: int = MAX_RUNS,
        max_bytes: int = MAX_BYTES,
        pool: HistoryPool | None = None,
        is_wanted: Callable[[], bool] = lambda: True,
        folder: VisitFolder | None = None,
    ) -> None:
        self.max_runs = max_runs
        self.is_wanted = is_wanted
        self._pool = pool or HistoryPool(max_bytes)
        self._pool.add(self)
        self.max_bytes = max_bytes
        self.evicted = 0
        self._folder = folder
        runs = folder.runs() if folder is not None else []
        self._runs: dict[str, RunFacts] = {run.id: run for run in runs}
        self._records: dict[str, Record] = {}
        self._saved = set(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def __contains__(self, id: str) -> bool:
        return id in self._runs

    @property
    def runs(self) -> list[RunFacts]:
        """The runs, newest first."""
        with self._pool.lock:
            return list(self._runs.values())[::-1]

    @property
    def bytes(self) -> int:
        """The size of the records in memory in bytes."""
        return sum(map(record_bytes, list(self._records.values())))

    @property
    def loaded(self) -> int:
        """The number of records in memory."""
        return len(self._records)

    def get(self, id: str) -> RunFacts | None:
        """Return the facts of a run; None if it was evicted."""
        return self._runs.get(id)

    def record(self, id: str) -> Record | None:
        """Return the record of a run; None if it was evicted, or its file is gone or damaged."""
        with self._pool.lock:
            found = self._records.get(id)
            folder = self._folder if id in self._saved else None
        if found is not None or folder is None:
            return found
        try:
            record = folder.load(id)
        except InputError:
            self._forget(id)
            return None
        with self._pool.lock:
            if id in self._runs:
                self._records[id] = record
                self._make_room(id)
        return record

    def find(
        self, photo: str, settings: Settings, sha256: str, long_side: str = ""
    ) -> RunFacts | None:
        """Return the newest complete run on a photo with these settings and this checkpoint.

        Settings without tiles stand for those with the tiles that were chosen for the memory.

        Arguments:
            photo: The source of the photo.
            settings: The settings.
            sha256: The hash of the checkpoint.
            long_side: What the long side of the photo was reduced to, if that is known.
        """
        for run in self.runs:
            made = run.settings if settings.tile else replace(run.settings, tile=0)
            same = run.photo == photo and made == settings
            if same and run.complete and (run.sha256, run.long_side) == (sha256, long_side):
                return run
        return None

    def add(
        self, id: str, photo: str, record: Record, thumbnail: Thumbnail = b"", keep: bool = True
    ) -> None:
        """Add a run; evict the oldest that are not pinned, and if all are, the oldest.

        Arguments:
            id: The run's id.
            photo: The source of its photo.
            record: The run.
            thumbnail: A small picture of it.
            keep: Whether to write it to the visit's folder; otherwise that is done once it is
                pinned or named.
        """
        with self._pool.lock:
            self._runs.pop(id, None)
            self._runs[id] = RunFacts.of(record, id, photo, thumbnail)
            self._records[id] = record
            while len(self) > max(self.max_runs, 1):
                self.remove(self._oldest(self._runs))
                self.evicted += 1
            self._make_room(id)
        if keep:
            self._save(id)

    def evict(self) -> None:
        """Free the memory of the oldest run that is not pinned, and if all are, of the oldest."""
        id = self._oldest(self._records)
        del self._records[id]
        if id not in self._saved:
            del self._runs[id]
            self.evicted += 1

    def clear(self) -> None:
        """Free the memory of all runs."""
        while self._records:
            self.evict()

    def pin(self, id: str, pinned: bool) -> None:
        """Pin or unpin a run; does nothing if it was evicted."""
        self._change(id, pinned=pinned)

    def rename(self, id: str, name: str) -> None:
        """Give a run a name, cut to `MAX_NAME` characters; does nothing if it was evicted."""
        self._change(id, name=" ".join(name.split())[:MAX_NAME])

    def remove(self, id: str) -> None:
        """Remove a run, from disk too, if it is there."""
        self._forget(id)
        if self._folder is not None:
            # In the background, after whatever of the run is still to be written.
            self._folder.store.submit(partial(self._folder.remove, id), owner=self)

    def _forget(self, id: str) -> None:
        with self._pool.lock:
            self._runs.pop(id, None)
            self._records.pop(id, None)
            self._saved.discard(id)

    def _change(self, id: str, **changed: str | bool) -> None:
        with self._pool.lock:
            run = self._runs.get(id)
            if run is None:
                return
            self._runs[id] = run = msgspec.structs.replace(run, **changed)
        if self._folder is not None and id in self._saved:
            self._folder.store.submit(partial(self._folder.update, run), owner=self)
        else:
            self._save(id)

    def _save(self, id: str) -> None:
        """Write a run in the background; it stays in memory until that is done."""
        with self._pool.lock:
            run, record = self._runs.get(id), self._records.get(id)
        if self._folder is None or run is None or record is None:
            return
        folder = self._folder

        def work() -> None:
            folder.save(self._runs.get(id, run), record)
            with self._pool.lock:
                if id in self._runs:
                    self._saved.add(id)

        folder.store.submit(work, owner=self)

    def _make_room(self, newest: str) -> None:
        """Evict records until the limits are kept; the newest stays."""
        if newest in self._records:
            self._records[newest] = self._records.pop(newest)
        while self.loaded > 1 and self.bytes > self.max_bytes:
            self.evict()
        self._pool.make_room(self)

    def _oldest(self, ids: Iterable[str]) -> str:
        """Return the oldest of some runs that is not pinned, and if all are, the oldest.

        The last is only the oldest if it is alone.
        """
        *others, last = ids
        others = others or [last]
        return next((id for id in others if not self._runs[id].pinned), others[0])

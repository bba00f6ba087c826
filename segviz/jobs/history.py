"""The runs of the sessions, within limits of number and memory; the oldest are evicted."""

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..adapt import Settings
from ..runs.record import Record
from .limits import MAX_TOTAL_BYTES

__all__ = ["MAX_BYTES", "MAX_RUNS", "History", "HistoryEntry", "HistoryPool", "record_bytes"]

MAX_RUNS = 24
MAX_BYTES = 200_000_000


@dataclass(frozen=True)
class HistoryEntry:
    """A run that was made or opened.

    Arguments:
        id: The run's id.
        photo: The source of its photo, such as "sample:cat".
        record: Its record.
        pinned: Whether others are evicted before it.
    """

    id: str
    photo: str
    record: Record
    pinned: bool = False


def record_bytes(record: Record) -> int:
    """Return the size of a record's arrays in bytes."""
    maps = (record.entropy, record.sigma, record.log_probabilities, record.sizes)
    codes = [quantised.codes for quantised in maps if quantised is not None]
    others = [record.photo, record.labels, record.selected]
    others += [] if record.truth is None else [record.truth]
    return sum(array.nbytes for array in (*others, *codes))


class HistoryPool:
    """The histories of all sessions, within a limit of all their runs together.

    Runs are evicted where the limit is exceeded: first those of sessions that have gone, then the
    oldest of the largest history.

    Arguments:
        max_bytes: The largest size of all runs together; the newest stays whatever its size.
    """

    def __init__(self, max_bytes: int = MAX_TOTAL_BYTES) -> None:
        self.max_bytes = max_bytes
        self.lock = threading.RLock()
        self._histories: weakref.WeakSet[History] = weakref.WeakSet()

    @property
    def bytes(self) -> int:
        """The size of all runs in bytes."""
        with self.lock:
            return sum(history.bytes for history in self._histories)

    def add(self, history: "History") -> None:
        """Add a history, whose runs count from now on."""
        with self.lock:
            self._histories.add(history)

    def make_room(self, newest: "History") -> None:
        """Evict runs until the limit is kept.

        Arguments:
            newest: The history whose newest run stays.
        """
        with self.lock:
            for history in list(self._histories):
                if history is not newest and not history.is_wanted():
                    history.clear()
            while self.bytes > self.max_bytes:
                full = [each for each in self._histories if len(each) > (each is newest)]
                if not full:
                    return
                max(full, key=lambda history: history.bytes).evict()


class History:
    """A cache of runs.

    Arguments:
        max_runs: The largest number of runs.
        max_bytes: The largest size of all runs together; the newest stays whatever its size.
        pool: Limits the runs of all sessions together; None = no limit.
        is_wanted: Whether the session is still there.
    """

    def __init__(
        self,
        max_runs: int = MAX_RUNS,
        max_bytes: int = MAX_BYTES,
        pool: HistoryPool | None = None,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        self.max_runs = max_runs
        self.is_wanted = is_wanted
        self._pool = pool or HistoryPool(max_bytes)
        self._pool.add(self)
        self.max_bytes = max_bytes
        self.evicted = 0
        self._entries: dict[str, HistoryEntry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, id: str) -> bool:
        return id in self._entries

    @property
    def entries(self) -> list[HistoryEntry]:
        """The runs, newest first."""
        return list(self._entries.values())[::-1]

    @property
    def bytes(self) -> int:
        """The size of all runs in bytes."""
        return sum(record_bytes(entry.record) for entry in self._entries.values())

    def get(self, id: str) -> HistoryEntry | None:
        """Return the run of an id; None if it was evicted."""
        return self._entries.get(id)

    def find(
        self, photo: str, settings: Settings, sha256: str, long_side: str = ""
    ) -> HistoryEntry | None:
        """Return the newest complete run on a photo with these settings and this checkpoint.

        Settings without tiles stand for those with the tiles that were chosen for the memory.

        Arguments:
            photo: The source of the photo.
            settings: The settings.
            sha256: The hash of the checkpoint.
            long_side: What the long side of the photo was reduced to, if that is known.
        """
        for entry in self.entries:
            record = entry.record
            made = record.settings if settings.tile else replace(record.settings, tile=0)
            same = entry.photo == photo and made == settings
            facts = record.environment.get("sha256"), record.environment.get("long_side", "")
            if same and record.complete and facts == (sha256, long_side):
                return entry
        return None

    def add(self, id: str, photo: str, record: Record) -> None:
        """Add a run; evict the oldest that are not pinned, and if all are, the oldest."""
        with self._pool.lock:
            self._entries.pop(id, None)
            self._entries[id] = HistoryEntry(id, photo, record)
            while len(self) > 1 and (len(self) > self.max_runs or self.bytes > self.max_bytes):
                self.evict()
            self._pool.make_room(self)

    def evict(self) -> None:
        """Remove the oldest run that is not pinned, and if all are, the oldest."""
        *others, last = self._entries.values()
        others = others or [last]
        drop = next((entry for entry in others if not entry.pinned), others[0])
        del self._entries[drop.id]
        self.evicted += 1

    def clear(self) -> None:
        """Remove all runs."""
        self.evicted += len(self._entries)
        self._entries.clear()

    def pin(self, id: str, pinned: bool) -> None:
        """Pin or unpin a run; does nothing if it was evicted."""
        if id in self._entries:
            self._entries[id] = replace(self._entries[id], pinned=pinned)

    def remove(self, id: str) -> None:
        """Remove a run, if it is there."""
        self._entries.pop(id, None)

"""The runs of one session, within limits of number and memory; the oldest are evicted."""

from dataclasses import dataclass, replace

from ..adapt import Settings
from ..runs.record import Record

__all__ = ["MAX_BYTES", "MAX_RUNS", "History", "HistoryEntry", "record_bytes"]

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
    return sum(array.nbytes for array in (record.photo, record.labels, record.selected, *codes))


class History:
    """A cache of runs.

    Arguments:
        max_runs: The largest number of runs.
        max_bytes: The largest size of all runs together; the newest stays whatever its size.
    """

    def __init__(self, max_runs: int = MAX_RUNS, max_bytes: int = MAX_BYTES) -> None:
        self.max_runs = max_runs
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

    def find(self, photo: str, settings: Settings, sha256: str) -> HistoryEntry | None:
        """Return the newest complete run on a photo with these settings and this checkpoint."""
        for entry in self.entries:
            record = entry.record
            same = entry.photo == photo and record.settings == settings
            if same and record.complete and record.environment.get("sha256") == sha256:
                return entry
        return None

    def add(self, id: str, photo: str, record: Record) -> None:
        """Add a run; evict the oldest that are not pinned, and if all are, the oldest."""
        self._entries.pop(id, None)
        self._entries[id] = HistoryEntry(id, photo, record)
        while len(self) > 1 and (len(self) > self.max_runs or self.bytes > self.max_bytes):
            *others, _ = self._entries.values()
            drop = next((entry for entry in others if not entry.pinned), others[0])
            del self._entries[drop.id]
            self.evicted += 1

    def pin(self, id: str, pinned: bool) -> None:
        """Pin or unpin a run; does nothing if it was evicted."""
        if id in self._entries:
            self._entries[id] = replace(self._entries[id], pinned=pinned)

    def remove(self, id: str) -> None:
        """Remove a run, if it is there."""
        self._entries.pop(id, None)

"""The runs of one visit: kept within bounds, the oldest let go first. Free of Streamlit."""

from dataclasses import dataclass, replace

from ..adapt import Settings
from ..runs.record import Record

__all__ = ["MOST_BYTES", "MOST_RUNS", "History", "HistoryEntry", "size"]

MOST_RUNS = 24
MOST_BYTES = 200_000_000


@dataclass(frozen=True)
class HistoryEntry:
    """A run that was made or opened.

    Arguments:
        id: Names it.
        photo: Where its photo comes from, such as "sample:cat".
        record: What it produced.
        pinned: Whether it stays when others are let go.
    """

    id: str
    photo: str
    record: Record
    pinned: bool = False


def size(record: Record) -> int:
    """The bytes of a record's arrays."""
    maps = (record.entropy.codes, record.sigma.codes, record.log_probabilities.codes)
    arrays = (record.photo, record.labels, record.selected, *maps)
    return sum(array.nbytes for array in arrays)


class History:
    """Runs from the oldest to the newest.

    Arguments:
        most_runs: How many are kept.
        most_bytes: How large they may be together; the newest stays whatever its size.
    """

    def __init__(self, most_runs: int = MOST_RUNS, most_bytes: int = MOST_BYTES) -> None:
        self.most_runs = most_runs
        self.most_bytes = most_bytes
        self.gone = 0
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
        """The bytes of all runs."""
        return sum(size(entry.record) for entry in self._entries.values())

    def get(self, id: str) -> HistoryEntry | None:
        """The run of that id, if it is still there."""
        return self._entries.get(id)

    def find(self, photo: str, settings: Settings, sha256: str) -> HistoryEntry | None:
        """The newest finished run on a photo with these settings and this checkpoint."""
        for entry in self.entries:
            record = entry.record
            same = entry.photo == photo and record.settings == settings
            if same and record.complete and record.environment.get("sha256") == sha256:
                return entry
        return None

    def add(self, id: str, photo: str, record: Record) -> None:
        """Keep a run; lets the oldest go that are not pinned, and if all are, the oldest."""
        self._entries.pop(id, None)
        self._entries[id] = HistoryEntry(id, photo, record)
        while len(self) > 1 and (len(self) > self.most_runs or self.bytes > self.most_bytes):
            *others, _ = self._entries.values()
            drop = next((entry for entry in others if not entry.pinned), others[0])
            del self._entries[drop.id]
            self.gone += 1

    def pin(self, id: str, pinned: bool) -> None:
        """Pin or unpin a run, if it is still there."""
        if id in self._entries:
            self._entries[id] = replace(self._entries[id], pinned=pinned)

    def forget(self, id: str) -> None:
        """Let a run go."""
        self._entries.pop(id, None)

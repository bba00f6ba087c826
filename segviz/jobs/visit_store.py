"""Keep the runs of visits on disk, within limits of age and size; the oldest are deleted first."""

import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from ..adapt import Settings
from ..data import decode
from ..errors import InputError, guard
from ..runs import verdict
from ..runs.archive import MAX_PACKED, read_zip, record_zip
from ..runs.record import Record
from ..runs.schema import MAX_SIDE, MAX_STEPS
from ..runtime.files import read_file, write_atomically
from .limits import KEEP_BYTES, KEEP_DAYS

__all__ = [
    "MAX_NAME",
    "MAX_TABS",
    "RunFacts",
    "ShownFacts",
    "TabState",
    "Upload",
    "VisitFolder",
    "VisitStore",
    "is_token",
    "new_token",
]

MAX_NAME = 80
"""The largest number of characters of the name that a visitor gives a run."""

MAX_FACTS = 1 << 20
"""The largest size of a JSON, in bytes."""

MAX_TABS = 8
"""The number of tabs whose state is kept of a visit."""

MAX_UPLOADS = 2
"""The number of uploaded photos that are kept of a visit; those of runs are in their records."""

MAX_THUMBNAIL = 1 << 18
"""The largest size of the small picture of a run, in bytes."""

REMEDY = "make the run again"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")

Text = Annotated[str, Meta(max_length=400)]
Side = Annotated[int, Meta(ge=1, le=MAX_SIDE)]
Step = Annotated[int, Meta(ge=0, le=MAX_STEPS)]
Time = Annotated[float, Meta(ge=0, le=1e11)]  # until the year 5138; dates end with 9999
Id = Annotated[str, Meta(pattern="^[A-Za-z0-9-]{1,64}$")]
_StructT = TypeVar("_StructT", bound=msgspec.Struct)


def new_token() -> str:
    """Return a random name for a visit, which nobody can guess (256 bits)."""
    return secrets.token_urlsafe(32)


def is_token(value: object) -> bool:
    """Return whether a value has the form of a name that `new_token` returns."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of runs shows of a run, without its record.

    Arguments:
        id: The run's id: letters, digits and hyphens.
        photo: The source of its photo, such as "sample:cat".
        title: What the photo is called.
        size: The photo's size (H, W).
        settings: The run's settings.
        last: The number of its last step.
        complete: Whether it was not stopped.
        network: The name of the network.
        sha256: The hash of the network's weights.
        long_side: What the long side of the photo was reduced to; "" = not known.
        measure: What the prediction is judged by; None without truth and stand-in.
        scores: That measure at the first and at the last step.
        entropy: The mean entropy at the first and at the last step, in nats.
        name: What the visitor calls the run; "" = nothing.
        pinned: Whether other runs are evicted before it.
        made: When it was made, in seconds since 1970.
        thumbnail: A small picture of its last prediction; b"" = none.
    """

    id: Id
    photo: Text
    title: Text
    size: tuple[Side, Side]
    settings: Settings
    last: Step
    complete: bool
    network: Text = ""
    sha256: Text = ""
    long_side: Text = ""
    measure: Text | None = None
    scores: tuple[float | None, float | None] = (None, None)
    entropy: tuple[float | None, float | None] = (None, None)
    name: Annotated[str, Meta(max_length=MAX_NAME)] = ""
    pinned: bool = False
    made: Time = 0.0
    thumbnail: Annotated[bytes, Meta(max_length=MAX_THUMBNAIL)] = b""

    @classmethod
    def of(cls, record: Record, id: str, photo: str, thumbnail: bytes = b"") -> "RunFacts":
        """Return the facts of a record that is made now."""
        judged = verdict.score(record)
        ends = record.steps[0], record.steps[-1]
        return cls(
            id=id,
            photo=photo,
            title=record.title,
            size=(record.photo.shape[0], record.photo.shape[1]),
            settings=record.settings,
            last=record.last,
            complete=record.complete,
            network=str(record.environment.get("checkpoint", "")),
            sha256=str(record.environment.get("sha256", "")),
            long_side=str(record.environment.get("long_side", "")),
            measure=judged[1] if judged else None,
            scores=(ends[0][judged[0]], ends[1][judged[0]]) if judged else (None, None),
            entropy=(ends[0]["entropy"], ends[1]["entropy"]),
            made=time.time(),
            thumbnail=thumbnail,
        )


class ShownFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The runs that a page shows, in text and numbers.

    Arguments:
        id: The id of their viewer.
        runs: Short names and ids of the runs.
        photo: The source of their photo.
        values: Their query parameters, as in an address.
        measure: The number that predictions are compared by: its key, and its name.
        curves: That number at every step, by name of the run.
    """

    id: Id
    runs: tuple[tuple[Text, Id], ...]
    photo: Text
    values: dict[Text, str]
    measure: tuple[Text, Text]
    curves: dict[Text, list[float | None]] = {}


class TabState(msgspec.Struct, frozen=True, kw_only=True):
    """What a tab of the browser shows, to bring it back after a reload.

    Arguments:
        id: The tab's id.
        server: The process that wrote this.
        controls: The controls, as in an address.
        texts: What was typed that no address holds, such as the VOC folder.
        photo: The source of the photo of the next run.
        shown: What each page shows.
        address: Page and query parameters that were written to the address bar last.
        is_running: Whether runs were in progress.
    """

    id: Id
    server: Text
    controls: dict[Text, str] = {}
    texts: dict[Text, str] = {}
    photo: Text | None = None
    shown: dict[Text, ShownFacts] = {}
    address: tuple[str, dict[str, str]] | None = None
    is_running: bool = False


class Upload(NamedTuple):
    """An uploaded photo: the bytes of its file and of that of its mask."""

    name: str
    photo: bytes
    mask: bytes | None


class VisitStore:
    """The folders of all visits.

    Several servers may share a root: a run has files of its own, and files that another server
    deletes are missed by nobody.

    Arguments:
        root: The folder that holds those of the visits; made when it is first needed.
        max_bytes: The largest size of all files together.
        max_days: The age at which files are deleted; 0 = nothing is written.
    """

    def __init__(
        self, root: Path, max_bytes: int = KEEP_BYTES, max_days: float = KEEP_DAYS
    ) -> None:
        self.root, self.max_bytes, self.max_days = root, max_bytes, max_days
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="segviz visits")

    def visit(self, token: str) -> "VisitFolder | None":
        """Return the folder of a visit; None if nothing is kept, or if it is no token.

        The folder is named by the token's hash: no token leads to a file elsewhere, and a list of
        the folders is no list of tokens.
        """
        if self.max_days <= 0 or not is_token(token):
            return None
        name = hashlib.sha256(token.encode()).hexdigest()[:32]
        return VisitFolder(self, self.root / name)

    def submit(self, work: Callable[[], object], owner: object = None) -> "Future[None]":
        """Do work in the background, one after the other; what was submitted is done before exit.

        Arguments:
            work: Writes files; an `InputError` of it, such as of a full disk, costs the file.
            owner: Stays in memory until the work is done, so that nobody reads its files before.
        """

        def write(_: object = owner) -> None:
            with suppress(InputError, OSError):
                work()
                self.prune()

        return self._writer.submit(write)

    def flush(self) -> None:
        """Wait until everything that was submitted is done."""
        self._writer.submit(lambda: None).result()

    def prune(self) -> None:
        """Delete what is too old, then the oldest until the size is within the limit."""
        groups = self._groups()
        total = sum(size for _, size, _ in groups)
        oldest = time.time() - 86_400 * self.max_days
        for changed, size, files in groups:
            if changed >= oldest and total <= self.max_bytes:
                break
            for file in files:
                file.unlink(missing_ok=True)
            total -= size
            with suppress(OSError):
                files[0].parent.rmdir()  # if it is empty

    def _groups(self) -> list[tuple[float, int, list[Path]]]:
        """Return time, size and files of each run, tab and upload, oldest first."""
        found: dict[tuple[str, str], list[os.DirEntry[str]]] = {}
        with suppress(FileNotFoundError), os.scandir(self.root) as folders:
            for folder in folders:
                if not folder.is_dir(follow_symlinks=False):
                    continue
                with os.scandir(folder.path) as files:
                    for file in files:
                        if file.is_file(follow_symlinks=False):
                            stem = file.name.split(".")[0] or file.name
                            found.setdefault((folder.name, stem), []).append(file)
        groups = []
        for entries in found.values():
            with suppress(FileNotFoundError):  # deleted meanwhile
                stats = [entry.stat() for entry in entries]
                # A run is as old as its record, however often it is named and pinned.
                changed = min(stat.st_mtime for stat in stats)
                size = sum(stat.st_size for stat in stats)
                groups.append((changed, size, [Path(entry.path) for entry in entries]))
        return sorted(groups, key=lambda group: group[0])


class VisitFolder:
    """The files of one visit.

    Arguments:
        store: The store that it belongs to.
        path: The folder; made when it is first written to.
    """

    def __init__(self, store: VisitStore, path: Path) -> None:
        self.store, self.path = store, path

    def runs(self) -> list[RunFacts]:
        """Return the runs, oldest first; what cannot be read is left out."""
        found = [self._read(path, RunFacts) for path in self._files("run-", ".json")]
        there = [run for run in found if run is not None and self.has_record(run.id)]
        return sorted(there, key=lambda run: run.made)

    def save(self, run: RunFacts, record: Record) -> None:
        """Write a run.

        Raises:
            InputError: If it is too large, or cannot be written.
        """
        self._write(self._file("run", run.id, ".zip"), record_zip(record))
        self.update(run)

    def update(self, run: RunFacts) -> None:
        """Write the facts of a run, whose record is there already.

        Raises:
            InputError: If they cannot be written.
        """
        if self.has_record(run.id):
            self._write(self._file("run", run.id, ".json"), msgspec.json.encode(run))

    def has_record(self, id: str) -> bool:
        """Return whether the record of a run is there."""
        return self._file("run", id, ".zip").is_file()

    def load(self, id: str) -> Record:
        """Read the record of a run as one reads an upload: it need not be trusted.

        Raises:
            InputError: If it is not there, or damaged.
        """
        path = self._file("run", id, ".zip")
        return read_zip(read_file(path, "the record", MAX_PACKED, REMEDY))

    def remove(self, id: str) -> None:
        """Delete a run."""
        for suffix in (".json", ".zip"):
            self._file("run", id, suffix).unlink(missing_ok=True)

    def tabs(self) -> list[TabState]:
        """Return the states of the tabs, oldest first; what cannot be read is left out."""
        found = [self._read(path, TabState) for path in self._files("tab-", ".json")]
        return [tab for tab in found if tab is not None]

    def save_tab(self, tab: TabState) -> None:
        """Write the state of a tab; only the `MAX_TABS` newest stay.

        Raises:
            InputError: If it cannot be written.
        """
        self._write(self._file("tab", tab.id, ".json"), msgspec.json.encode(tab))
        for old in self._files("tab-", ".json")[:-MAX_TABS]:
            old.unlink(missing_ok=True)

    def save_upload(self, key: str, upload: Upload) -> None:
        """Write an uploaded photo; only the `MAX_UPLOADS` newest stay.

        Arguments:
            key: Its source, such as "upload:0123456789abcdef".
            upload: Its files.

        Raises:
            InputError: If it cannot be written.
        """
        id = key.rpartition(":")[2]
        self._write(self._file("upload", id, ".photo"), upload.photo)
        if upload.mask is not None:
            self._write(self._file("upload", id, ".mask"), upload.mask)
        self._write(self._file("upload", id, ".json"), msgspec.json.encode(upload.name))
        for old in self._files("upload-", ".json")[:-MAX_UPLOADS]:
            for suffix in (".json", ".photo", ".mask"):
                old.with_suffix(suffix).unlink(missing_ok=True)

    def upload(self, key: str) -> Upload:
        """Return an uploaded photo, which its decoder has to check again.

        Raises:
            InputError: If it is not there, or damaged.
        """
        id, remedy = key.rpartition(":")[2], "upload the photo again"
        try:
            path = self._file("upload", id, ".json")
        except ValueError:
            raise InputError(f"there is no upload {id[:80]!r}; {remedy}.") from None
        with guard("the name of the upload is damaged", remedy):
            name = msgspec.json.decode(read_file(path, "the upload", MAX_FACTS, remedy), type=str)
        photo = read_file(path.with_suffix(".photo"), "the photo", decode.MAX_BYTES, remedy)
        mask = path.with_suffix(".mask")
        if not mask.exists():
            return Upload(name, photo, None)
        return Upload(name, photo, read_file(mask, "the mask", decode.MAX_BYTES, remedy))

    def _file(self, kind: str, id: str, suffix: str) -> Path:
        if not _NAME.fullmatch(id):
            raise ValueError(f"{id[:80]!r} is no id")
        return self.path / f"{kind}-{id}{suffix}"

    def _files(self, prefix: str, suffix: str) -> list[Path]:
        """Return the files of a kind, oldest first."""
        found: list[tuple[float, Path]] = []
        with suppress(FileNotFoundError), os.scandir(self.path) as entries:
            for entry in entries:
                if entry.name.startswith(prefix) and entry.name.endswith(suffix):
                    with suppress(FileNotFoundError):
                        found.append((entry.stat().st_mtime, Path(entry.path)))
        return [path for _, path in sorted(found)]

    def _write(self, path: Path, data: bytes) -> None:
        with guard(f"the folder {self.path} cannot be made", "set SEGVIZ_RUNS to another"):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, data, "set SEGVIZ_RUNS to a folder with room")

    def _read(self, path: Path, type: type[_StructT]) -> Any:  # noqa: ANN401
        """Return the JSON in a file; None if it is damaged."""
        try:
            with guard(f"{path.name} is damaged", REMEDY):
                return msgspec.json.decode(
                    read_file(path, "the facts", MAX_FACTS, REMEDY), type=type
                )
        except InputError:
            return None

"""A first-in, first-out queue for one compute slot, and jobs that wait in it."""

import atexit
import math
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from ..errors import InputError
from .limits import MAX_WAITING, MAX_WAITING_OF_VISIT

__all__ = [
    "EXIT_TIMEOUT",
    "GONE_TIMEOUT",
    "SLOT",
    "Job",
    "JobState",
    "JobStopped",
    "Slot",
    "Ticket",
    "check_stop",
]

JobState = Literal["waiting", "running", "finished", "stopped", "failed"]

WorkT = TypeVar("WorkT", bound=Iterable[Any])

POLL = 0.5
"""Seconds between two checks whether a waiting job is still wanted."""

GONE_TIMEOUT = 8.0
"""Seconds after which the job of someone who has gone is stopped; connections may break shortly."""

EXIT_TIMEOUT = 60.0
"""Seconds that the interpreter waits at exit for a thread that may be inside torch."""


class JobStopped(BaseException):
    """Ends the work of a job in its middle; no error, and none that work may catch."""


class Slot:
    """A compute slot that one ticket holds at a time; the others queue for it.

    Arguments:
        max_waiting: The largest number of tickets that `enqueue` lets wait.
        max_of_owner: The largest number of tickets of one owner, the holder of the slot included.
    """

    def __init__(self, max_waiting: float = math.inf, max_of_owner: float = math.inf) -> None:
        self.max_waiting, self.max_of_owner = max_waiting, max_of_owner
        self._queue: deque[Ticket] = deque()
        self._changed = threading.Condition()

    def __len__(self) -> int:
        """Return the number of tickets, the holder of the slot included."""
        return len(self._queue)

    def enqueue(self, owner: object = None) -> "Ticket":
        """Append a ticket to the queue; used in a `with` block, it is released at the end.

        Arguments:
            owner: Whose ticket it is, such as a visit; None = nobody's, without a limit of its own.

        Raises:
            InputError: If as many tickets wait as may, or the owner has as many.
        """
        ticket = Ticket(self, owner)
        with self._changed:
            own = sum(other.owner is owner for other in self._queue)
            if owner is not None and own >= self.max_of_owner:
                raise InputError(
                    f"{own} of your runs are in the queue, as many as this server takes of one"
                    " visitor; wait for their end or stop one."
                )
            if len(self._queue) > self.max_waiting:
                raise InputError(
                    f"{len(self._queue) - 1} runs are waiting, as many as this server lets wait;"
                    " try again in a few minutes."
                )
            self._queue.append(ticket)
        return ticket


class Ticket:
    """A place in the queue of a slot. The first ticket holds the slot until it is released.

    Arguments:
        slot: The slot whose queue it is in.
        owner: Whose ticket it is; None = nobody's.

    `seconds_left` may be set to a function that estimates, in seconds, how long the holder still
    needs the slot; NaN = unknown.
    """

    def __init__(self, slot: Slot, owner: object = None) -> None:
        self._slot, self.owner = slot, owner
        self.seconds_left: Callable[[], float] = lambda: math.nan

    @property
    def position(self) -> int | None:
        """The number of tickets before this one: 0 = holds the slot, None = released."""
        with self._slot._changed:
            return self._position()

    @property
    def seconds_ahead(self) -> float:
        """The estimated time until this ticket holds the slot, in seconds; NaN = unknown."""
        with self._slot._changed:
            ahead = list(self._slot._queue)[: self._position() or 0]
        return float(sum(ticket.seconds_left() for ticket in ahead))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the slot.

        Arguments:
            timeout: The longest wait in seconds; None = no limit.

        Returns:
            Whether this ticket holds the slot; False after the timeout or a release.
        """
        with self._slot._changed:
            self._slot._changed.wait_for(lambda: self._position() in (0, None), timeout)
            return self._position() == 0

    def release(self) -> None:
        """Give up the slot or the place in the queue; safe from any thread, any number of times."""
        with self._slot._changed:
            if self in self._slot._queue:
                self._slot._queue.remove(self)
            self._slot._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _position(self) -> int | None:
        queue = self._slot._queue
        return queue.index(self) if self in queue else None


SLOT = Slot(MAX_WAITING, MAX_WAITING_OF_VISIT)
"""The slot of this process: its CPU or GPU."""


class Job(Generic[WorkT]):
    """A background thread that waits for the slot, then iterates over its work.

    The job joins the queue when it is made. A stop takes effect between two items, and wherever the
    work calls `check_stop`. However the work ends, the job is done.

    Arguments:
        work: What to iterate over, such as a `Run`.
        slot: The slot to wait for.
        idle_timeout: Stop if `keep_alive` was not called for this many seconds, as after a browser
            was closed; None = never.
        is_wanted: Whether whoever waits for the result is still there; stop if not for
            `GONE_TIMEOUT` seconds.
        expected_items: The number of items that the work will have; NaN = unknown.
        expected_seconds: How long it will take, in seconds; NaN = unknown.
        owner: Whose job it is, as in `Slot.enqueue`.

    Raises:
        InputError: If the queue is full, or has as many jobs of this owner as it may.
    """

    def __init__(
        self,
        work: WorkT,
        slot: Slot = SLOT,
        idle_timeout: float | None = None,
        is_wanted: Callable[[], bool] = lambda: True,
        expected_items: float = math.nan,
        expected_seconds: float = math.nan,
        owner: object = None,
    ) -> None:
        self.work = work
        self.expected_items, self.expected_seconds = expected_items, expected_seconds
        self.idle_timeout = idle_timeout
        self.state: JobState = "waiting"
        self.error: Exception | None = None
        self.items = 0
        self.seconds = float("nan")  # from the first item to the latest
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._last_keep_alive = self._last_wanted = time.monotonic()
        self._is_wanted = is_wanted
        self._ticket = slot.enqueue(owner)
        self._ticket.seconds_left = lambda: self.seconds_left
        self._thread = threading.Thread(target=self._run, name="segviz job", daemon=True)

    def start(self) -> Self:
        """Start the thread, and return the job."""
        try:
            self._thread.start()
        except BaseException:
            self._ticket.release()
            raise
        _started.add(self)
        return self

    def stop(self) -> None:
        """Request a stop: after the item in progress, or at once while waiting."""
        self._stop.set()
        if self.state == "waiting":
            self._ticket.release()

    def keep_alive(self) -> None:
        """Restart the idle timeout: someone still wants the result."""
        self._last_keep_alive = time.monotonic()

    def attach(self, is_wanted: Callable[[], bool]) -> None:
        """Let somebody else wait for the result, such as a page after a reload.

        Arguments:
            is_wanted: Whether they are still there.
        """
        self._is_wanted = is_wanted
        self._last_wanted = time.monotonic()
        self.keep_alive()

    @property
    def is_wanted(self) -> bool:
        """Whether whoever waits for the result is there now."""
        return self._is_wanted()

    def wait_for_items(self, items: float, timeout: float) -> bool:
        """Wait until more than `items` items are finished, or until the job is done.

        Arguments:
            items: The number of items known to the caller; infinity = wait for the end.
            timeout: The longest wait in seconds.

        Returns:
            Whether one of the two happened.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self.done or self.items > items, timeout)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the thread to end, and return whether the job is done."""
        self._thread.join(timeout)
        return self.done

    @property
    def position(self) -> int:
        """The number of jobs that are before this one in the queue."""
        return self._ticket.position or 0

    @property
    def seconds_ahead(self) -> float:
        """The estimated time until the job gets the slot, in seconds; NaN = unknown."""
        return self._ticket.seconds_ahead

    @property
    def seconds_left(self) -> float:
        """The estimated time that the work still takes, in seconds; NaN = unknown."""
        if self.done:
            return 0.0
        if self.items > 1 and not math.isnan(self.expected_items):
            return self.seconds_per_item * max(0.0, self.expected_items - self.items)
        return self.expected_seconds

    @property
    def stop_requested(self) -> bool:
        """Whether a stop was requested."""
        return self._stop.is_set()

    @property
    def done(self) -> bool:
        """Whether the job finished, was stopped or failed."""
        return self.state not in ("waiting", "running")

    @property
    def seconds_per_item(self) -> float:
        """The mean time between two items in seconds; NaN before the second item."""
        return self.seconds / (self.items - 1) if self.items > 1 else float("nan")

    def _run(self) -> None:
        state: JobState = "failed"
        _thread.job = self
        try:
            with self._ticket:
                state = self._wait_and_work()
        except JobStopped:
            state = "stopped"
        except Exception as error:
            self.error = error
        except BaseException as error:  # such as SystemExit of a library
            self.error = RuntimeError(f"the work ended with {type(error).__name__}")
        finally:
            # Set after the release: once the job is done, the slot is free.
            with self._changed:
                self.state = state
                self._changed.notify_all()

    def _wait_and_work(self) -> JobState:
        while not self._ticket.wait(POLL):
            if self.is_stopping():
                return "stopped"
        self.state = "running"
        iterator = iter(self.work)
        first = None
        while not self.is_stopping():
            try:
                next(iterator)
            except StopIteration:
                return "finished"
            now = time.monotonic()
            first = now if first is None else first
            with self._changed:
                self.items, self.seconds = self.items + 1, now - first
                self._changed.notify_all()
        return "stopped"

    def is_stopping(self) -> bool:
        """Return whether the job is to stop: on request, or because nobody waits for it."""
        now, timeout = time.monotonic(), self.idle_timeout
        if self._is_wanted():
            self._last_wanted = now
        is_idle = timeout is not None and now - self._last_keep_alive > timeout
        if is_idle or now - self._last_wanted > GONE_TIMEOUT:
            self._stop.set()
        return self._stop.is_set()


class _Thread(threading.local):
    """The job whose work the current thread does."""

    job: Job[Any] | None = None


_thread = _Thread()


def check_stop() -> None:
    """End the work of the job in whose thread this is called, if a stop was requested.

    Called between the layers of a network and between steps: an item may take long.

    Raises:
        JobStopped: If a stop was requested.
    """
    job = _thread.job
    if job is not None and job.is_stopping():
        raise JobStopped


_started: "weakref.WeakSet[Job[Any]]" = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """Stop all jobs: a thread that is inside torch at interpreter exit aborts the process."""
    unfinished = [job for job in _started if not job.done]
    for job in unfinished:
        job.stop()
    for job in unfinished:
        job.join(EXIT_TIMEOUT)

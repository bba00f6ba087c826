"""One compute slot for many people: who comes first is served first, and anyone may leave."""

import atexit
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal

__all__ = ["SLOT", "Job", "Slot", "Ticket"]

State = Literal["waiting", "running", "finished", "stopped", "failed"]


class Slot:
    """A place where one run at a time may work."""

    def __init__(self) -> None:
        self._line: deque[Ticket] = deque()
        self._moved = threading.Condition()

    def __len__(self) -> int:
        """How many are in the line, the one that works included."""
        return len(self._line)

    def queue(self) -> "Ticket":
        """Join the end of the line; use the ticket in a `with` block, which leaves it again."""
        ticket = Ticket(self)
        with self._moved:
            self._line.append(ticket)
        return ticket


class Ticket:
    """A place in the line of a slot. The first in the line has the slot until it leaves.

    Arguments:
        slot: The slot whose line it is in.
    """

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    @property
    def ahead(self) -> int | None:
        """How many are before this one: 0 = it has the slot, None = it has left."""
        with self._slot._moved:
            return self._ahead()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the slot.

        Arguments:
            timeout: At most so many seconds; None = without limit.

        Returns:
            Whether this ticket has the slot; False after the timeout or once it has left.
        """
        with self._slot._moved:
            self._slot._moved.wait_for(lambda: self._ahead() in (0, None), timeout)
            return self._ahead() == 0

    def leave(self) -> None:
        """Give up the slot, or the wait for it; from any thread, any number of times."""
        with self._slot._moved:
            if self in self._slot._line:
                self._slot._line.remove(self)
            self._slot._moved.notify_all()

    def __enter__(self) -> "Ticket":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def _ahead(self) -> int | None:
        line = self._slot._line
        return line.index(self) if self in line else None


SLOT = Slot()
"""The slot of this process: its CPU or GPU."""


class Job:
    """Work in the background: waits for the slot, then takes item after item.

    Arguments:
        work: What to iterate over, such as a `Run`; stopping breaks off between two items.
        slot: The slot to wait for.
        patience: Stop by itself once nobody has called `seen` for so many seconds, as after a
            browser was closed; None = never.
    """

    def __init__(
        self, work: Iterable[Any], slot: Slot = SLOT, patience: float | None = None
    ) -> None:
        self.work = work
        self.patience = patience
        self.state: State = "waiting"
        self.error: Exception | None = None
        self.items = 0
        self.seconds = float("nan")  # from the first item to the latest
        self._stop = threading.Event()
        self._news = threading.Condition()
        self._seen = time.monotonic()
        self._ticket = slot.queue()
        self._thread = threading.Thread(target=self._run, name="segviz job", daemon=True)

    def start(self) -> "Job":
        """Start to wait and to work."""
        try:
            self._thread.start()
        except BaseException:
            self._ticket.leave()
            raise
        _started.add(self)
        return self

    def stop(self) -> None:
        """Break off after the item in progress, or leave the line; what is done stays done."""
        self._stop.set()
        if self.state == "waiting":
            self._ticket.leave()

    def seen(self) -> None:
        """Say that somebody is still looking."""
        self._seen = time.monotonic()

    def news(self, items: float, timeout: float) -> bool:
        """Wait for more than so many items or for the end.

        Arguments:
            items: How many are known already.
            timeout: At most so many seconds.

        Returns:
            Whether there is either.
        """
        with self._news:
            return self._news.wait_for(lambda: self.over or self.items > items, timeout)

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; returns whether it has come."""
        self._thread.join(timeout)
        return self.over

    @property
    def ahead(self) -> int:
        """How many runs are before this one."""
        return self._ticket.ahead or 0

    @property
    def stopping(self) -> bool:
        """Whether the end was asked for."""
        return self._stop.is_set()

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.state not in ("waiting", "running")

    @property
    def seconds_each(self) -> float:
        """Mean seconds from item to item; NaN before the second."""
        return self.seconds / (self.items - 1) if self.items > 1 else float("nan")

    def _run(self) -> None:
        state: State = "failed"
        try:
            with self._ticket:
                state = self._wait_and_work()
        except Exception as error:
            self.error = error
        # Only now: whoever sees the job over may rely on the slot being free.
        with self._news:
            self.state = state
            self._news.notify_all()

    def _wait_and_work(self) -> State:
        while not self._ticket.wait(0.5):
            if self._unwanted():
                return "stopped"
        self.state = "running"
        iterator = iter(self.work)
        first = None
        while not self._unwanted():
            try:
                next(iterator)
            except StopIteration:
                return "finished"
            now = time.monotonic()
            first = now if first is None else first
            with self._news:
                self.items, self.seconds = self.items + 1, now - first
                self._news.notify_all()
        return "stopped"

    def _unwanted(self) -> bool:
        patience = self.patience
        if patience is not None and time.monotonic() - self._seen > patience:
            self._stop.set()
        return self._stop.is_set()


_started: "weakref.WeakSet[Job]" = weakref.WeakSet()


@atexit.register
def _stop_all() -> None:
    """Threads that are inside of torch when the interpreter goes would abort the process."""
    unfinished = [job for job in _started if not job.over]
    for job in unfinished:
        job.stop()
    for job in unfinished:
        job.join(10)

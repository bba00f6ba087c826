"""Processes that share one list of work: alone, or started by torchrun on any number of nodes."""

import os
import time
from collections.abc import Iterator
from typing import Any

from ..errors import InputError

__all__ = ["Team"]


class Team:
    """This process and its peers. Work is handed out one piece at a time, to whoever is free.

    Arguments:
        store: The key-value store of torchrun's rendezvous; None = there are no peers.
        rank: This process, 0 .. size - 1.
        size: The number of processes.
    """

    def __init__(self, store: Any = None, rank: int = 0, size: int = 1) -> None:  # noqa: ANN401
        self.rank, self.size = rank, size
        self._store = store
        self._lists = 0
        self._done = 0

    @classmethod
    def join(cls) -> "Team":
        """The team that torchrun started, or this process alone.

        Raises:
            InputError: If the others cannot be found.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls()
        from torch import distributed

        # No process group: nothing is exchanged but counters, so a lost peer blocks nobody.
        try:
            store, rank, size = next(distributed.rendezvous("env://"))
        except (ValueError, RuntimeError) as error:
            raise InputError(
                f"this is one of {os.environ['WORLD_SIZE']} processes, but the others cannot be"
                f" found ({error}); start them with torchrun."
            ) from error
        # The store outlives processes that torchrun starts again, who share the work anew.
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        return cls(
            distributed.PrefixStore(f"{size} processes, attempt {attempt}", store), rank, size
        )

    @property
    def leads(self) -> bool:
        """Whether this process shows progress and writes the result."""
        return self.rank == 0

    def share(self, count: int) -> Iterator[int]:
        """The pieces of 0 .. count - 1 that fall to this process; every process must ask."""
        self._lists += 1
        self._done = 0
        if self._store is None:
            for index in range(count):
                yield index
                self._done += 1
            return
        while (index := self._store.add(f"next-{self._lists}", 1) - 1) < count:
            yield index
            self._done = self._store.add(f"done-{self._lists}", 1)

    def done(self) -> int:
        """How many pieces of the list all processes have done."""
        if self._store is not None:
            self._done = self._store.add(f"done-{self._lists}", 0)
        return self._done

    def finish(self) -> Iterator[None]:
        """Wait for the others, yielding now and then; only the leader waits.

        It also keeps the store that the others count in, so it must be the last to go.
        """
        if self._store is None:
            return
        name = f"finished-{self._lists}"
        finished = self._store.add(name, 1)
        while self.leads and finished < self.size:
            yield
            time.sleep(0.2)
            finished = self._store.add(name, 0)

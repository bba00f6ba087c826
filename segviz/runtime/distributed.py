"""Processes started by torchrun: a shared queue of tasks, and a group that trains together."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ..errors import InputError

if TYPE_CHECKING:
    import torch

__all__ = ["ProcessGroup", "TaskQueue"]

POLL = 0.2
"""Seconds between two checks whether the other processes have finished."""


class TaskQueue:
    """Lists of tasks, each task handed to the next process that is free.

    Arguments:
        store: The key-value store of torchrun's rendezvous; None = a single process.
        rank: The rank of this process, 0..world_size - 1.
        world_size: The number of processes.
    """

    def __init__(self, store: Any = None, rank: int = 0, world_size: int = 1) -> None:  # noqa: ANN401
        self.rank, self.world_size = rank, world_size
        self._store = store
        self._lists = 0
        self._completed = 0

    @classmethod
    def from_environment(cls) -> Self:
        """Return the queue of the processes that torchrun started, or of this process alone.

        Raises:
            InputError: If the other processes cannot be reached.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls()
        from torch import distributed

        # No process group: only counters are exchanged, so that a lost process blocks no other.
        try:
            store, rank, size = next(distributed.rendezvous("env://"))
        except (ValueError, RuntimeError) as error:
            raise InputError(
                f"this is one of {os.environ['WORLD_SIZE']} processes, but the others cannot be"
                f" reached ({error}); start them with torchrun."
            ) from error
        # The store outlives processes that torchrun restarts, and they share the tasks anew.
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        return cls(
            distributed.PrefixStore(f"{size} processes, attempt {attempt}", store), rank, size
        )

    @property
    def is_main(self) -> bool:
        """Whether this process shows progress and writes the result."""
        return self.rank == 0

    def claim(self, count: int) -> Iterator[int]:
        """Yield the tasks of a new list, 0..count - 1, that fall to this process.

        Every process must call this for every list, in the same order.
        """
        self._lists += 1
        self._completed = 0
        if self._store is None:
            for index in range(count):
                yield index
                self._completed += 1
            return
        while (index := self._store.add(f"next-{self._lists}", 1) - 1) < count:
            yield index
            self._completed = self._store.add(f"done-{self._lists}", 1)

    def completed(self) -> int:
        """Return how many tasks of the list all processes together have completed."""
        if self._store is not None:
            self._completed = self._store.add(f"done-{self._lists}", 0)
        return self._completed

    def wait_for_others(self) -> Iterator[None]:
        """Wait until all processes have finished the list, yielding now and then.

        Only the main process waits: it hosts the store, so that it must be the last to exit.
        """
        if self._store is None:
            return
        name = f"finished-{self._lists}"
        finished = self._store.add(name, 1)
        while self.is_main and finished < self.world_size:
            yield
            time.sleep(POLL)
            finished = self._store.add(name, 0)


@dataclass(frozen=True)
class ProcessGroup:
    """This process among those that train together.

    Arguments:
        rank: The rank of this process, 0..world_size - 1.
        world_size: The number of processes.
        local_rank: The rank among the processes on this machine.
    """

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0

    @classmethod
    def from_environment(cls) -> Self:
        """Read the variables that torchrun sets; without them, the process is alone."""
        names = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
        return cls(*(int(os.environ.get(name, default)) for name, default in names.items()))

    @property
    def is_main(self) -> bool:
        """Whether this process shows progress and writes the result."""
        return self.rank == 0

    def maximum(self, value: float, device: torch.device) -> float:
        """Return the largest value of all processes, in float32 if there are several."""
        if self.world_size == 1:
            return float(value)
        import torch

        shared = torch.tensor(value, device=device, dtype=torch.float32)
        torch.distributed.all_reduce(shared, torch.distributed.ReduceOp.MAX)
        return shared.item()

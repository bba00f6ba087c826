"""The processes that train together."""

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist

__all__ = ["Workers"]


@dataclass(frozen=True)
class Workers:
    """This process among those that train together (torchrun sets the environment)."""

    rank: int = 0
    world: int = 1
    local: int = 0

    @classmethod
    def here(cls) -> "Workers":
        """Read from the environment; a process started alone is rank 0 of 1."""
        names = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
        return cls(*(int(os.environ.get(name, default)) for name, default in names.items()))

    def highest(self, value: float, device: torch.device) -> float:
        """The highest value of all processes, in float32 where there are several."""
        if self.world == 1:
            return float(value)
        shared = torch.tensor(value, device=device, dtype=torch.float32)
        dist.all_reduce(shared, dist.ReduceOp.MAX)
        return shared.item()

"""How much memory is free, for this process and on its GPU."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import torch

__all__ = ["available", "left_by_containers", "text"]

VERSIONS = (
    # controller, limit, usage, reclaimable part of it in memory.stat
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""What version 2 and version 1 of Linux's control groups call things."""


def available(device: torch.device | str = "cpu") -> int | None:
    """The bytes that can be taken without pushing anything out; None where nobody can say.

    On a CUDA device its own memory. Elsewhere the machine's, or what the limits of the containers
    that this process runs in leave, whichever is less.
    """
    if str(device).startswith("cuda"):
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        # torch keeps what it has freed, and takes it again first.
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return free + kept
    known = [_machine(), left_by_containers()]
    return min((one for one in known if one is not None), default=None)


def left_by_containers(
    root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> int | None:
    """The bytes that the tightest of this process's control groups leaves; None without limits.

    File caches that can be dropped count as free.

    Arguments:
        root: Where the control groups are mounted.
        membership: The file that names those of this process.

    Source:
        https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html there
    """
    left = []
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller, *names in VERSIONS:
            if controller in controllers.split(","):
                base = root / controller
                group = base / path.lstrip("/")
                # The limits of all groups above hold too; inside a container some are not there.
                while group.is_relative_to(base):
                    left.append(_left(group, *names))
                    group = group.parent
    return min((one for one in left if one is not None), default=None)


def text(size: float, up: bool = True) -> str:
    """Bytes in words, such as 1.3 GB or 80 MB, rounded up or down."""
    whole = math.ceil if up else math.floor
    if whole(size / 1e7) < 100:
        return f"{10 * whole(size / 1e7)} MB"
    return f"{whole(size / 1e8) / 10:.1f} GB"


def _machine() -> int | None:
    try:
        return psutil.virtual_memory().available
    except (OSError, RuntimeError, NotImplementedError):
        return None


def _left(group: Path, limit: str, usage: str, reclaimable: str) -> int | None:
    try:
        most = int((group / limit).read_text())  # or "max"
        used = int((group / usage).read_text())
        facts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return max(0, most - used + int(facts.get(reclaimable, 0)))
    except (OSError, ValueError):
        return None

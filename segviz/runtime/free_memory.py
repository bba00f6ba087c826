"""Measure the free memory: of the machine, of this process's containers, of a GPU."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import torch

__all__ = ["available_bytes", "cgroup_available_bytes", "format_bytes"]

CGROUP_FILES = (
    # controller, limit, usage, reclaimable part of the usage in memory.stat
    ("", "memory.max", "memory.current", "inactive_file"),
    ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""The file and entry names of Linux's control groups, version 2 and version 1."""


def available_bytes(device: torch.device | str = "cpu") -> int | None:
    """Return the bytes that can be allocated without swapping; None if that is unknown.

    Arguments:
        device: A CUDA device has its own memory. For any other, it is the lesser of the machine's
            free memory and what the containers of this process leave.
    """
    if str(device).startswith("cuda"):
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        # torch keeps the memory it has freed, and reuses it first.
        reusable = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return free + reusable
    sizes = (_machine_available_bytes(), cgroup_available_bytes())
    return min((size for size in sizes if size is not None), default=None)


def cgroup_available_bytes(
    root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> int | None:
    """Return the bytes left by the tightest control group of this process; None without limits.

    File caches that can be dropped count as free.

    Arguments:
        root: The mount point of the control groups.
        membership: The file that names the control groups of this process.

    Source:
        https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html there
    """
    sizes = []
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller, *names in CGROUP_FILES:
            if controller in controllers.split(","):
                base = root / controller
                group = base / path.lstrip("/")
                # The limits of all parent groups hold too; a container does not see all of them.
                while group.is_relative_to(base):
                    sizes.append(_group_available_bytes(group, *names))
                    group = group.parent
    return min((size for size in sizes if size is not None), default=None)


def format_bytes(size: float, up: bool = True) -> str:
    """Return a number of bytes as text, such as "1.3 GB" or "80 MB", rounded up or down."""
    rounded = math.ceil if up else math.floor
    if rounded(size / 1e7) < 100:
        return f"{10 * rounded(size / 1e7)} MB"
    return f"{rounded(size / 1e8) / 10:.1f} GB"


def _machine_available_bytes() -> int | None:
    try:
        return psutil.virtual_memory().available
    except (OSError, RuntimeError, NotImplementedError):
        return None


def _group_available_bytes(group: Path, limit: str, usage: str, reclaimable: str) -> int | None:
    try:
        most = int((group / limit).read_text())  # "max" means no limit
        used = int((group / usage).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return max(0, most - used + int(stat.get(reclaimable, 0)))
    except (OSError, ValueError):
        return None

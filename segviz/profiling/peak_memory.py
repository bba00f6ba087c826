"""Measure the peak memory of a run in a process of its own."""

import resource
import sys
from pathlib import Path

import torch

from ..adapt.settings import Settings
from ..errors import InputError
from ..runs.run import Run
from .isolated_process import ProcessEndedError, call_in_process
from .workload import benchmark_photo, load_or_build

__all__ = ["peak_memory"]

STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak_memory(
    name: str,
    settings: Settings,
    device: torch.device | str = "cpu",
    threads: int | None = None,
) -> int:
    """Return the peak memory of a run on the benchmark photo in bytes, its record included.

    On a CPU, this is how far resident memory rises above that of a process that has loaded the
    network and warmed up; on a CUDA device, the peak of allocated memory without the network.

    Arguments:
        name: A network as `load_or_build` takes it.
        settings: The settings of the run.
        device: The device of the network.
        threads: The number of CPU threads; None = PyTorch's choice.

    Raises:
        InputError: If there is no such network, or the process was killed.
    """
    try:
        return call_in_process(_measure, name, settings, str(device), threads)
    except ProcessEndedError:
        raise InputError(
            f"the process that measured {name!r} at scale {settings.scale:g} was killed, most"
            " likely for want of memory; measure at a smaller scale."
        ) from None


def _measure(name: str, settings: Settings, device: str, threads: int | None) -> int:
    if threads is not None:
        torch.set_num_threads(threads)
    trained, photo = load_or_build(name, device), benchmark_photo()
    Run(trained, photo[:64, :64], Settings(scale=1, steps=1)).all()
    if trained.network.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        Run(trained, photo, settings).all()
        return torch.cuda.max_memory_allocated() - before
    before = _reset_peak()
    Run(trained, photo, settings).all()
    return max(0, _peak() - before)


def _reset_peak() -> int:
    """Reset the peak where the system can, and return the resident bytes to compare it with."""
    try:
        CLEAR_REFS.write_text("5")  # proc(5): resets VmHWM to the current resident set
        return _read_status("VmRSS")
    except OSError:
        return _peak()


def _peak() -> int:
    """Return the peak of resident bytes."""
    try:
        return _read_status("VmHWM")
    except OSError:  # not Linux
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else 1024 * peak


def _read_status(key: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(key):
            return 1024 * int(line.split()[1])
    raise OSError(f"{STATUS} has no entry {key}")

"""How much memory a run takes at most, measured in a process of its own."""

import multiprocessing
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import torch

from ..adapt.settings import Settings
from ..errors import InputError
from ..runs.run import Run
from .timing import named, photo

__all__ = ["peak"]

STATUS, REFERENCES = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak(
    name: str,
    settings: Settings,
    device: torch.device | str = "cpu",
    threads: int | None = None,
) -> int:
    """The most bytes that a run on the cat at 500 x 375 takes, record included.

    On a CPU: how far the resident memory rises above that of a process that has loaded the network
    and warmed up; on a CUDA device: the most that is allocated, the network not counted.

    Arguments:
        name: As `costs.named` takes it.
        settings: The run's.
        device: Where to.
        threads: Of the CPU; None = torch's choice.

    Raises:
        InputError: If the process did not come back with a number.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(there, name, settings, str(device), threads))
    with _deaf():
        process.start()
    there.close()
    try:
        found: int | str = here.recv()
    except KeyboardInterrupt:
        process.kill()
        raise
    except EOFError:
        raise InputError(
            f"the process that measured {name!r} at scale {settings.scale:g} was ended, by the"
            " system most likely; measure at a smaller scale."
        ) from None
    finally:
        process.join()
    if isinstance(found, str):
        raise InputError(found)
    return found


@contextmanager
def _deaf() -> Iterator[None]:
    """A process started within does not hear Ctrl-C: that is for its parent to act on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _send(
    there: Connection, name: str, settings: Settings, device: str, threads: int | None
) -> None:
    try:
        there.send(_measure(name, settings, device, threads))
    except InputError as error:
        there.send(str(error))


def _measure(name: str, settings: Settings, device: str, threads: int | None) -> int:
    if threads is not None:
        torch.set_num_threads(threads)
    trained, image = named(name, device), photo()
    Run(trained, image[:64, :64], Settings(scale=1, steps=1)).all()
    if trained.network.score_weight.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        Run(trained, image, settings).all()
        return torch.cuda.max_memory_allocated() - before
    before = _resident()
    Run(trained, image, settings).all()
    return max(0, _highest() - before)


def _resident() -> int:
    """Bytes resident now; from here on `_highest` counts."""
    try:
        REFERENCES.write_text("5")
        return _status("VmRSS")
    except OSError:
        return _highest()


def _highest() -> int:
    """The most bytes that were resident."""
    try:
        return _status("VmHWM")
    except OSError:  # not Linux
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else 1024 * most


def _status(key: str) -> int:
    for line in STATUS.read_text().splitlines():
        if line.startswith(key):
            return 1024 * int(line.split()[1])
    raise OSError(f"no {key} in {STATUS}")

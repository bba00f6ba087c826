"""Call a function in a process of its own, so that what it leaves in memory ends with it."""

import multiprocessing
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from ..errors import InputError

__all__ = ["ProcessEndedError", "call_in_process"]

Result = TypeVar("Result")


class ProcessEndedError(RuntimeError):
    """The process ended without a result, for instance because the system killed it."""


def call_in_process(function: Callable[..., Result], *arguments: Any) -> Result:  # noqa: ANN401
    """Return `function(*arguments)`, called in a fresh process.

    Arguments:
        function: A function of a module, so that it can be pickled by name.
        arguments: What it is called with; pickled.

    Raises:
        InputError: If the function raises it.
        ProcessEndedError: If the process ends without a result.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send_result, args=(sender, function, arguments))
    with _interrupts_ignored():  # inherited: Ctrl-C is for the parent to act on
        process.start()
    sender.close()
    try:
        result: Result | InputError = receiver.recv()
    except KeyboardInterrupt:
        process.kill()
        raise
    except EOFError as error:
        raise ProcessEndedError(f"process {process.pid} ended without a result") from error
    finally:
        process.join()
    if isinstance(result, InputError):
        raise result
    return result


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _send_result(
    sender: Connection, function: Callable[..., object], arguments: tuple[Any, ...]
) -> None:
    try:
        sender.send(function(*arguments))
    except InputError as error:
        sender.send(error)

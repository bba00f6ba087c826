"""What the commands do: options in, text, files or one JSON object out."""

from argparse import Namespace
from collections.abc import Callable
from importlib import import_module

from ..errors import InputError
from ..runtime.imports import importing

__all__ = ["COMMANDS", "run_command"]

COMMANDS = {
    "run": "run.run",
    "export": "export.export",
    "evaluate": "evaluate.evaluation",
    "tables": "tables.tables",
    "figures": "figures.figures",
    "train": "train.train",
    "benchmark": "benchmark.measure",
    "download-voc": "download_voc.download",
    "app": "app.app",
}
"""Module and function of each command: no command waits for what only others import."""


def run_command(options: Namespace) -> int:
    """The exit code of a command.

    Raises:
        InputError: On bad input, which includes more than the GPU's memory holds.
    """
    module, function = COMMANDS[options.command].split(".")
    with importing():
        home = import_module(f".{module}", __name__)
    command: Callable[[Namespace], int] = getattr(home, function)
    try:
        return command(options)
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # torch's, which may not be imported
            raise
        raise InputError(
            "the GPU's memory is full; choose a smaller scale or --device cpu."
        ) from error

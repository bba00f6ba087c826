"""What the commands do: options in, text, files or one JSON object out."""

import json
from argparse import Namespace
from collections.abc import Callable

import torch

from .. import voc
from ..benchmark import benchmark
from ..errors import InputError
from .evaluate import evaluation
from .export import export
from .figures import figures
from .run import run
from .shared import load_checkpoint
from .tables import tables
from .train import train

__all__ = ["COMMANDS", "run_command"]


def measure(options: Namespace) -> int:
    """Time the forward pass and the steps."""
    result = benchmark(load_checkpoint(options), options.scale, options.repeats)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:28}{value if not isinstance(value, float) else round(value, 2)}")
    return 0


def download(options: Namespace) -> int:
    """Fetch VOC 2012."""
    print(voc.download(options.dir, augment=not options.no_sbd))
    return 0


def run_command(options: Namespace) -> int:
    """The exit code of a command.

    Raises:
        InputError: On bad input, which includes more than the GPU's memory holds.
    """
    try:
        return COMMANDS[options.command](options)
    except torch.OutOfMemoryError as error:
        raise InputError(
            "the GPU's memory is full; choose a smaller scale or --device cpu."
        ) from error


COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "run": run,
    "export": export,
    "evaluate": evaluation,
    "tables": tables,
    "figures": figures,
    "train": train,
    "benchmark": measure,
    "download-voc": download,
}

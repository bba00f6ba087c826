"""Shared by commands: parse lists, load the network, prepare folders, write files."""

import shlex
import sys
from argparse import Namespace
from pathlib import Path

from ..data.sources import SourcePhoto
from ..errors import InputError
from ..network import checkpoint
from ..runtime.device import choose
from ..validation import check_range

__all__ = [
    "command_line",
    "load_checkpoint",
    "make_folder",
    "parse_numbers",
    "parse_whole",
    "print_reduction",
    "set_threads",
    "write_whole",
]


def load_checkpoint(options: Namespace) -> checkpoint.Checkpoint:
    """Load the network of --checkpoint on --device, with --threads set."""
    set_threads(options)
    return checkpoint.load(options.checkpoint or checkpoint.DEFAULT, choose(options.device))


def make_folder(out: str, option: str = "--out") -> Path:
    """Create the output folder, before the work that fills it.

    Raises:
        InputError: If it cannot be made.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {out} cannot be made ({error.strerror}); choose another {option}."
        ) from error
    return folder


def set_threads(options: Namespace) -> None:
    """Limit torch to --threads, if given."""
    if options.threads is not None:
        check_range("--threads", options.threads, 1)
        import torch

        torch.set_num_threads(options.threads)


def parse_numbers(text: str) -> list[float]:
    """Parse numbers separated by commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{text!r} is not a list of numbers; write them such as 1,2,3.") from None


def parse_whole(text: str) -> list[int]:
    """Parse integers separated by commas."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"{text!r} is not a list of integers; write them such as 0,32,128."
        ) from None


def print_reduction(photo: SourcePhoto) -> None:
    """Print on stderr that a photo was reduced, if it was."""
    if photo.factor < 1:
        height, width = photo.pixels.shape[:2]
        print(
            f"segviz: {photo.title} was reduced to {width} x {height}, the resolution of VOC.",
            file=sys.stderr,
        )


def command_line() -> str:
    """Return the command of this process, for results and cards."""
    return "segviz " + shlex.join(sys.argv[1:])


def write_whole(path: Path, content: str) -> None:
    """Write a text file atomically: no reader sees half of it.

    Raises:
        InputError: If it cannot be written.
    """
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(content, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); choose another --out."
        ) from error

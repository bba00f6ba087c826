"""Shared by commands: parse lists, load the network, prepare folders, write files."""

import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from ..data.sources import Photo
from ..errors import InputError
from ..network import checkpoint
from ..runtime.device import choose_device
from ..validation import check_range

__all__ = [
    "command_line",
    "load_checkpoint",
    "make_folder",
    "parse_formats",
    "parse_integers",
    "parse_list",
    "parse_numbers",
    "print_note",
    "set_threads",
    "write_atomically",
    "write_file",
]


def load_checkpoint(options: Namespace) -> checkpoint.Checkpoint:
    """Load the network of --checkpoint on --device, with --threads set."""
    set_threads(options)
    return checkpoint.load(options.checkpoint or checkpoint.DEFAULT, choose_device(options.device))


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


def parse_list(text: str) -> list[str]:
    """Return the parts of a text between commas, without spaces and empty parts."""
    return [part for part in map(str.strip, text.split(",")) if part]


def parse_formats(text: str, known: Sequence[str]) -> list[str]:
    """Return the names of formats in a comma-separated text, each once.

    Raises:
        InputError: If a name is unknown.
    """
    formats = list(dict.fromkeys(parse_list(text)))
    for name in formats:
        if name not in known:
            raise InputError(f"there is no format {name!r}; choose one of {', '.join(known)}.")
    return formats


def parse_numbers(text: str) -> list[float]:
    """Parse numbers separated by commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{text!r} is not a list of numbers; write them such as 1,2,3.") from None


def parse_integers(text: str) -> list[int]:
    """Parse integers separated by commas."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"{text!r} is not a list of integers; write them such as 0,32,128."
        ) from None


def print_note(photo: Photo) -> None:
    """Print on stderr what was changed about a photo, or is missing."""
    if photo.note:
        print(f"segviz: {photo.title}: {photo.note}", file=sys.stderr)


def command_line() -> str:
    """Return the command of this process, for results and cards."""
    return "segviz " + shlex.join(sys.argv[1:])


def write_file(path: Path, data: bytes) -> int:
    """Write a file and return its size in bytes.

    Raises:
        InputError: If it cannot be written.
    """
    try:
        return path.write_bytes(data)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); choose another --out."
        ) from error


def write_atomically(path: Path, content: str) -> None:
    """Write a text file so that no reader sees half of it.

    Raises:
        InputError: If it cannot be written.
    """
    partial = path.with_suffix(".partial")
    write_file(partial, content.encode())
    try:
        partial.replace(path)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); choose another --out."
        ) from error

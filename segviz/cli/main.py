"""Parse the command line, run the command, and turn errors into exit codes."""

import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

from ..errors import InputError, reason_of
from .output import Output
from .parser import COMMANDS, create_parser

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Arguments:
        arguments: The words after `segviz`; None takes those of this process.

    Returns:
        0 on success, 2 on bad input (one line on stderr), 130 on Ctrl-C (what was done is kept).
        Whoever reads the output may stop reading it: files are written all the same.
    """
    with redirect_stdout(Output(sys.stdout)), redirect_stderr(Output(sys.stderr)):
        try:
            return _run(_parse(arguments))
        except InputError as error:
            print(f"segviz: {error}", file=sys.stderr)
            return 2
        except KeyboardInterrupt:
            return 130


def _parse(arguments: Sequence[str] | None) -> Namespace:
    words = sys.argv[1:] if arguments is None else arguments
    parser = create_parser(next((word for word in words if word in COMMANDS), ""))
    options, unknown = parser.parse_known_args(arguments)
    if options.command == "app":
        options.streamlit = unknown
    elif unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def _run(options: Namespace) -> int:
    try:
        return COMMANDS[options.command].module.run(options)
    except OSError as error:  # what a reader or writer did not expect, such as a full disk
        file = f" of {error.filename}" if isinstance(error.filename, str) else ""
        raise InputError(
            f"reading or writing{file} failed ({reason_of(error)}); check the disk, the path and"
            " its permissions."
        ) from error
    except MemoryError as error:
        raise InputError(
            "the memory is full; choose a smaller scale or close other programs."
        ) from error
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # torch's, and torch may not be imported
            raise
        raise InputError(
            "the GPU's memory is full; choose a smaller scale or --device cpu."
        ) from error

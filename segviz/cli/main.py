"""Parse the command line, run the command, and turn errors into exit codes."""

import sys
from argparse import Namespace
from collections.abc import Sequence

from ..errors import InputError
from .parser import COMMANDS, create_parser

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Arguments:
        arguments: The words after `segviz`; None takes those of this process.

    Returns:
        0 on success, 2 on bad input (one line on stderr), 130 on Ctrl-C (what was done is kept).
    """
    parser = create_parser()
    options, unknown = parser.parse_known_args(arguments)
    if options.command == "app":
        options.streamlit = unknown
    elif unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        return _run(options)
    except InputError as error:
        print(f"segviz: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _run(options: Namespace) -> int:
    try:
        return COMMANDS[options.command].module.run(options)
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # torch's, and torch may not be imported
            raise
        raise InputError(
            "the GPU's memory is full; choose a smaller scale or --device cpu."
        ) from error

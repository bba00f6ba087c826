"""The command line: `python -m segviz COMMAND`, the same as `segviz COMMAND`."""

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code, see `cli.main`."""
    try:
        from .cli.main import main as run  # a moment in which Ctrl-C may be pressed

        return run(arguments)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

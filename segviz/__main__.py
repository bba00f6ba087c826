"""The command line: `python -m segviz COMMAND`, the same as `segviz COMMAND`."""

import sys

__all__ = ["main"]


def main() -> int:
    """Run the command of this process and return its exit code."""
    try:
        from .cli.main import main as run  # a moment in which Ctrl-C may be pressed

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""The command line: `python -m segviz COMMAND`, the same as `segviz COMMAND`."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())

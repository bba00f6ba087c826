"""The command line: `python -m segviz COMMAND`, the same as `segviz COMMAND`."""

import sys

from .cli.parser import main

if __name__ == "__main__":
    sys.exit(main())

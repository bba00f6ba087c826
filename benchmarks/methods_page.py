"""Write docs/methods.md from the registry of methods and the results on val.

python benchmarks/methods_page.py [--results DIR] [--out docs/methods.md]
"""

import argparse
from pathlib import Path

from segviz.evaluation.methods_page import RESULTS, methods_page
from segviz.evaluation.results import read_result


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path, default=Path("docs/methods.md"))
    options = parser.parse_args()
    paths = [options.results / name for name in RESULTS]
    options.out.write_text(methods_page([read_result(path) for path in paths if path.exists()]))


if __name__ == "__main__":
    main()

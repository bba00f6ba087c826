"""Write docs/methods.md from the registry of methods and the results on val.

python benchmarks/methods_page.py [--results results/table-methods.json] [--out docs/methods.md]
"""

import argparse
from pathlib import Path

from segviz.evaluation.methods_page import RESULTS, methods_page
from segviz.evaluation.results import read_result


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results") / RESULTS)
    parser.add_argument("--out", type=Path, default=Path("docs/methods.md"))
    options = parser.parse_args()
    result = read_result(options.results) if options.results.exists() else None
    options.out.write_text(methods_page(result))


if __name__ == "__main__":
    main()

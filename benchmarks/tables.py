"""Results of `segviz evaluate` as Markdown: a row per method, gains over feedforward in brackets.

python benchmarks/tables.py results/val-methods.json
"""

import argparse
import json
from pathlib import Path
from typing import Any


def markdown(result: dict[str, Any]) -> str:
    """The table of one evaluation, mIoU in percent."""
    rows = result["results"]
    scales = sorted({row["scale"] for row in rows})
    baseline = {row["scale"]: row["miou"] for row in rows if row["method"] == "feedforward"}
    lines = [
        "| method | variables | " + " | ".join(f"{scale:g}x" for scale in scales) + " |",
        "|---|---|" + "---|" * len(scales),
    ]
    kinds: dict[tuple[str, str | None], dict[float, float]] = {}
    for row in rows:
        kinds.setdefault((row["method"], row["variables"]), {})[row["scale"]] = row["miou"]
    for (method, variables), found in kinds.items():
        cells = [_cell(found.get(scale), baseline.get(scale), method) for scale in scales]
        lines.append(f"| {method} | {variables or ''} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: float | None, baseline: float | None, method: str) -> str:
    if value is None:
        return ""
    if baseline is None or method == "feedforward":
        return f"{100 * value:.1f}"
    return f"{100 * value:.1f} ({100 * (value - baseline):+.1f})"


def main() -> None:
    """Print the tables of the files named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="+")
    for path in parser.parse_args().files:
        result = json.loads(path.read_text())
        print(f"{path.name}: {result['images']} images\n\n{markdown(result)}\n")


if __name__ == "__main__":
    main()

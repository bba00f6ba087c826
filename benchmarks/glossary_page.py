"""Write docs/glossary.md from the registries of explanations and panels.

python benchmarks/glossary_page.py [--out docs/glossary.md]
"""

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path

from segviz.glossary import CALIBRATION, CONTROLS, DATA_SET, MAPS, NUMBERS, SYMBOLS, Term
from segviz.pictures.panels import PANELS

HEAD = """# Glossary

Generated from `segviz/glossary.py` and `segviz/pictures/panels.py` by
`python benchmarks/glossary_page.py`; edit those. The app and the reports show the same sentences
behind their question marks.
"""


def glossary_page() -> str:
    """Return the page in Markdown."""
    sections = {
        "Numbers of a step": _terms(NUMBERS),
        "Maps": _terms(MAPS),
        "Panels": ((panel.title, panel.help) for panel in PANELS.values()),
        "Symbols of the formulas": ((term.title, term.meaning) for _, term in SYMBOLS.values()),
        "Calibration": _terms(CALIBRATION),
        "Over a data set": _terms(DATA_SET),
        "Settings": _terms(CONTROLS),
    }
    parts = [HEAD]
    for title, entries in sections.items():
        rows = "\n".join(f"| {name} | {text} |" for name, text in entries)
        parts.append(f"\n## {title}\n\n| | |\n|---|---|\n{rows}\n")
    return "".join(parts)


def _terms(terms: Mapping[str, Term]) -> Iterable[tuple[str, str]]:
    return ((term.title, term.help) for term in terms.values())


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/glossary.md"))
    parser.parse_args().out.write_text(glossary_page(), encoding="utf-8")


if __name__ == "__main__":
    main()

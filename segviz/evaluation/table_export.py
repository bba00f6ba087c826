"""Write tables as CSV, Markdown and LaTeX."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence

__all__ = ["TABLE_FORMATS", "csv_text", "latex_text", "markdown_text"]

Row = Mapping[str, object]
"""A row of a table: its cells by the names of the columns, the same for all rows."""

LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
LATEX |= {character: f"\\{character}" for character in "&%$#_{}"} | {"±": r"$\pm$"}


def csv_text(rows: Sequence[Row]) -> str:
    """Return a table as CSV with a header; "" without rows."""
    if not rows:
        return ""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows([{name: _text(cell) for name, cell in row.items()} for row in rows])
    return buffer.getvalue()


def markdown_text(rows: Sequence[Row]) -> str:
    """Return a table in Markdown; "" without rows."""
    if not rows:
        return ""

    def line(cells: Sequence[object]) -> str:
        return "| " + " | ".join(_text(cell).replace("|", r"\|") for cell in cells) + " |\n"

    return (
        line(list(rows[0]))
        + "|---" * len(rows[0])
        + "|\n"
        + "".join(line(list(row.values())) for row in rows)
    )


def latex_text(rows: Sequence[Row]) -> str:
    """Return a table as LaTeX's tabular, for the package booktabs; "" without rows."""
    if not rows:
        return ""

    def line(cells: Sequence[object]) -> str:
        return " & ".join(_escaped(_text(cell)) for cell in cells) + r" \\" + "\n"

    columns = "l" + "r" * (len(rows[0]) - 1)
    body = "".join(line(list(row.values())) for row in rows)
    head = line(list(rows[0]))
    return (
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head}\\midrule\n{body}"
        "\\bottomrule\n\\end{tabular}\n"
    )


TABLE_FORMATS: dict[str, tuple[Callable[[Sequence[Row]], str], str]] = {
    "CSV": (csv_text, "csv"),
    "Markdown": (markdown_text, "markdown"),
    "LaTeX": (latex_text, "latex"),
}
"""How a table can be copied: what writes it, and the language of the text."""


def _text(cell: object) -> str:
    if cell is None or cell != cell:  # NaN stands for what is unknown
        return ""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _escaped(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)

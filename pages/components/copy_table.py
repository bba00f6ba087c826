"""A menu that shows a table as text to copy."""

import re
from collections.abc import Mapping, Sequence

import streamlit as st

from segviz.evaluation.table_export import TABLE_FORMATS

__all__ = ["copy_table"]

MARKUP = re.compile(r":[a-z]+\[((?:[^\[\]]|\[[^\]]*\])*)\]|\*+|\\(?=[^\w\s])")
"""Streamlit's colours, emphasis and escapes."""


def copy_table(rows: Sequence[Mapping[str, object]], key: str) -> None:
    """Draw a menu with the table as CSV, Markdown and LaTeX, each with a button that copies it.

    Arguments:
        rows: The rows, cells by the names of the columns; markup is left out.
        key: The key of the menu.
    """
    plain = [{str(_plain(name)): _plain(cell) for name, cell in row.items()} for row in rows]
    with st.popover("Copy table", icon=":material/content_copy:", key=f"copy_{key}"):
        for tab, (write, language) in zip(
            st.tabs(list(TABLE_FORMATS)), TABLE_FORMATS.values(), strict=True
        ):
            tab.code(write(plain), language=language, height=240)


def _plain(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    before = None
    while before != cell:
        before, cell = cell, MARKUP.sub(lambda found: found[1] or "", cell)
    return cell.replace("\N{NO-BREAK SPACE}", " ")

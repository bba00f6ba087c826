"""The example notebooks run from top to bottom, and their records show themselves."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest

from segviz.data import samples
from segviz.runs.record import Record

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples").glob("*.ipynb"))


def cells(path, kind):
    """Return the text of each cell of a kind, code or markdown."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def run_cell(text, namespace):
    """Run a cell as a notebook does; return the value of a last line that is an expression."""
    tree = ast.parse(text)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), namespace)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)


@pytest.fixture
def small_samples(monkeypatch):
    """Every sixth pixel of the samples, so that runs take no time."""
    load = samples.load

    def small(name):
        return tuple(np.ascontiguousarray(pixels[::6, ::6]) for pixels in load(name))

    monkeypatch.setattr(samples, "load", small)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, small_samples):
    namespace = {}
    shown = [run_cell(text, namespace) for text in cells(path, "code")]
    records = [value for value in shown if isinstance(value, Record)]
    assert records and all("<" in record._repr_html_() for record in records)
    assert namespace["own"].classes == ("road", "car", "tree", "sky", "person")
    assert namespace["oracle"].reference == "truth"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_output(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code and all(cell["outputs"] == [] for cell in code)
    assert all(cell["execution_count"] is None for cell in code)
    assert cells(path, "markdown")[0].startswith("# ")

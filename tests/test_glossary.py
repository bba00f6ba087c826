"""The explanations, and the page that is made of them."""

import importlib.util
from pathlib import Path

import pytest

import segviz
from segviz import glossary
from segviz.adapt.methods import METHODS

ROOT = Path(segviz.__file__).parents[1]
TERMS = [
    *glossary.NUMBERS.values(),
    *glossary.MAPS.values(),
    *glossary.CALIBRATION.values(),
    *glossary.DATA_SET.values(),
    *glossary.CONTROLS.values(),
]


def test_the_page_is_that_of_the_registries():
    path = ROOT / "benchmarks" / "glossary_page.py"
    spec = importlib.util.spec_from_file_location("glossary_page", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert page == module.glossary_page()
    assert all(term.help in page for term in TERMS)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.title)
def test_an_explanation_is_a_sentence_with_its_unit(term):
    assert term.meaning.endswith(".") and term.meaning[0].isupper()
    assert term.unit in term.help and term.help.startswith(term.meaning)


@pytest.mark.parametrize("name", METHODS)
def test_formulas_name_their_symbols(name):
    assert glossary.symbols_of(METHODS[name].formula)


def test_the_symbols_of_the_papers_objective():
    titles = [term.title for term in glossary.symbols_of(METHODS["entropy"].formula)]
    assert titles == ["H", "S"]

from pathlib import Path

import segviz
from segviz.adapt.methods import METHODS
from segviz.evaluation.methods_page import RESULTS, methods_page
from segviz.evaluation.results import read_result

ROOT = Path(segviz.__file__).parents[1]


def test_the_page_is_that_of_the_registry_and_the_results():
    paths = [ROOT / "results" / name for name in RESULTS]
    page = methods_page([read_result(path) for path in paths if path.exists()])
    assert (ROOT / "docs" / "methods.md").read_text(encoding="utf-8") == page


def test_every_method_is_listed():
    page = methods_page()
    for name, info in METHODS.items():
        assert f"`{name}`" in page and info.title in page


def test_published_rates_are_named():
    page = methods_page()
    (tent,) = (line for line in page.splitlines() if line.startswith("| `tent`"))
    assert "| 1e-3 (Adam), 2.5e-4 (SGD) |" in tent
    (flip,) = (line for line in page.splitlines() if line.startswith("| `flip`"))
    assert "| none | none |" in flip  # neither steps nor a rate

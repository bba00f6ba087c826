"""docs/performance.md is what its script writes from the stored run."""

import json
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_page_is_that_of_the_stored_run():
    script = runpy.run_path(str(ROOT / "benchmarks" / "performance_page.py"))
    result = json.loads((ROOT / "results" / "benchmark-engines.json").read_text())
    page = script["performance_page"](result)
    assert page == (ROOT / "docs" / "performance.md").read_text()
    (entry,) = (
        each for each in result["networks"]["mobilenetv2_100-voc"]["scales"] if each["scale"] == 3
    )
    assert f"| engine episode / eager | {entry['ratios']['engine episode / eager']:.2f} (" in page

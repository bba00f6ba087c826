"""Benchmark in a browser, with made-up results and the miniature VOC."""

import json
import re

import pytest

from tests.browser.app_page import AppPage
from tests.miniature import SPLITS

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_tables_images_and_an_evaluation(page, address):
    app = AppPage(page, address, "?photo=sample:rocket&scale=1&steps=1")
    page.get_by_role("link", name="Benchmark").first.click()
    main = page.get_by_test_id("stMain")
    main.get_by_role("heading", name="Scales: the paper's Table 1").wait_for()
    app.until(lambda: app.plots() >= 3, "charts")
    names = page.locator(".js-plotly-plot").first.evaluate("plot => plot.data.map(t => t.name)")
    assert {"entropy, both", "entropy, both: paper"} <= set(names)

    main.get_by_role("radio", name="Steps", exact=True).click()
    main.get_by_text("python -m segviz tables 2 --voc-root DIR").wait_for()
    assert main.get_by_test_id("stTable").count() == 0

    main.get_by_role("radio", name="Variables", exact=True).click()
    main.get_by_role("cell", name="adversary, both").wait_for()
    app.rest()
    app.button("2007_000007").first.click()
    page.get_by_text(re.compile("scale 1, 32 steps")).first.wait_for(timeout=60_000)
    app.rest()
    app.viewer.at(32)
    assert app.query["photo"] == "voc:2007_000007" and app.query["scale"] == "1"

    page.get_by_role("link", name="Benchmark").first.click()
    main.get_by_role("radio", name="Your own", exact=True).click()
    for label, change in (("3x", False), ("2", True), ("32", False)):
        main.get_by_test_id("stButtonGroup").get_by_role("button", name=label, exact=True).click()
        pressed = "true" if change else "false"
        app.until(
            lambda label=label, pressed=pressed: (
                main.get_by_test_id("stButtonGroup")
                .get_by_role("button", name=label, exact=True)
                .get_attribute("aria-pressed")
                == pressed
            ),
            label,
        )
    app.button("Run the evaluation").click()
    main.get_by_role("cell", name="entropy, both").wait_for(timeout=60_000)
    main.get_by_text("How it was measured").click()
    name, data = app.download(app.button("Result as JSON"))
    assert name == "evaluation.json" and json.loads(data)["images"] == len(SPLITS["val"])

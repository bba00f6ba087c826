"""The app for everybody: no serious violation that axe-core finds, on any page, in both themes."""

from pathlib import Path

import pytest

from tests.browser.app_page import QUICK, AppPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PAGES = ("Compare", "Scales", "Ablate", "Benchmark", "Runs", "Model")
SERIOUS = """async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"] });
    return violations
        .filter(({ impact }) => impact === "serious" || impact === "critical")
        .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) =>
            `${id}: ${target}: ${failureSummary.split("\\n")[1] ?? ""}`));
}"""


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci")
def test_no_page_has_a_serious_violation(page, address):
    app = AppPage(page, address, QUICK)
    found = {}

    def quiet():
        state = page.get_by_test_id("stApp").get_attribute("data-test-script-state")
        return state != "running" and not page.get_by_test_id("stProgress").count()

    def check(name):
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme)
            page.evaluate(AXE.read_text())
            found[name, theme] = page.evaluate(SERIOUS)
        assert page.locator("h1").count() == 1

    check("Iterate")
    for name in PAGES:
        page.get_by_role("link", name=name).first.click()
        page.locator("h1", has_text=name).wait_for(state="attached")
        app.until(quiet, f"rest on {name}", 120)
        check(name)
    assert {key: texts for key, texts in found.items() if texts} == {}

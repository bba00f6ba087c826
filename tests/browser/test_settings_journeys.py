"""Journeys through the pages in a browser: the sidebar keeps the settings on all of them."""

import re

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MARKS = {
    "Iterate": ".st-key-iterate_run",
    "Compare": ".st-key-compare_run",
    "Scales": ".st-key-scales_run",
    "Ablate": ".st-key-ablate_run",
    "Benchmark": "text=Your own",
    "Runs": "text=Open a record",
    "Model": "text=What is adapted",
}
"""What only this page has."""

HIDDEN = {
    "Iterate": (),
    "Compare": ("Objective",),
    "Scales": ("Scale",),
    "Ablate": ("Variables", "Steps T", "Learning rate"),
}
DEFAULTS = {
    "Variables": "both",
    "Scale": "3",
    "Steps T": "32",
    "Objective": "Entropy",
    "Learning rate": "0.001",
}
QUICK = "?photo=sample:rocket&scale=1&steps=2&variables=score&rate=0.01"
OF_QUICK = {
    "Variables": "score",
    "Scale": "1",
    "Steps T": "2",
    "Objective": "Entropy",
    "Learning rate": "0.01",
}


class Visit:
    """A tab whose sidebar is read."""

    def __init__(self, page, address):
        self.page, self.address = page, address
        page.set_default_timeout(120_000)

    def open(self, name, query=""):
        """Type the address of a page."""
        path = "" if name == "Iterate" else name.lower()
        self.page.goto(f"{self.address}/{path}{query}")
        return self.rest(name)

    def go(self, name):
        """Follow a link."""
        self.page.get_by_role("link", name=name, exact=True).first.click()
        return self.rest(name)

    def rest(self, name):
        """Wait until a page is drawn; its runs may go on."""
        self.page.locator(MARKS[name]).first.wait_for()
        self.page.wait_for_function(
            "document.querySelector('[data-testid=stApp]').dataset.testScriptState !== 'running'"
        )
        return self

    def finish(self):
        """Wait for the runs of a page."""
        self.page.locator(".segviz").wait_for()
        self.page.wait_for_function("!document.querySelector('[data-testid=stProgress]')")
        return self

    def shows(self, name, values):
        """Compare what the sidebar of a page says with values."""
        found = {
            label: self.page.get_by_test_id("stSidebar")
            .get_by_label(label, exact=True)
            .input_value()
            for label in values
            if label not in HIDDEN[name]
        }
        assert found == {label: values[label] for label in found}, name
        return self

    def walk(self, names, values):
        """Follow links from page to page; each shows the values."""
        for name in names:
            self.go(name)
            if name in HIDDEN:
                self.shows(name, values)
        return self

    def type(self, label, value):
        """Type a number into a control."""
        box = self.page.get_by_label(label, exact=True)
        box.fill(str(value))
        box.press("Enter")
        self.page.wait_for_function(
            "document.querySelector('[data-testid=stApp]').dataset.testScriptState !== 'running'"
        )
        return self


@pytest.fixture
def visit(browser, address):
    """A new visit; its runs are stopped at its end, so that the next has the machine."""
    page = browser.new_page()
    visit = Visit(page, address)
    yield visit
    stop = page.get_by_role("button", name=re.compile("^Stop( them)?$"))
    if stop.count():
        stop.first.click()
    page.close()


ORDERS = (
    ("Compare", "Scales", "Ablate", "Iterate"),
    ("Ablate", "Model", "Scales", "Benchmark", "Compare", "Runs", "Iterate"),
)


@pytest.mark.parametrize("order", ORDERS)
def test_untouched_settings_from_the_first_screen(visit, order):
    visit.open("Iterate").finish().shows("Iterate", DEFAULTS).walk(order, DEFAULTS)


@pytest.mark.parametrize("first", [name for name in MARKS if name != "Iterate"])
def test_untouched_settings_from_every_first_page(visit, first):
    visit.open(first)
    if first in HIDDEN:
        visit.shows(first, DEFAULTS)
    visit.walk(("Compare", "Scales", "Iterate", "Ablate"), DEFAULTS)


@pytest.mark.parametrize("first", list(HIDDEN))
def test_settings_of_an_address(visit, first):
    lists = "&methods=entropy&scales=1&grid_rates=0.001&grid_variables=score&grid_steps=2"
    values = {**DEFAULTS, **OF_QUICK}
    visit.open(first, QUICK + lists).shows(first, values)
    visit.walk(("Ablate", "Runs", "Compare", "Scales", "Iterate"), values)


def test_settings_typed_on_one_page_are_those_of_all(visit):
    visit.open("Iterate", QUICK).finish().type("Steps T", 3).type("Scale", 1.5)
    values = {**OF_QUICK, "Steps T": "3", "Scale": "1.5"}
    visit.shows("Iterate", values).walk(("Compare", "Model", "Iterate"), values)
    visit.go("Scales").type("Steps T", 1)
    visit.walk(("Ablate", "Compare", "Iterate"), {**values, "Steps T": "1"})


def test_settings_of_a_preset(visit):
    visit.open("Iterate", QUICK).finish()
    visit.page.get_by_role("button", name=re.compile("A collapse")).click()
    values = {**DEFAULTS, "Scale": "1"}
    visit.page.get_by_text("Cat, close up").first.wait_for()
    visit.rest("Iterate").shows("Iterate", values)
    visit.walk(("Scales", "Compare", "Iterate"), values)


def test_settings_after_back_reload_and_in_a_second_tab(visit, browser, address):
    visit.open("Iterate", QUICK).finish().go("Model").go("Compare").shows("Compare", OF_QUICK)
    visit.page.go_back()
    visit.rest("Model")
    visit.page.go_back()
    visit.rest("Iterate").finish().shows("Iterate", OF_QUICK)
    visit.page.reload()
    visit.rest("Iterate").finish().shows("Iterate", OF_QUICK)
    visit.type("Steps T", 5)
    other = Visit(browser.new_page(), address)
    try:
        other.open("Runs").go("Iterate").shows("Iterate", DEFAULTS).go("Scales")
        other.shows("Scales", DEFAULTS)
        visit.walk(("Scales", "Iterate"), {**OF_QUICK, "Steps T": "5"})
    finally:
        other.page.close()

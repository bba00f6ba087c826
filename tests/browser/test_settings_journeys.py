"""Journeys through the pages in a browser: every sidebar shows the settings of the visit."""

import re
from contextlib import ExitStack

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LANDMARKS = {
    "Iterate": ".st-key-iterate_run",
    "Compare": ".st-key-compare_run",
    "Scales": ".st-key-scales_run",
    "Ablate": ".st-key-ablate_run",
    "Benchmark": "text=Your own",
    "Runs": "text=Open runs",
    "Model": ".st-key-model_measure",
}
"""An element that no other page has."""

HIDDEN = {
    "Iterate": (),
    "Compare": ("Method",),
    "Scales": ("Scale",),
    "Ablate": ("Variables", "Steps T", "Learning rate"),
}
"""The settings that each page with a sidebar varies by itself."""

DEFAULTS = {
    "Variables": "both",
    "Scale": "3",
    "Steps T": "32",
    "Method": "Entropy",
    "Learning rate": "0.001",
}
QUERY = "?photo=sample:rocket&scale=1&steps=2&variables=score&rate=0.01"
LISTS = "&methods=entropy&scales=1&grid_rates=0.001&grid_variables=score&grid_steps=2"
OF_QUERY = {**DEFAULTS, "Variables": "score", "Scale": "1", "Steps T": "2", "Learning rate": "0.01"}
IDLE = "document.querySelector('[data-testid=stApp]').dataset.testScriptState !== 'running'"

BACK = """() => new Promise(resolve => {
    addEventListener("popstate", () => resolve(location.pathname), { once: true });
    history.back();
})"""
"""Go back by one entry of the history of this document; return the path."""


def path(name):
    """Return the path of a page in its address."""
    return "/" if name == "Iterate" else f"/{name.lower()}"


class Visit:
    """A tab of the browser, and what its sidebar shows."""

    def __init__(self, page, address):
        self.page, self.address = page, address
        page.set_default_timeout(60_000)

    def open(self, name, query=""):
        """Type the address of a page."""
        self.page.goto(f"{self.address}{path(name)}{query}")
        return self.arrive(name)

    def back(self, name):
        """Go back to a page; the addresses that pages wrote are entries of the history, too."""
        for _ in range(5):
            if self.page.evaluate(BACK) == path(name):
                break
        return self.arrive(name)

    def go(self, name):
        """Follow the link to a page."""
        self.page.get_by_role("link", name=name, exact=True).first.click()
        return self.arrive(name)

    def arrive(self, name):
        """Wait until a page is drawn; its runs may still be in progress."""
        self.page.locator(LANDMARKS[name]).first.wait_for()
        self.page.wait_for_function(IDLE)
        return self

    def finish(self):
        """Wait until the runs of a page have ended."""
        # While new runs start, those before them are shown beside them for a moment.
        self.page.locator(".segviz").first.wait_for()
        self.page.wait_for_function("!document.querySelector('[data-testid=stProgress]')")
        self.page.wait_for_function(IDLE)
        return self

    def check(self, name, settings):
        """Compare the sidebar of a page with settings."""
        sidebar = self.page.get_by_test_id("stSidebar")
        expected = {label: text for label, text in settings.items() if label not in HIDDEN[name]}
        shown = {label: sidebar.get_by_label(label, exact=True).input_value() for label in expected}
        assert shown == expected, name
        return self

    def walk(self, names, settings):
        """Follow links from page to page, and compare every sidebar with settings."""
        for name in names:
            self.go(name)
            if name in HIDDEN:
                self.check(name, settings)
        return self

    def type(self, label, value):
        """Type a number into a control."""
        box = self.page.get_by_label(label, exact=True)
        box.fill(str(value))
        box.press("Enter")
        self.page.wait_for_function(IDLE)
        return self

    def run(self, caption):
        """Press the button on Iterate, and wait for the caption of its run."""
        self.page.locator(".st-key-iterate_run button:enabled").click()
        self.page.get_by_text(caption).first.wait_for()
        return self.finish()


@pytest.fixture
def visits(tabs, address):
    """Open tabs."""
    with ExitStack() as stack:
        yield lambda: Visit(stack.enter_context(tabs.open(strict=False)), address)


@pytest.fixture
def visit(visits):
    """A visit that has not begun."""
    return visits()


def test_untouched_settings_of_the_first_screen(visit):
    visit.open("Iterate").finish().check("Iterate", DEFAULTS)
    visit.walk(("Compare", "Scales", "Ablate", "Iterate"), DEFAULTS)
    visit.run("scale 3, 32 steps, learning rate 0.001")


@pytest.mark.parametrize("first", [name for name in LANDMARKS if name != "Iterate"])
def test_untouched_settings_from_every_first_page(visit, first):
    visit.open(first)
    if first in HIDDEN:
        visit.check(first, DEFAULTS)
    visit.walk(("Scales", "Iterate"), DEFAULTS)


@pytest.mark.parametrize(
    ("first", "others"),
    [
        ("Iterate", ("Ablate", "Compare", "Iterate")),
        ("Compare", ("Iterate",)),
        ("Scales", ("Compare", "Iterate")),
        ("Ablate", ("Iterate",)),
    ],
)
def test_settings_of_an_address(visit, first, others):
    visit.open(first, QUERY + LISTS).check(first, OF_QUERY)
    visit.walk(others, OF_QUERY)
    visit.run("scale 1, 2 steps, learning rate 0.01")


def test_settings_typed_on_any_page(visit):
    visit.open("Iterate", QUERY + LISTS).finish().type("Steps T", 3).type("Scale", 1.5)
    settings = {**OF_QUERY, "Steps T": "3", "Scale": "1.5"}
    visit.check("Iterate", settings).walk(("Compare", "Model", "Iterate"), settings)
    visit.go("Scales").type("Steps T", 1)
    visit.walk(("Ablate", "Compare", "Iterate"), {**settings, "Steps T": "1"})
    visit.run("scale 1.5, 1 step, learning rate 0.01")


def test_settings_of_a_preset(visit):
    visit.open("Iterate", QUERY).finish()
    visit.page.get_by_role("button", name=re.compile("A collapse")).click()
    visit.page.get_by_text("scale 1, 32 steps, learning rate 0.001").first.wait_for()
    visit.page.mouse.move(700, 700)  # the button's tooltip lies over the pages' links
    settings = {**DEFAULTS, "Scale": "1"}
    visit.finish().check("Iterate", settings)
    visit.walk(("Scales", "Iterate"), settings)


def test_settings_after_back_and_reload(visit):
    visit.open("Iterate", QUERY).finish().go("Model").go("Compare").check("Compare", OF_QUERY)
    visit.back("Model").back("Iterate").finish().check("Iterate", OF_QUERY)
    visit.page.reload()
    visit.arrive("Iterate").finish().check("Iterate", OF_QUERY)


def test_tabs_have_settings_of_their_own(visits):
    first, second = visits(), visits()
    first.open("Iterate", QUERY + LISTS).finish().type("Steps T", 5)
    second.open("Runs").go("Iterate").check("Iterate", DEFAULTS).go("Scales")
    second.check("Scales", DEFAULTS)
    first.walk(("Compare", "Iterate"), {**OF_QUERY, "Steps T": "5"})

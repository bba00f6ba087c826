"""The app as its readers see it."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.browser.viewer_dom import ViewerDom

QUICK = "?photo=sample:rocket&scale=1&steps=4"


class AppPage:
    """A page of the app in a tab."""

    def __init__(self, page, address=None, query=""):
        self.page = page
        self.viewer = ViewerDom(page)
        if address is not None:
            page.goto(f"{address}{query}")
        self.rest()

    def button(self, name, exact=False):
        pattern = re.compile(f"^{name}$" if exact else f"^({name})")
        # Streamlit's own are left out: its Stop comes and goes beside that of the page.
        own = self.page.locator(":not([data-testid='stBaseButton-header'])")
        return self.page.get_by_role("button", name=pattern).and_(own)

    def until(self, condition, what, seconds=60):
        for _ in range(int(seconds / 0.05)):
            if condition():
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"it never came to {what}: {self.state()}")

    def settled(self, read):
        """Return what `read` returns, such as a place on the page, once it has come to rest."""
        known = []

        def at_rest():
            known.append(read())
            return len(known) > 5 and all(value == known[-1] for value in known[-6:])

        self.until(at_rest, "a fixed place")
        return known[-1]

    def rest(self):
        """Wait until nothing is at work and the viewer, where there is one, has all of it."""
        self.page.get_by_test_id("stApp").wait_for()
        self.until(self.resting, "rest", 120)

    def resting(self):
        state = self.page.get_by_test_id("stApp").get_attribute("data-test-script-state")
        if state == "running" or self.page.get_by_test_id("stProgress").count():
            return False
        viewers = self.page.locator(".segviz")
        made = viewers.count() or self.page.get_by_test_id("stDataFrame").count()
        return bool(made or self.plots()) and (
            not viewers.count() or viewers.first.get_attribute("aria-busy") == "false"
        )

    def state(self):
        """What a failed test should report."""
        app = self.page.get_by_test_id("stApp")
        names = ("script-state", "connection-state")
        found = {name: app.get_attribute(f"data-test-{name}") for name in names}
        if self.viewer.root.count():
            found["viewer busy"] = self.viewer.root.get_attribute("aria-busy")
        return f"{found}, {self.page.get_by_test_id('stMain').inner_text()!r}"

    def plots(self):
        return self.page.locator(".js-plotly-plot").count()

    def go(self, name, heading=None):
        """Follow a link to another page and wait for its runs."""
        self.page.get_by_role("link", name=name).first.click()
        self.until(lambda: name.lower() in self.page.url, name)
        if heading is not None:
            self.page.get_by_text(heading).first.wait_for(timeout=60_000)
        self.rest()

    def type(self, label, value):
        box = self.page.get_by_label(label, exact=True)
        box.fill(str(value))
        box.press("Enter")

    @property
    def query(self):
        """The address's parameters."""
        return dict(parse_qsl(urlsplit(self.page.url).query))

    def download(self, button):
        with self.page.expect_download() as download:
            button.click()
        return download.value.suggested_filename, download.value.path().read_bytes()

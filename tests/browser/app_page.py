"""The app as its readers see it."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

QUICK = "?photo=sample:rocket&scale=1&steps=4"


class AppPage:
    """A page of the app in a tab."""

    def __init__(self, page, address=None, query=""):
        self.page = page
        if address is not None:
            page.goto(f"{address}/{query}")
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
        return bool(made or self.plots()) and (not viewers.count() or self.read("loaded"))

    def state(self):
        """What can be told of a page that does not do what it should."""
        app = self.page.get_by_test_id("stApp")
        names = ("script-state", "connection-state")
        found = {name: app.get_attribute(f"data-test-{name}") for name in names}
        if self.page.locator(".segviz").count():
            found |= {name: self.read(name) for name in ("step", "steps", "settled", "loaded")}
        return f"{found}, {self.page.get_by_test_id('stMain').inner_text()!r}"

    def plots(self):
        return self.page.locator(".js-plotly-plot").count()

    def read(self, expression):
        """Something of the viewer's handle."""
        return self.page.locator(".segviz").evaluate(f"node => node.segviz.{expression}")

    def at(self, step):
        self.until(lambda: self.read("step") == step and self.read("settled"), f"step {step}")

    def picture(self, panel="prediction:0"):
        """The bytes of a panel."""
        return bytes(self.read(f"pixels({panel!r})"))

    def go(self, name, heading=None):
        """Follow a link to another page and wait for its runs."""
        self.page.get_by_role("link", name=name).click()
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

"""One page for all viewers, and runs to show on it."""

import pytest

from segviz.adapt import Settings
from segviz.runs.run import Run

from .viewer_page import STEPS, Viewer, html, packed


@pytest.fixture(scope="session")
def record(trained, photo, truth):
    settings = Settings(scale=2.0, steps=STEPS, learning_rate=0.02)
    return Run(trained, photo, settings, truth, "two shapes").all()


@pytest.fixture(scope="session")
def other(trained, photo, truth):
    settings = Settings(scale=1.0, steps=4, learning_rate=0.02)
    return Run(trained, photo, settings, truth, "two shapes").all()


@pytest.fixture(scope="session")
def tab(browser):
    """A page that can mount viewers, and what it complained about."""
    page, complaints = browser.new_page(), []
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.set_content(html())
    page.wait_for_function("() => window.ready")
    yield page, complaints
    page.close()


@pytest.fixture
def open_page(tab):
    """Opens a viewer in place of the one before; the page must not complain."""
    page, complaints = tab

    def open(runs, width=1100, height=1000, **options):
        page.set_viewport_size({"width": width, "height": height})
        page.mouse.move(0, 0)
        page.evaluate("scrollTo(0, 0)")
        page.evaluate("([data, options]) => start(data, options)", [packed(runs), options])
        return Viewer(page)

    yield open
    found = complaints.copy()
    complaints.clear()
    assert found == []

"""The HTML report, opened from a file: it plays, reads and asks nobody for anything."""

import numpy as np
import pytest

from segviz.export.report import report
from segviz.pictures.panels import PANELS
from segviz.viewer.payload import NamedRecord

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = "</script><img src=x onerror=document.title='taken'>"


@pytest.fixture(scope="module")
def file(record, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report([NamedRecord(record, HOSTILE)], HOSTILE), encoding="utf-8")
    return path


@pytest.fixture
def page(browser, file):
    """The report in a tab of its own, which must not complain nor ask for anything."""
    page = browser.new_page()
    page.set_default_timeout(30_000)
    complaints, requests = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    until(page, "loaded")
    yield page
    page.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [file.as_uri()]


def viewer(page, expression):
    return page.evaluate(f"document.querySelector('.segviz').segviz.{expression}")


def until(page, expression, value=True):
    """Wait for the viewer; not by wait_for_function, which the page's policy forbids."""
    for _ in range(600):
        if viewer(page, expression) == value:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{expression} is {viewer(page, expression)}, not {value}")


def settled(page, step):
    until(page, "step", step)
    until(page, "settled")


def go(page, key, step):
    page.keyboard.press(key)
    settled(page, step)


def pixels(page, panel, shape):
    data = page.evaluate(
        "name => Array.from(document.querySelector('.segviz').segviz.pixels(name))", panel
    )
    return np.array(data, np.uint8).reshape(*shape[:2], 4)[..., :3]


def test_it_shows_the_records_pixels_at_every_step(page, record):
    settled(page, 3)
    for step in (3, 2, 1, 0):
        if step < 3:
            go(page, "ArrowLeft", step)
        for name in ("prediction", "entropy", "receptive-field", "truth", "right-wrong"):
            want = PANELS[name].picture(record, step).astype(int)
            far = np.abs(pixels(page, f"{name}:0", want.shape) - want)
            # A value between two colours may round to either.
            assert far.mean() < 0.01 if name in ("entropy", "receptive-field") else not far.any()


def test_it_plays_to_the_end(page):
    page.keyboard.press("Home")
    settled(page, 0)
    page.get_by_role("button", name="Play").click()
    settled(page, 3)


def test_pixels_are_read_and_pinned(page, record):
    settled(page, 3)
    canvas = page.locator(".segviz canvas").first
    canvas.scroll_into_view_if_needed()
    canvas.hover()
    y, x = (side // 2 for side in record.photo.shape[:2])
    name = record.classes[record.labels[3, y, x]]
    page.locator(".segviz").get_by_text(name).first.wait_for()
    canvas.click()
    until(page, "view.pins.length", 1)
    go(page, "ArrowLeft", 2)


def test_hostile_names_are_text(page):
    assert page.title() == HOSTILE
    assert page.get_by_role("heading", level=1).inner_text() == HOSTILE
    assert page.locator("img[src=x]").count() == 0
    assert page.get_by_role("rowheader", name="Learning rate").count() == 1

"""The HTML report, opened from a file: it plays, reads and asks nobody for anything."""

import numpy as np
import pytest

from segviz.export.report import report
from segviz.pictures.panels import PANELS
from segviz.viewer import NamedRecord
from tests.browser.viewer_dom import OUTLINE, ViewerDom, expect

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
    yield page
    page.close()
    assert complaints == []
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [file.as_uri()]


@pytest.fixture
def viewer(page):
    viewer = ViewerDom(page)
    viewer.at(3)
    return viewer


def test_it_shows_the_records_pixels_at_every_step(viewer, record):
    for step in (3, 2, 1, 0):
        if step < 3:
            viewer.page.keyboard.press("ArrowLeft")
            viewer.at(step)
        for name in ("prediction", "entropy", "receptive-field", "truth", "right-wrong"):
            want = PANELS[name].picture(record, step).astype(int)
            found = viewer.picture(name)
            difference = np.abs(found - want)
            if name in ("prediction", "truth"):  # the viewer outlines classes that are nearly black
                difference[(found == OUTLINE).all(-1)] = 0
            # A value between two colours may round to either.
            exact = name not in ("entropy", "receptive-field")
            assert not difference.any() if exact else difference.mean() < 0.01


def test_it_plays_to_the_end(viewer):
    viewer.page.keyboard.press("Home")
    viewer.at(0)
    viewer.page.get_by_role("button", name="Play").click()
    viewer.at(3)


def test_pixels_are_read_and_pinned(viewer, record):
    canvas = viewer.page.locator(".segviz canvas").first
    canvas.scroll_into_view_if_needed()
    canvas.hover()
    y, x = (side // 2 for side in record.photo.shape[:2])
    name = record.classes[record.labels[3, y, x]]
    expect(viewer.page.locator(".inspector td[data-name=class]")).to_have_text(name)
    canvas.click()
    expect(viewer.page.locator(".segviz .pin")).to_have_count(1)
    viewer.page.keyboard.press("ArrowLeft")
    viewer.at(2)


def test_hostile_names_are_text(page, viewer):
    assert page.title() == HOSTILE
    assert page.get_by_role("heading", level=1).inner_text() == HOSTILE
    assert page.locator("img[src=x]").count() == 0
    assert page.get_by_role("rowheader", name="Learning rate").count() == 1


def test_it_fits_a_phone(page, viewer):
    page.set_viewport_size({"width": 390, "height": 800})
    viewer.settle()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.get_by_role("slider", name="Step", exact=True).bounding_box()["width"] > 200

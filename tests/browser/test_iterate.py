"""The page Iterate in a browser: what a person sees, clicks and types."""

import csv
import io
import re

import numpy as np
import pytest
from PIL import Image

from segviz.export.formats import EXPORTS
from segviz.runs.archive import read_zip
from tests.browser.app_page import QUICK, AppPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_pick_a_sample_run_play_and_scrub(page, address):
    app = AppPage(page, address, "?scale=1&steps=1")
    app.button("Choose a photo").click()
    app.button("Rocket", exact=True).click()
    page.get_by_text("Rocket before its launch · 80 x 54").wait_for()
    app.type("Scale", 1)
    app.type("Steps T", 4)
    app.button("Run( with changes)?", exact=True).click()
    page.get_by_text("scale 1, 4 steps").wait_for()
    app.rest()
    app.viewer.at(4)
    seen = {4: app.viewer.picture("entropy").tobytes()}
    page.keyboard.press("Home")
    app.viewer.at(0)
    seen[0] = app.viewer.picture("entropy").tobytes()
    for step in (1, 2):
        page.keyboard.press("ArrowRight")
        app.viewer.at(step)
        seen[step] = app.viewer.picture("entropy").tobytes()
    assert len(set(seen.values())) == 4
    track = page.get_by_label("Step", exact=True).bounding_box()
    page.mouse.move(track["x"] + track["width"] / 2, track["y"] + track["height"] / 2)
    page.mouse.down()
    page.mouse.move(track["x"] + 0.75 * track["width"], track["y"] + track["height"] / 2, steps=5)
    page.mouse.up()
    app.viewer.at(3)
    app.until(lambda: app.query.get("step") == "3", "the step in the address")
    app.button("Play").click()
    app.viewer.at(4)
    assert app.viewer.picture("entropy").tobytes() == seen[4]


@pytest.fixture(scope="module")
def finished(tabs, address):
    """A finished run of 4 steps in the dark, shared by tests that start no other."""
    with tabs.open() as page:
        page.emulate_media(color_scheme="dark")
        yield AppPage(page, address, QUICK)


def test_keys_are_dead_while_typing(finished):
    finished.viewer.at(4)
    box = finished.page.get_by_label("Steps T", exact=True)
    box.click()
    for key in ("Home", "ArrowLeft", "Space"):
        box.press(key)
    finished.page.wait_for_timeout(300)
    assert finished.viewer.step == 4


def test_every_export_is_downloaded_and_decoded(finished):
    app, page = finished, finished.page
    page.get_by_test_id("stPopover").get_by_role("button").click()
    files = {}
    for name, kind in EXPORTS.items():
        if not kind.is_available():
            continue
        title, files[name] = app.download(app.button(kind.label))
        assert title.startswith("segviz-") and title.endswith(kind.suffix), title
    record = read_zip(files["zip"])
    assert record.last == 4 and record.settings.scale == 1
    height, width = record.photo.shape[:2]
    rows = list(csv.DictReader(io.StringIO(files["csv"].decode())))
    assert [float(row["entropy"]) for row in rows] == record.numbers("entropy")
    picture = Image.open(io.BytesIO(files["png"]))
    assert picture.height == height and picture.width % width == 0
    assert np.array_equal(np.array(picture.convert("RGB"))[:, :width], record.photo)
    assert Image.open(io.BytesIO(files["sheet"])).width > width
    for name in ("gif", "webp"):
        assert Image.open(io.BytesIO(files[name])).n_frames == 5
    assert b"Content-Security-Policy" in files["html"] and b"Rocket" in files["html"]
    panel = np.array(Image.open(io.BytesIO(app.download(app.button("PNG", exact=True))[1])))
    assert panel.shape[:2] == (height, width)


def test_dark_without_overflow(finished):
    app, page = finished, finished.page
    app.viewer.settle()
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    for width in (1440, 1100):
        page.set_viewport_size({"width": width, "height": 800})
        app.until(
            lambda width=width: page.evaluate("document.documentElement.scrollWidth") <= width,
            f"a page of {width} pixels",
            seconds=5,
        )


def test_an_address_reproduces_the_view_in_another_tab(page, address, tabs):
    app = AppPage(page, address, QUICK)
    page.keyboard.press("ArrowLeft")
    app.viewer.at(3)
    page.locator(".segviz canvas:visible").nth(1).click(position={"x": 60, "y": 40})
    app.until(lambda: "pins" in app.query and app.query.get("step") == "3", "the address")
    app.button("Entropy", exact=True).first.click()
    app.until(lambda: "panels" in app.query, "the panels in the address")
    shown, state = app.viewer.picture("prediction"), app.viewer.state()
    with tabs.open() as other:
        other.goto(page.url)
        again = AppPage(other)
        again.viewer.at(3)
        assert np.array_equal(again.viewer.picture("prediction"), shown)
        assert again.viewer.state() == state and len(state[1]) == 1
        assert "entropy:0" not in again.viewer.panels()
        assert again.query == app.query


def test_bad_values_in_an_address_are_named(page, address):
    app = AppPage(page, address, QUICK + "&rate=fast&pins=<b>")
    page.get_by_text("rate = 'fast', but it must be").wait_for()
    page.get_by_text("pins = '<b>', but it must be").wait_for()
    app.viewer.at(4)


def test_stop_keeps_the_steps_that_are_there(page, address):
    app = AppPage(page, address, "?photo=sample:rocket&scale=2&steps=0")
    page.get_by_label("Variables", exact=True).click()
    page.get_by_role("option", name="all").click()
    app.type("Steps T", 128)
    app.button("Run( with changes)?", exact=True).click()
    page.get_by_text(re.compile(r"Step ([2-9]|\d\d+) of 128")).wait_for(timeout=120_000)
    app.until(lambda: app.viewer.last >= 1, "steps to play while it runs")
    app.button("Stop").click()
    page.get_by_text(re.compile(r"stopped at step \d+")).wait_for()
    app.rest()
    last = int(re.search(r"stopped at step (\d+)", page.get_by_test_id("stMain").inner_text())[1])
    assert 2 <= last < 128
    app.until(lambda: app.viewer.last == last, "all steps")
    page.keyboard.press("Home")
    app.viewer.at(0)


def test_bad_uploads_are_refused_and_good_ones_run(page, address, tmp_path):
    app = AppPage(page, address, QUICK)
    app.button("Choose a photo").click()
    page.get_by_role("radio", name="Upload").or_(app.button("Upload")).first.click()
    field = page.locator("input[type=file]").first
    (tmp_path / "notes.jpg").write_text("no picture at all")
    field.set_input_files(tmp_path / "notes.jpg")
    page.get_by_text("damaged or not an image").wait_for()
    noise = np.random.default_rng(0).integers(0, 256, (70, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "good.png")
    field.set_input_files(tmp_path / "good.png")
    page.get_by_text("good.png · 60 x 70 · no truth").first.wait_for()
    app.button("Use this photo").click()
    app.button("Run( with changes)?", exact=True).click()
    page.get_by_text("no truth: compared with the 1x prediction").wait_for()
    app.rest()
    page.get_by_text("This view has no link").wait_for()
    assert app.query == {} and "right-wrong:0" not in app.viewer.panels()

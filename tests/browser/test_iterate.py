"""The page Iterate in a browser: what a person sees, clicks and types."""

import csv
import io
import re

import numpy as np
import pytest
from PIL import Image

from segviz.export.formats import exports, read_zip
from tests.browser.app_page import QUICK, AppPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_first_screen_shows_a_finished_run_and_three_presets(page):
    view = AppPage(page)
    view.at(32)
    assert view.read("steps") == 33
    assert {"prediction:0", "entropy:0", "receptive-field:0"} <= set(view.read("panels()"))
    for name in ("A gain", "No effect", "A collapse"):
        assert view.button(name).is_visible()
    assert view.query == {}


def test_pick_a_sample_run_play_and_scrub(page):
    view = AppPage(page)
    view.button("Choose a photo").click()
    view.button("Rocket", exact=True).click()
    page.get_by_text("Rocket before its launch · 500 x 334").wait_for()
    view.type("Scale", 1)
    view.type("Steps T", 4)
    view.button("Run", exact=True).click()
    page.get_by_text("scale 1 · 4 steps").wait_for()
    view.rest()
    view.at(4)
    seen = {4: view.picture("entropy:0")}
    page.keyboard.press("Home")
    view.at(0)
    seen[0] = view.picture("entropy:0")
    for step in (1, 2):
        page.keyboard.press("ArrowRight")
        view.at(step)
        seen[step] = view.picture("entropy:0")
    assert len(set(seen.values())) == 4
    track = page.get_by_label("Step", exact=True).bounding_box()
    page.mouse.move(track["x"] + track["width"] / 2, track["y"] + track["height"] / 2)
    page.mouse.down()
    page.mouse.move(track["x"] + 0.75 * track["width"], track["y"] + track["height"] / 2, steps=5)
    page.mouse.up()
    view.at(3)
    view.until(lambda: view.query.get("step") == "3", "the step in the address")
    view.button("Play").click()
    view.at(4)
    assert view.picture("entropy:0") == seen[4]


def test_keys_are_dead_while_typing(page, address):
    view = AppPage(page, address, QUICK)
    view.at(4)
    box = page.get_by_label("Steps T", exact=True)
    box.click()
    for key in ("Home", "ArrowLeft", "Space"):
        box.press(key)
    page.wait_for_timeout(300)
    assert view.read("step") == 4


def test_an_address_reproduces_the_view_in_another_tab(page, address, browser):
    view = AppPage(page, address, QUICK)
    page.keyboard.press("ArrowLeft")
    view.at(3)
    page.locator("canvas").nth(1).click(position={"x": 60, "y": 40})
    view.until(lambda: "pins" in view.query and view.query.get("step") == "3", "the address")
    view.button("Entropy", exact=True).first.click()
    view.until(lambda: "panels" in view.query, "the panels in the address")
    shown, pinned = view.picture(), view.read("view")
    other = browser.new_page()
    try:
        again = AppPage(_open(other, page.url))
        again.at(3)
        assert again.picture() == shown
        assert again.read("view") == pinned
        assert "entropy:0" not in again.read("panels()")
        assert again.query == view.query
    finally:
        other.close()


def _open(page, url):
    page.set_default_timeout(30_000)
    page.goto(url)
    return page


def test_bad_values_in_an_address_are_named(page, address):
    view = AppPage(page, address, QUICK + "&rate=fast&pins=<b>")
    page.get_by_text("rate = 'fast', but it must be").wait_for()
    page.get_by_text("pins = '<b>', but it must be").wait_for()
    view.at(4)


def test_stop_keeps_the_steps_that_are_there(page, address):
    view = AppPage(page, address, "?photo=sample:rocket&scale=1&steps=0")
    page.get_by_label("Variables", exact=True).click()
    page.get_by_role("option", name="all").click()
    view.type("Steps T", 128)
    view.button("Run", exact=True).click()
    page.get_by_text(re.compile(r"Step ([2-9]|\d\d+) of 128")).wait_for(timeout=120_000)
    view.until(lambda: view.read("steps") >= 2, "steps to play while it runs")
    view.button("Stop").click()
    page.get_by_text(re.compile(r"stopped at step \d+")).wait_for()
    view.rest()
    last = int(re.search(r"stopped at step (\d+)", page.get_by_test_id("stMain").inner_text())[1])
    assert 2 <= last < 128
    view.until(lambda: view.read("steps") == last + 1, "all steps")
    page.keyboard.press("Home")
    view.at(0)


def test_every_export_is_downloaded_and_decoded(page, address):
    view = AppPage(page, address, QUICK)
    page.get_by_test_id("stPopover").get_by_role("button").click()
    files = {}
    for name, kind in exports.items():
        title, files[name] = view.download(view.button(kind.label, exact=True))
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
    panel = np.array(Image.open(io.BytesIO(view.download(view.button("PNG", exact=True))[1])))
    assert panel.shape[:2] == (height, width)


def test_bad_uploads_are_refused_and_good_ones_run(page, address, tmp_path):
    view = AppPage(page, address, QUICK)
    view.button("Choose a photo").click()
    page.get_by_role("radio", name="Upload").or_(view.button("Upload")).first.click()
    field = page.locator("input[type=file]").first
    (tmp_path / "notes.jpg").write_text("no picture at all")
    field.set_input_files(tmp_path / "notes.jpg")
    page.get_by_text("damaged or not an image").wait_for()
    noise = np.random.default_rng(0).integers(0, 256, (70, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "good.png")
    field.set_input_files(tmp_path / "good.png")
    page.get_by_text("good.png · 60 x 70 · no truth").first.wait_for()
    view.button("Use this photo").click()
    view.button("Run", exact=True).click()
    page.get_by_text("no truth: compared with the 1x prediction").wait_for()
    view.rest()
    page.get_by_text("This view has no link").wait_for()
    assert view.query == {} and "right-wrong:0" not in view.read("panels()")


@pytest.mark.parametrize("width", [1100, 1440])
def test_dark_without_overflow(browser, address, width):
    page = browser.new_page()
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": width, "height": 800})
    AppPage(page, address, QUICK).at(4)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()

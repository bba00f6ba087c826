"""The page Iterate in a browser: what a person sees, clicks and types."""

import csv
import io
import re

import numpy as np
import pytest
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def view(page):
    return View(page)


class View:
    """The page as its readers see it."""

    def __init__(self, page):
        self.page = page
        self.button("Play").wait_for(timeout=120_000)
        self.button("Pictures of step").wait_for()  # drawn last

    def button(self, name):
        return self.page.get_by_role("button", name=re.compile(f"^({name})"))

    def step(self):
        """The step that the slider names, or the bar in its place during play."""
        places = self.page.get_by_test_id("stSlider").or_(self.page.get_by_test_id("stProgress"))
        found = re.search(r"step (\d+) of", places.first.inner_text())
        return int(found[1]) if found else None

    def numbers(self):
        names = self.page.get_by_test_id("stMetricLabel").all_inner_texts()
        values = self.page.get_by_test_id("stMetricValue").all_inner_texts()
        return dict(zip(names, values, strict=True))

    def pictures(self):
        images = self.page.get_by_test_id("stMain").get_by_test_id("stImage").locator("img")
        return [src for src in images.evaluate_all("all => all.map(i => i.src)") if "data:" in src]

    def until(self, condition, what, seconds=30):
        for _ in range(int(seconds / 0.05)):
            if condition():
                return
            self.page.wait_for_timeout(50)
        pytest.fail(f"it never came to {what}")

    def at(self, step):
        self.until(lambda: self.step() == step, f"step {step}")

    def curves(self):
        """The numbers of all steps, downloaded."""
        with self.page.expect_download() as download:
            self.button("Curves").click()
        return list(csv.DictReader(io.StringIO(download.value.path().read_text())))

    def type(self, label, value):
        box = self.page.get_by_label(label, exact=True)
        box.fill(str(value))
        box.press("Enter")

    def run(self, scale, steps, wait=True):
        heading = f"scale {scale} · {steps} steps"
        self.type("Scale", scale)
        self.type("Steps T", steps)
        self.button("Run").click()
        self.page.get_by_text(heading).wait_for()
        if wait:
            self.button("Play").wait_for()


def test_first_screen(view):
    assert view.step() == 32
    assert len(view.pictures()) == 6
    assert len(view.numbers()) == 5
    sizes = view.page.get_by_test_id("stMain").get_by_test_id("stImage").locator("img")
    boxes = [
        box
        for box in sizes.evaluate_all(
            "all => all.filter(i => i.src.startsWith('data:'))"
            ".map(i => [i.clientWidth, i.clientHeight, i.naturalWidth])"
        )
    ]
    assert len({(width, height) for width, height, _ in boxes}) == 1
    assert all(natural <= 1460 for _, _, natural in boxes)
    view.page.locator(".js-plotly-plot").first.wait_for()


def test_run_and_step_through(view):
    page = view.page
    page.get_by_text("Choose a photo").click()
    view.button("Rocket").click()
    page.get_by_text("Rocket before its launch · 500 x 334").wait_for()
    view.run(1, 4)
    page.get_by_text("Choose a photo").click()
    assert view.step() == 4
    curves = view.curves()
    assert len(curves) == 5

    seen = {}

    def check(step):
        view.at(step)
        # The fragment draws from top to bottom: wait for its last picture.
        entropy = f"{float(curves[step]['entropy']):.3f}"
        view.until(lambda: view.numbers()["Entropy, nats"] == entropy, f"the entropy of {step}")
        assert view.numbers()["Sigma, px"] == f"{float(curves[step]['sigma']):.1f}"
        view.button(f"Pictures of step {step}").wait_for()
        assert seen.setdefault(step, view.pictures()) == view.pictures()

    check(4)
    for name, step in (("First", 0), ("Next", 1), ("Next", 2), ("Previous", 1), ("Last", 4)):
        view.button(name).click()
        check(step)
    page.keyboard.press("Home")
    check(0)
    for step in (1, 2, 3):
        page.keyboard.press("ArrowRight")
        check(step)
    page.keyboard.press("ArrowLeft")
    check(2)
    page.keyboard.press("End")
    check(4)
    slider = page.get_by_role("slider").first
    slider.focus()
    slider.press("ArrowLeft")
    check(3)
    assert len({tuple(pictures) for pictures in seen.values()}) == 5


def test_play_and_pause(view):
    page = view.page
    view.run(1, 24)
    view.button("First").click()
    view.at(0)
    page.keyboard.press("Space")
    view.until(lambda: (view.step() or 0) >= 2, "step 2")
    page.keyboard.press("Space")
    view.button("Play").wait_for()
    halted = view.step()
    assert 2 <= halted < 24
    page.wait_for_timeout(700)
    assert view.step() == halted
    view.button("Play").click()
    view.button("Pause").click()
    view.button("Play").wait_for()
    view.button("Last").click()
    view.at(24)
    for _ in range(3):
        view.button("Previous").click()
        page.wait_for_timeout(300)
    start = view.step()
    view.button("Play").click()
    view.at(24)
    assert start < 24
    view.button("Play").wait_for()
    page.wait_for_timeout(700)
    assert view.step() == 24


def test_keys_are_dead_while_typing(view):
    view.run(1, 3)
    box = view.page.get_by_label("Steps T", exact=True)
    box.click()
    for key in ("Home", "ArrowLeft", "End"):
        box.press(key)
    view.page.wait_for_timeout(500)
    assert view.step() == 3


def test_stop_keeps_the_steps_that_are_there(view):
    page = view.page
    view.run(2, 128, wait=False)
    page.get_by_text(re.compile(r"Step ([2-9]|\d\d) of 128")).wait_for()
    view.button("Stop run").click()
    page.get_by_text(re.compile(r"stopped at step \d+")).wait_for()
    view.button("Play").wait_for()
    last = int(re.search(r"stopped at step (\d+)", page.get_by_test_id("stMain").inner_text())[1])
    assert 2 <= last < 128
    view.at(last)
    assert len(view.curves()) == last + 1
    view.button("Previous").click()
    view.at(last - 1)


def test_bad_uploads_are_refused_and_good_ones_run(view, tmp_path):
    page = view.page
    page.get_by_text("Choose a photo").click()
    page.get_by_role("radio", name="Upload").or_(view.button("Upload")).first.click()
    field = page.locator("input[type=file]").first
    before = view.pictures()
    (tmp_path / "notes.jpg").write_text("no picture at all")
    field.set_input_files(tmp_path / "notes.jpg")
    page.get_by_text("damaged or not an image").wait_for()
    assert page.get_by_test_id("stException").count() == 0
    assert view.pictures() == before
    noise = np.random.default_rng(0).integers(0, 256, (70, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "good.png")
    field.set_input_files(tmp_path / "good.png")
    page.get_by_text("good.png · 60 x 70 · no truth").wait_for()
    page.get_by_text("damaged or not an image").wait_for(state="hidden")
    view.run(1, 2)
    page.get_by_text("no truth: compared with the 1x prediction").wait_for()
    assert "Agreement vs. 1x" in view.numbers() and "IoU" not in view.numbers()


def test_dark_and_narrow(browser, address):
    page = browser.new_page()
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 1100, "height": 800})
    page.goto(address)
    view = View(page)
    assert len(view.pictures()) == 6
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 1100
    page.close()

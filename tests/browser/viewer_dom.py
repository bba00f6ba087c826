"""Read a viewer from its elements, as its users see it."""

import base64
import re

import numpy as np
import pytest

expect = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed").expect

PIXELS = """canvas => {
    const context = canvas.getContext("2d");
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let text = "";
    for (let i = 0; i < data.length; i += 4096) {
        text += String.fromCharCode(...data.subarray(i, i + 4096));
    }
    return [canvas.height, canvas.width, btoa(text)];
}"""

OUTLINE = (190, 196, 204)
"""The colour around classes that are nearly black, as the viewer paints it."""


class ViewerDom:
    """The viewer of a page.

    Arguments:
        page: A page of Playwright.
        timeout: Milliseconds that it may take to draw.
    """

    def __init__(self, page, timeout=60_000):
        self.page = page
        self.timeout = timeout
        self.root = page.locator(".segviz")
        self.scrubber = page.get_by_role("slider", name="Step", exact=True)

    def settle(self):
        """Wait until everything is decoded and the pictures are those of the step."""
        expect(self.root).to_have_attribute("aria-busy", "false", timeout=self.timeout)

    def at(self, step):
        """Wait until a step is shown."""
        shown = re.compile(rf"^step {step} of ")
        expect(self.page.locator("output.step")).to_have_text(shown, timeout=self.timeout)
        self.settle()

    @property
    def step(self):
        """The step shown."""
        return self._counts()[0]

    @property
    def last(self):
        """The last step there is."""
        return self._counts()[1]

    def _counts(self):
        text = self.page.locator("output.step").inner_text()
        return tuple(map(int, re.fullmatch(r"step (\d+) of (\d+)", text).groups()))

    def panels(self):
        """The panels shown, as "name:run"."""
        return self.page.locator(".segviz .grid .layer").evaluate_all(
            "all => all.map(e => `${e.dataset.panel}:${e.dataset.run}`)"
        )

    def layer(self, panel, run=0):
        """The picture of a panel."""
        return self.page.locator(f".segviz .grid {_layer(panel, run)}")

    def frame(self, panel, run=0):
        """The frame around a picture, with its marks."""
        picture = self.page.locator(_layer(panel, run))
        return self.page.locator(".segviz .grid .frame").filter(has=picture)

    def picture(self, panel, run=0):
        """The pixels of a panel, (H, W, 3) uint8."""
        self.settle()
        return pixels(self.layer(panel, run).locator("canvas"))

    def chosen(self):
        """The names of the panels whose buttons are pressed."""
        return self.page.locator(".segviz [data-panel][aria-pressed=true]").evaluate_all(
            "all => all.map(e => e.dataset.panel)"
        )

    def pins(self):
        """The pinned pixels (x, y)."""
        texts = self.page.locator(".segviz .pin header").all_inner_texts()
        return [tuple(map(int, re.search(r"x (\d+), y (\d+)", text).groups())) for text in texts]

    def state(self):
        """What an address can hold: step, pins and panels."""
        return self.step, self.pins(), self.chosen()


def _layer(panel, run):
    return f".layer[data-panel={panel}][data-run='{run}']"


def pixels(canvas, alpha=False):
    """The pixels of a canvas, (H, W, 3) uint8, with alpha (H, W, 4)."""
    height, width, text = canvas.evaluate(PIXELS)
    data = np.frombuffer(base64.b64decode(text), np.uint8)
    return data.reshape(height, width, 4)[..., : 4 if alpha else 3]

"""A page that mounts viewers, and what its tests share."""

import base64
import re
from pathlib import Path
from string import Template

import numpy as np

from segviz.data.voc_palette import PALETTE
from segviz.pictures import maps
from segviz.viewer import NamedRecord, ViewState, assets
from segviz.viewer.payload import payload
from tests.browser.viewer_dom import ViewerDom

STEPS = 18  # more than one group of steps


def html():
    """The page: `start` mounts a viewer, `grow` updates it, `send` is what Streamlit calls."""
    template = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
    files = assets()
    return template.substitute(css=files["css"], js=base64.b64encode(files["js"].encode()).decode())


def packed(runs, id=None):
    made = payload(runs)
    frames = base64.b64encode(made.frames).decode()
    return {"head": {**made.head, "id": id or len(made.frames)}, "frames": frames}


def message(record):
    """What the component is sent, in base64."""
    made = payload([NamedRecord(record, "entropy")])
    return base64.b64encode(made.pack(growing=False, view=ViewState().plain())).decode()


class Viewer(ViewerDom):
    """The viewer on the tests' own page."""

    def __init__(self, page):
        super().__init__(page)
        self.settle()

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    @property
    def zoom(self):
        """Magnification, and the left and upper edge of what is visible as parts of the photo."""
        transforms = self.page.locator(".grid canvas").evaluate_all(
            "all => all.map(c => c.style.transform)"
        )
        (transform,) = set(transforms)  # every panel has the same
        if not transform:
            return 1.0, 0.0, 0.0
        form = r"translate\(([\d.e-]+)%, ([\d.e-]+)%\) scale\(([\d.]+)\)"
        x, y, k = map(float, re.fullmatch(form, transform).groups())
        return k, -x / (100 * k), -y / (100 * k)

    def place(self, x, y, panel="prediction"):
        """Where a pixel of the photo lies on the page, in a panel that is not zoomed."""
        box = self.frame(panel).bounding_box()
        return box["x"] + (x + 0.5) / 72 * box["width"], box["y"] + (y + 0.5) / 56 * box["height"]

    def point(self, x, y, panel="prediction"):
        self.page.mouse.move(*self.place(x, y, panel))
        self.page.get_by_text(f"x {x}, y {y}").first.wait_for()

    def click(self, x, y, panel="prediction"):
        self.page.mouse.click(*self.place(x, y, panel))

    def reading(self, name, run=0):
        return self.page.locator(f".inspector td[data-name={name}]").nth(run).inner_text()

    def reports(self):
        return self.page.evaluate("window.reports")

    def reported(self, **want):
        """Wait until the page has heard of this state, or of this part of it."""
        self.page.wait_for_function(
            """want => Object.entries(want).every(
                ([name, value]) => JSON.stringify(reports.at(-1)?.[name]) === JSON.stringify(value)
            )""",
            arg=want,
        )

    def rest(self):
        """Let the time pass after which a viewer at rest reports its state."""
        self.page.evaluate("elapse()")

    def until_step(self, condition):
        """Wait until the step shown meets a condition in JavaScript."""
        step = "parseInt(document.querySelector('output.step').textContent.slice(5))"
        self.page.wait_for_function(f"(step => {condition})({step})")


def selected_mask(record, step):
    """S of a step at the photo's resolution, (H, W) bool."""
    return maps.to_photo(record.selected[step], record) > 0.5


def same(picture, want):
    """Equal, but for interpolated values that lie between two colours."""
    different = (picture != want).any(-1)
    assert different.mean() < 0.002
    assert np.abs(picture.astype(int) - want).max() <= 4


def check(viewer, record, step, run=0):
    viewer.at(step)
    labels = record.labels[min(step, record.last)]
    assert np.array_equal(viewer.picture("prediction", run), drawn_labels(labels))


def drawn_labels(labels):
    """Class ids in VOC's colours, with an outline inside of classes that are nearly black."""
    picture = maps.label_picture(labels)
    for id in np.unique(labels):
        if id in (0, 255) or PALETTE[id] @ (0.2126, 0.7152, 0.0722) >= 30:
            continue
        mask = labels == id
        padded = np.pad(mask, 1, mode="edge")
        inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
        picture[mask & ~inner] = (190, 196, 204)
    return picture

"""The viewer in a browser, on a page of its own: what it draws is what the record holds."""

import base64
import dataclasses
import re

import numpy as np
import pytest
import torch

from segviz.adapt import Settings
from segviz.network.grid import resample
from segviz.network.receptive_field import extent
from segviz.pictures import maps
from segviz.runs.run import Run
from segviz.viewer import NamedRecord, ViewState, assets
from segviz.viewer.payload import payload
from tests.browser.viewer_dom import ViewerDom, expect, pixels

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STEPS = 18  # more than one group of steps
PAGE = """<!doctype html><meta charset="utf-8"><style>body {{ margin: 12px }} {css}</style>
<input id="text" aria-label="Text"><div id="place"></div><script>
const pending = new Map();
const {{ setTimeout: set, clearTimeout: clear }} = window;
window.setTimeout = (run, wait) => {{
  const id = set(() => pending.delete(id) && run(), wait);
  pending.set(id, run);
  return id;
}};
window.clearTimeout = (id) => pending.delete(id) && clear(id);
window.elapse = () => {{
  for (const [id, run] of [...pending]) clearTimeout(id) || run();
}};
</script>
<script type="module">
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const code = new Blob([bytes("{js}")], {{ type: "text/javascript" }});
const {{ mount, default: component }} = await import(URL.createObjectURL(code));
const unpacked = ({{ head, frames }}) => [head, bytes(frames)];
const place = document.getElementById("place");
const report = (state) => window.reports.push(state);
window.start = (data, options) => {{
  window.viewer?.destroy();
  window.reports = [];
  window.viewer = mount(place, ...unpacked(data), {{ ...options, report }});
}};
window.grow = (data, options) => window.viewer.update(...unpacked(data), options);
window.send = (data) => component({{ data: bytes(data), parentElement: place }});
window.ready = true;
</script>"""


@pytest.fixture(scope="module")
def record(trained, photo, truth):
    settings = Settings(scale=2.0, steps=STEPS, learning_rate=0.02)
    return Run(trained, photo, settings, truth, "two shapes").all()


@pytest.fixture(scope="module")
def other(trained, photo, truth):
    settings = Settings(scale=1.0, steps=4, learning_rate=0.02)
    return Run(trained, photo, settings, truth, "two shapes").all()


@pytest.fixture(scope="module")
def tab(browser):
    """A page that can mount viewers; it must not complain."""
    page, complaints = browser.new_page(), []
    page.set_default_timeout(60_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    files = assets()
    js = base64.b64encode(files["js"].encode()).decode()
    page.set_content(PAGE.format(js=js, css=files["css"]))
    page.wait_for_function("() => window.ready")
    yield page
    page.close()
    assert complaints == []


@pytest.fixture
def open_page(tab):
    """Opens a viewer in place of the one before."""

    def open(runs, width=1100, **options):
        tab.set_viewport_size({"width": width, "height": 1000})
        tab.mouse.move(0, 0)
        tab.evaluate("scrollTo(0, 0)")
        tab.evaluate("([data, options]) => start(data, options)", [packed(runs), options])
        return Viewer(tab)

    return open


def packed(runs, id=None):
    made = payload(runs)
    frames = base64.b64encode(made.frames).decode()
    return {"head": {**made.head, "id": id or len(made.frames)}, "frames": frames}


def cut(record, steps):
    """The record as it was after so many steps."""
    maps = {
        name: dataclasses.replace(getattr(record, name), codes=getattr(record, name).codes[:steps])
        for name in ("entropy", "sigma", "log_probabilities")
    }
    return dataclasses.replace(
        record,
        steps=record.steps[:steps],
        labels=record.labels[:steps],
        selected=record.selected[:steps],
        **maps,
    )


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


def same(picture, want):
    """Equal, but for interpolated values that lie between two colours."""
    different = (picture != want).any(-1)
    assert different.mean() < 0.002
    assert np.abs(picture.astype(int) - want).max() <= 4


def check(viewer, record, step, run=0):
    viewer.at(step)
    labels = record.labels[min(step, record.last)]
    assert np.array_equal(viewer.picture("prediction", run), maps.label_picture(labels))


def test_pictures_are_those_of_the_record(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")])
    assert viewer.panels() == [
        f"{name}:0"
        for name in ("photo", "prediction", "entropy", "receptive-field", "truth", "right-wrong")
    ]
    viewer.button("Outline S").click()
    entropy, sigma = maps.limits_of(record.entropy), maps.limits_of(record.sigma)
    for step in (STEPS, 0, 7):
        viewer.scrubber.fill(str(step))
        check(viewer, record, step)
        labels = record.labels[step]
        overlay = maps.overlay(record.photo, labels, 0.6)
        assert np.array_equal(viewer.picture("photo"), overlay)
        assert np.array_equal(viewer.picture("truth"), maps.label_picture(record.truth))
        fate = maps.outcome_picture(record.truth, record.labels[0], labels)
        assert np.array_equal(viewer.picture("right-wrong"), fate)
        drawn = maps.entropy_picture(record, step, entropy)
        same(viewer.picture("entropy"), maps.outline(drawn, maps.selected_mask(record, step)))
        same(
            viewer.picture("receptive-field"),
            maps.receptive_field_picture(record, step, sigma),
        )
    assert len(np.unique(viewer.picture("prediction")[20], axis=0)) > 1


def test_scrubbing_by_mouse_reports_on_release(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")])
    viewer.at(STEPS)
    box = viewer.scrubber.bounding_box()
    y = box["y"] + box["height"] / 2
    mouse = viewer.page.mouse
    mouse.move(box["x"] + box["width"] - 8, y)
    mouse.down()
    seen = set()
    for part in (0.8, 0.5, 0.25, 0.1):
        mouse.move(box["x"] + part * box["width"], y, steps=3)
        viewer.settle()
        step = viewer.step
        check(viewer, record, step)
        seen.add(step)
    viewer.rest()
    assert len(seen) == 4 and viewer.reports() == []
    mouse.up()
    viewer.reported(step=viewer.step, pins=[], panels=[])


def test_keys_and_buttons(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")], view={"step": 5})
    viewer.at(5)
    press = viewer.page.keyboard.press
    for key, step in (
        ("ArrowRight", 6),
        ("ArrowLeft", 5),
        ("Shift+ArrowRight", 15),
        ("Shift+ArrowLeft", 5),
        ("End", STEPS),
        ("ArrowRight", STEPS),
        ("Home", 0),
        ("ArrowLeft", 0),
    ):
        press(key)
        viewer.at(step)
    viewer.reported(step=0, pins=[], panels=[])
    viewer.scrubber.focus()
    for key, step in (("ArrowRight", 1), ("Shift+ArrowRight", 11), ("Home", 0)):
        press(key)
        viewer.at(step)
    for name, step in (
        ("Next step (Right)", 1),
        ("Last step (End)", STEPS),
        ("Previous step (Left)", STEPS - 1),
        ("First step (Home)", 0),
    ):
        viewer.button(name).click()
        check(viewer, record, step)


def test_keys_are_dead_while_typing_and_leave_others_alone(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")], view={"step": 5})
    viewer.at(5)
    box = viewer.page.get_by_label("Text", exact=True)
    box.focus()
    viewer.page.keyboard.type("a b ")
    for key in ("Home", "ArrowRight", "End"):
        viewer.page.keyboard.press(key)
    assert box.input_value() == "a b "
    viewer.settle()
    assert viewer.step == 5 and viewer.button("Play").is_visible()
    box.blur()
    viewer.page.evaluate(
        "() => { window.left = []; onkeydown = (e) => e.defaultPrevented || left.push(e.key); }"
    )
    for key in ("c", "r", "Control+ArrowRight", "Alt+End", "ArrowUp"):
        viewer.page.keyboard.press(key)
    left = viewer.page.evaluate("left")
    assert {"c", "r", "ArrowRight", "End", "ArrowUp"} <= set(left) and viewer.step == 5


def test_play_pause_speed_and_loop(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")], view={"step": 0})
    viewer.at(0)
    viewer.page.get_by_label("Speed").select_option("4")
    viewer.page.keyboard.press("Space")
    viewer.until_step("step >= 3")
    viewer.rest()
    assert viewer.reports() == []
    viewer.page.keyboard.press("Space")
    viewer.button("Play").wait_for()
    halted = viewer.step
    assert 3 <= halted < STEPS
    viewer.reported(step=halted)
    check(viewer, record, halted)
    viewer.settle()
    assert viewer.step == halted
    viewer.button("Play").click()
    viewer.at(STEPS)
    viewer.button("Play").wait_for()
    viewer.button("Loop").click()
    viewer.button("Play").click()  # from the end it starts over
    viewer.until_step("step >= 1 && step < 9")
    viewer.until_step(f"step === {STEPS}")
    viewer.until_step("step <= 3")
    viewer.button("Pause").click()


def test_the_inspector_reads_the_record(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")], view={"step": 9})
    viewer.at(9)
    rows, columns = (torch.from_numpy(p) for p in record.positions)
    codes = torch.from_numpy(record.log_probabilities[9])
    odds = resample(codes, rows, columns).softmax(0).numpy()
    entropy = maps.to_photo(record.entropy[9], record)
    sigma = maps.to_photo(record.sigma[9], record)
    selected = maps.selected_mask(record, 9)
    for x, y, panel in ((0, 0, "photo"), (71, 55, "entropy"), (20, 25, "truth"), (50, 30, "photo")):
        viewer.point(x, y, panel)
        label = record.labels[9, y, x]
        assert viewer.reading("class") == record.classes[label]
        assert float(viewer.reading("entropy")) == pytest.approx(entropy[y, x], abs=6e-4)
        assert float(viewer.reading("sigma")) == pytest.approx(sigma[y, x], abs=0.06)
        size = extent(torch.tensor(sigma[y, x] / record.stride), record.stride).item()
        assert float(viewer.reading("receptive-field")) == pytest.approx(size, abs=0.6)
        assert viewer.reading("selected") == ("yes" if selected[y, x] else "no")
        share = float(viewer.reading("probability").removesuffix(" %"))
        assert share == pytest.approx(100 * odds[label, y, x], abs=2)
        other, second = re.fullmatch(r"(\w+)\s+([\d.]+) %", viewer.reading("runner-up")).groups()
        rest = np.delete(odds[:, y, x], label)
        assert float(second) == pytest.approx(100 * rest.max(), abs=2)
        assert other in record.classes
        assert viewer.page.locator(".ranking li .chip").count() == 5
        true = record.truth[y, x]
        name = "ignored" if true == 255 else record.classes[true]
        assert viewer.page.locator(".inspector .truth").inner_text().split()[-1] == name
        # The receptive field is drawn to scale: its diameter, in pixels of the photo.
        radius = viewer.frame("photo").locator("circle.field.front").get_attribute("r")
        assert 2 * float(radius) == pytest.approx(size / 2.0, rel=0.01)
    lines = viewer.page.locator(".grid .marks line.front")
    ends = lines.evaluate_all(
        "all => all.map(line => [line.getAttribute('x2'), line.style.display])"
    )
    assert len(ends) == 2 * 6 and ends.count(["50.5", ""]) == 6  # down through every panel
    viewer.page.mouse.move(5, 5)
    viewer.page.get_by_text("Point at a picture").wait_for()
    assert set(lines.evaluate_all("all => all.map(line => line.style.display)")) == {"none"}
    assert viewer.reading("class") == "\N{EN DASH}"


def test_pins_and_their_histories(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")], view={"step": 3, "pins": [[10, 12]]})
    viewer.at(3)
    assert viewer.page.locator(".pin").count() == 1
    viewer.click(30, 20)
    viewer.click(60, 40, "entropy")
    viewer.reported(pins=[[10, 12], [30, 20], [60, 40]])
    assert viewer.frame("truth").locator(".badge").all_inner_texts() == ["1", "2", "3"]
    rows = viewer.page.locator(".pin")
    for step in (3, 12):
        viewer.scrubber.fill(str(step))
        viewer.at(step)
        names = [
            record.classes[record.labels[step, y, x]] for x, y in ((10, 12), (30, 20), (60, 40))
        ]
        rows.nth(2).locator(".label", has_text=names[2]).wait_for()
        assert [row.locator(".label").inner_text() for row in rows.all()] == names
    strip = rows.nth(1).locator(".strip > i:not(.now)")
    assert strip.count() == STEPS + 1
    colours = strip.evaluate_all(
        "all => all.map(i => i.style.backgroundColor.match(/\\d+/g).map(Number))"
    )
    assert colours == maps.label_picture(record.labels[:, 20, 30]).tolist()
    chart = viewer.page.locator(".pins .chart").first
    values = [
        maps.to_photo(record.entropy[s], record)[y, x]
        for s in range(STEPS + 1)
        for x, y in ((10, 12), (30, 20), (60, 40))
    ]
    shown = [float(chart.locator(name).inner_text()) for name in (".low", ".high")]
    assert shown == pytest.approx([min(values), max(values)], abs=6e-4)
    viewer.click(31, 20)  # near enough to the second
    viewer.button("Unpin pixel 1").click()
    viewer.reported(pins=[[60, 40]])
    for x in range(5):
        viewer.click(8 + 12 * x, 8)
    viewer.page.get_by_role("status").get_by_text("5 pixels are pinned").wait_for()
    assert viewer.page.locator(".pin").count() == 5


def test_charts_and_headlines_follow_the_step(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")])
    viewer.at(STEPS)
    chart = viewer.page.locator(".numbers .plot").first
    box = chart.bounding_box()
    viewer.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    viewer.at(STEPS // 2)
    step = record.steps[STEPS // 2]
    for key, decimals in (("iou", 3), ("accuracy", 3), ("entropy", 3), ("sigma", 1), ("loss", 3)):
        value = viewer.page.locator(f"b[data-number={key}]")
        assert float(value.inner_text()) == pytest.approx(step[key], abs=0.51 * 10**-decimals)
        change = value.locator("xpath=following-sibling::span").inner_text()
        number = float(re.sub("[+±]", "", change.replace("\N{MINUS SIGN}", "-")))
        assert number == pytest.approx(step[key] - record.steps[0][key], abs=1.01 * 10**-decimals)
    viewer.reported(step=STEPS // 2)


def test_zoom_and_pan_are_shared(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")])
    viewer.at(STEPS)
    viewer.point(18, 14)
    for _ in range(3):
        viewer.page.mouse.wheel(0, -240)
    viewer.settle()
    k, u, v = viewer.zoom
    assert k > 4
    assert viewer.page.get_by_text(f"{k:.1f}\N{MULTIPLICATION SIGN}").is_visible()
    # What was under the pointer stays there, in every panel.
    x, y = viewer.place(18, 14)
    viewer.page.mouse.move(x + 0.1, y + 0.1)
    viewer.page.get_by_text("x 18, y 14").wait_for()
    viewer.page.mouse.down()
    viewer.page.mouse.move(x - 40, y - 30, steps=4)
    viewer.page.mouse.up()
    viewer.settle()
    moved = viewer.zoom
    assert moved[0] == k and moved[1] > u and moved[2] > v
    assert viewer.page.locator(".pin").count() == 0  # a drag is no click
    viewer.page.mouse.dblclick(x, y)
    viewer.settle()
    assert viewer.zoom == (1, 0, 0)
    assert viewer.page.locator(".pin").count() == 0
    viewer.click(30, 20)
    viewer.page.locator(".pin").wait_for()
    viewer.click(30, 20)
    viewer.page.locator(".pin").wait_for(state="detached")
    viewer.page.mouse.move(5, 5)
    viewer.page.get_by_text("Point at a picture").wait_for()
    viewer.frame("entropy").focus()
    for key in ("d", "Shift+S", "+", "+", "Enter"):
        viewer.page.keyboard.press(key)
    viewer.reported(pins=[[37, 38]])
    assert viewer.zoom[0] > 2
    viewer.page.keyboard.press("0")
    viewer.settle()
    assert viewer.zoom == (1, 0, 0)


def test_isolating_a_class(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")])
    viewer.at(STEPS)
    names = viewer.page.locator(".legend button").all_inner_texts()
    assert names == [record.classes[id] for id in maps.classes_in(record)]
    id = int(np.bincount(record.labels[-1].ravel()).argmax())
    mask = record.labels[-1] == id
    whole = maps.label_picture(record.labels[-1])
    viewer.button(record.classes[id]).click()
    viewer.settle()
    alone = viewer.picture("prediction")
    assert (alone[mask] == whole[mask]).all() or id == 0
    assert len(np.unique(alone[~mask], axis=0)) <= 2
    assert viewer.button(record.classes[id]).get_attribute("aria-pressed") == "true"
    viewer.button(record.classes[id]).click()
    viewer.settle()
    assert np.array_equal(viewer.picture("prediction"), whole)


def test_range_of_all_steps_or_of_one(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")], view={"step": 6})
    viewer.at(6)
    ends = viewer.page.locator(".scale span")

    def printed():
        return [float(ends.nth(i).inner_text().split()[0]) for i in range(4)]

    both = (record.entropy, record.sigma)
    whole = [end for one in both for end in maps.limits_of(one)]
    assert printed() == pytest.approx(whole, abs=0.06)
    viewer.button("This step").click()
    viewer.settle()
    single = [end for one in both for end in maps.limits_of(one, 6)]
    assert printed() == pytest.approx(single, abs=0.06) and single != whole
    same(
        viewer.picture("entropy"),
        maps.entropy_picture(record, 6, maps.limits_of(record.entropy, 6)),
    )
    assert "nats" in ends.nth(1).inner_text() and "input px" in ends.nth(3).inner_text()


def test_wipe_between_two_panels(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")])
    viewer.at(STEPS)
    viewer.button("Wipe").click()
    frame = viewer.page.locator(".wipe .frame")
    frame.wait_for()
    left = viewer.page.get_by_label("Panel on the left")
    assert left.locator("option:checked").inner_text() == "Prediction, step 0"
    left.select_option(label="Entropy")
    divider = viewer.page.get_by_role("slider", name="Divider")
    viewer.settle()
    frame.hover()  # waits until it has its place
    box = frame.bounding_box()
    viewer.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 40)
    viewer.page.mouse.down()
    viewer.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 60, steps=3)
    viewer.page.mouse.up()
    viewer.page.wait_for_function("document.querySelector('.divider').ariaValueNow === '25'")
    assert "25%" in frame.locator(".layer").nth(1).evaluate("e => e.style.clipPath")
    divider.press("ArrowRight")
    viewer.page.wait_for_function("document.querySelector('.divider').ariaValueNow === '26'")
    assert viewer.step == STEPS  # the arrow was the divider's
    shown = pixels(frame.locator("canvas").nth(1))
    assert np.array_equal(shown, maps.label_picture(record.labels[-1]))
    viewer.button("Wipe").click()
    frame.wait_for(state="hidden")


def test_panels_are_chosen(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")], view={"panels": ["entropy", "prediction"]})
    assert viewer.panels() == ["prediction:0", "entropy:0"]
    viewer.button("Prediction, step 0").click()
    viewer.reported(panels=["feedforward", "prediction", "entropy"])
    first = maps.label_picture(record.labels[0])
    assert np.array_equal(viewer.picture("feedforward"), first)
    for name in ("Prediction, step 0", "Prediction", "Entropy"):
        viewer.button(name).click()
    assert viewer.panels() == ["entropy:0"]  # one stays


def test_touch(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")])
    viewer.at(STEPS)
    (x, y), box = viewer.place(24, 30), viewer.frame("prediction").bounding_box()
    client = viewer.page.context.new_cdp_session(viewer.page)
    client.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def touch(kind, *points):
        places = [{"x": px, "y": py, "id": i} for i, (px, py) in enumerate(points)]
        client.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": places})

    touch("Start", (x, y))
    touch("End")
    viewer.reported(pins=[[24, 30]])
    assert viewer.reading("class") == record.classes[record.labels[-1, 30, 24]]
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    spread = [20, 30, 45, 60, 80]
    touch("Start", (middle[0] - 20, middle[1]), (middle[0] + 20, middle[1]))
    for far in spread:
        touch("Move", (middle[0] - far, middle[1]), (middle[0] + far, middle[1]))
    touch("End")
    viewer.settle()
    assert viewer.zoom[0] > 2 and viewer.pins() == [(24, 30)]


def test_growing_runs_are_followed_until_the_reader_moves(open_page, record):
    viewer = open_page([NamedRecord(cut(record, 3), "entropy")], growing=True)
    check(viewer, record, 2)
    grow = "([data, growing]) => grow(data, { growing })"
    viewer.page.evaluate(grow, [packed([NamedRecord(cut(record, 5), "entropy")]), True])
    check(viewer, record, 4)
    viewer.click(20, 20)
    viewer.page.keyboard.press("ArrowLeft")
    viewer.at(3)
    viewer.page.evaluate(grow, [packed([NamedRecord(cut(record, 8), "entropy")]), True])
    expect(viewer.page.locator("output.step")).to_have_text("step 3 of 7")
    check(viewer, record, 3)
    viewer.reported(step=3, pins=[[20, 20]], panels=[])
    viewer.page.get_by_label("Speed").select_option("4")
    viewer.page.keyboard.press("Space")  # what is there plays, and waits for more
    viewer.until_step("step === 7")
    viewer.button("Pause").wait_for()
    viewer.page.evaluate(grow, [packed([NamedRecord(record, "entropy")]), False])
    viewer.at(STEPS)
    viewer.button("Play").wait_for()
    check(viewer, record, STEPS)


def test_captions_of_growing_runs(open_page, record, other):
    runs = [NamedRecord(other, "first"), NamedRecord(cut(record, 3), "second")]
    panels = ["feedforward", "prediction", "entropy", "receptive-field"]
    viewer = open_page(runs, growing=True, view={"panels": panels})
    viewer.at(4)

    def captions():
        return viewer.page.locator("figcaption > :last-child").all_inner_texts()

    assert captions()[3].startswith("step 2 · IoU ")
    runs = [runs[0], NamedRecord(record, "second")]
    viewer.page.evaluate("data => grow(data, { growing: false })", packed(runs))
    viewer.at(STEPS)
    assert [text.split(" (")[0] for text in captions()] == [
        f"IoU {other.steps[0]['iou']:.3f}",
        f"IoU {record.steps[0]['iou']:.3f}",
        f"step 4 · IoU {other.steps[4]['iou']:.3f}",
        f"IoU {record.steps[STEPS]['iou']:.3f}",
        f"step 4 · Mean entropy {other.steps[4]['entropy']:.3f}",
        f"Mean entropy {record.steps[STEPS]['entropy']:.3f}",
        f"step 4 · Mean sigma {other.steps[4]['sigma']:.1f}",
        f"Mean sigma {record.steps[STEPS]['sigma']:.1f}",
    ]


def test_runs_side_by_side(open_page, record, other):
    name = '<img src=x onerror="window.harmed = 1">'
    viewer = open_page([NamedRecord(record, "entropy, 2x"), NamedRecord(other, name)])
    viewer.at(STEPS)
    assert viewer.panels() == [
        "photo:0",
        "prediction:0",
        "prediction:1",
        "truth:0",
        "entropy:0",
        "entropy:1",
    ]
    assert viewer.page.locator("figcaption", has_text=name).count() == 2
    assert viewer.page.evaluate("window.harmed") is None
    viewer.page.get_by_text(re.compile(r"^step 4 · IoU")).first.wait_for()  # it has no later one
    for step in (STEPS, 2):
        viewer.scrubber.fill(str(step))
        check(viewer, record, step, 0)
        check(viewer, other, step, 1)
    assert viewer.page.get_by_text(re.compile(r"^step 4 · IoU")).count() == 0
    same(
        viewer.picture("entropy", 1),
        maps.entropy_picture(
            other, 2, (0.0, max(maps.limits_of(r.entropy)[1] for r in (record, other)))
        ),
    )
    viewer.point(40, 30, "photo")
    for run, one in enumerate((record, other)):
        assert viewer.reading("class", run) == one.classes[one.labels[2, 30, 40]]
        number = viewer.page.locator(f"b[data-number=iou][data-run='{run}']")
        assert float(number.inner_text()) == pytest.approx(one.steps[2]["iou"], abs=6e-4)
    assert viewer.frame("photo").locator("circle.front").count() == 2


@pytest.mark.parametrize("width", [390, 700, 1100, 1800])
def test_layout(open_page, record, width):
    viewer = open_page([NamedRecord(record, "entropy")], width=width)
    viewer.at(STEPS)
    root = viewer.page.locator(".segviz")
    boxes = [frame.bounding_box() for frame in viewer.page.locator(".grid .frame").all()]
    assert len({(round(box["width"], 1), round(box["height"], 1)) for box in boxes}) == 1
    assert boxes[0]["width"] / boxes[0]["height"] == pytest.approx(72 / 56, rel=0.01)
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= width
    height = root.bounding_box()["height"]
    for step in (0, 9):
        viewer.scrubber.fill(str(step))
        viewer.at(step)
        viewer.point(30, 30)
        assert root.bounding_box()["height"] == height
        again = [frame.bounding_box() for frame in viewer.page.locator(".grid .frame").all()]
        assert again == boxes
    named = "all => all.filter(e => !(e.ariaLabel || e.title || e.innerText.trim())).length"
    controls = root.locator("button, select, input, [role=slider], .frame")
    assert controls.count() > 15 and controls.evaluate_all(named) == 0


def test_what_a_browser_reports_is_the_state_it_was_opened_with(open_page, record):
    runs = [NamedRecord(record, "entropy")]
    state = ViewState(4, ((3, 4), (50, 20)), ("prediction", "truth"))
    viewer = open_page(runs, view=state.plain())
    viewer.at(4)
    assert viewer.state() == (4, [(3, 4), (50, 20)], ["prediction", "truth"])
    viewer.page.keyboard.press("ArrowRight")
    viewer.reported(step=5)
    found = ViewState.of(viewer.reports()[-1], runs)
    assert found == dataclasses.replace(state, step=5)


# As a component of Streamlit


def test_a_message_undone_late_leaves_the_viewer_to_the_next(open_page, record):
    page = open_page([NamedRecord(record, "entropy")]).page
    page.evaluate("viewer.destroy()")
    messages = [message(cut(record, 3)), message(record)]
    page.evaluate("([first, second]) => (window.undo = [send(first), send(second)])", messages)
    page.evaluate("undo[0]()")
    viewer = Viewer(page)
    assert viewer.state()[:2] == (STEPS, []) and viewer.last == STEPS
    page.evaluate("undo[1]()")
    assert viewer.root.count() == 0
    page.evaluate("([first]) => (undo[0] = send(first))", messages)
    page.evaluate("undo[1]()")
    assert Viewer(page).last == 2
    page.evaluate("undo[0]()")


def message(record):
    """What the component is sent, in base64."""
    made = payload([NamedRecord(record, "entropy")])
    return base64.b64encode(made.pack(growing=False, view=ViewState().plain())).decode()

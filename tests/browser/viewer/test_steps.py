"""The step: played, scrubbed, by key, by chart; runs that grow."""

import re

import pytest

from segviz.viewer import NamedRecord
from tests.browser.viewer.viewer_page import STEPS, check, packed
from tests.browser.viewer_dom import expect
from tests.records import first_steps

pytestmark = [pytest.mark.browser, pytest.mark.slow]


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


def test_growing_runs_are_followed_until_the_reader_moves(open_page, record):
    viewer = open_page([NamedRecord(first_steps(record, 3), "entropy")], growing=True)
    check(viewer, record, 2)
    grow = "([data, growing]) => grow(data, { growing })"
    viewer.page.evaluate(grow, [packed([NamedRecord(first_steps(record, 5), "entropy")]), True])
    check(viewer, record, 4)
    viewer.click(20, 20)
    viewer.page.keyboard.press("ArrowLeft")
    viewer.at(3)
    viewer.page.evaluate(grow, [packed([NamedRecord(first_steps(record, 8), "entropy")]), True])
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
    runs = [NamedRecord(other, "first"), NamedRecord(first_steps(record, 3), "second")]
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

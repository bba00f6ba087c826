"""What the viewer draws is what the record holds."""

import re

import numpy as np
import pytest

from segviz.pictures import maps
from segviz.viewer import NamedRecord
from tests.browser.viewer.viewer_page import STEPS, check, drawn_labels, same, selected_mask
from tests.browser.viewer_dom import pixels

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def outlined(picture, mask):
    """A picture with the border of a mask (H, W) in white."""
    padded = np.pad(mask, 1, mode="edge")
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.where((mask & ~inner)[..., None], np.uint8(255), picture)


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
        assert np.array_equal(viewer.picture("truth"), drawn_labels(record.truth))
        fate = maps.outcome_picture(record.truth, record.labels[0], labels)
        assert np.array_equal(viewer.picture("right-wrong"), fate)
        drawn = maps.entropy_picture(record, step, entropy)
        same(viewer.picture("entropy"), outlined(drawn, selected_mask(record, step)))
        same(
            viewer.picture("receptive-field"),
            maps.receptive_field_picture(record, step, sigma),
        )
    assert len(np.unique(viewer.picture("prediction")[20], axis=0)) > 1


def test_isolating_a_class(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")])
    viewer.at(STEPS)
    names = viewer.page.locator(".legend button").all_inner_texts()
    assert names == [record.classes[id] for id in maps.classes_in(record)]
    id = int(np.bincount(record.labels[-1].ravel()).argmax())
    mask = record.labels[-1] == id
    whole = drawn_labels(record.labels[-1])
    viewer.button(record.classes[id]).click()
    viewer.settle()
    alone = viewer.picture("prediction")
    plain = maps.label_picture(record.labels[-1])
    assert (alone[mask] == plain[mask]).all() or id == 0
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
    assert np.array_equal(shown, drawn_labels(record.labels[-1]))
    viewer.button("Wipe").click()
    frame.wait_for(state="hidden")


def test_panels_are_chosen(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")], view={"panels": ["entropy", "prediction"]})
    assert viewer.panels() == ["prediction:0", "entropy:0"]
    viewer.button("Prediction, step 0").click()
    viewer.reported(panels=["feedforward", "prediction", "entropy"])
    first = drawn_labels(record.labels[0])
    assert np.array_equal(viewer.picture("feedforward"), first)
    for name in ("Prediction, step 0", "Prediction", "Entropy"):
        viewer.button(name).click()
    assert viewer.panels() == ["entropy:0"]  # one stays


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
    viewer.button("Wipe").click()
    viewer.settle()
    box = viewer.page.locator(".wipe .frame").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= width
    viewer.button("Wipe").click()
    viewer.settle()
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


def test_all_chosen_panels_fit_the_window(open_page, record, other):
    one, several = [NamedRecord(record, "a")], [NamedRecord(record, "a"), NamedRecord(other, "b")]
    chosen = ["photo", "prediction", "entropy", "receptive-field", "truth", "right-wrong"]
    for width, height in ((780, 800), (1440, 900), (1920, 1080)):
        for runs, count in ((one, 2), (one, 4), (one, 6), (several, 6)):
            view = {"panels": chosen[:count]}
            viewer = open_page(runs, width=width, height=height, view=view)
            bottom, right = viewer.page.evaluate(
                """() => [...document.querySelectorAll('.segviz .cell')]
                    .map(cell => cell.getBoundingClientRect())
                    .reduce(([b, r], { bottom, right }) =>
                        [Math.max(b, bottom), Math.max(r, right)], [0, 0])"""
            )
            assert bottom <= height and right <= width, (width, len(runs), count)


def test_the_player_stays_in_view(open_page, record):
    viewer = open_page([NamedRecord(record, "a")], width=390, height=500)
    viewer.page.evaluate("scrollTo(0, 600)")
    box = viewer.page.locator(".playback").bounding_box()
    assert box["y"] < 20 and box["x"] + box["width"] <= 390
    assert viewer.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_panels_of_probabilities_and_differences(open_page, record):
    chosen = ["prediction", "probability", "confident", "difference"]
    viewer = open_page([NamedRecord(record, "entropy")], view={"panels": chosen, "step": 7})
    viewer.at(7)
    viewer.page.wait_for_function("document.querySelector('[data-panel=confident][data-step]')")
    close = maps.coloured(maps.confidence(record, 7), (0.0, 1.0), "probability").astype(int)
    assert (
        np.abs(viewer.picture("probability") - close).mean() < 2
    )  # classes below 1 % are left out
    values = maps.confidence(record, 7)
    slider = viewer.page.get_by_label("Threshold of confidence")
    percent = int(100 * np.median(values))
    slider.fill(str(percent))
    viewer.reported(threshold=percent)
    grey = (viewer.picture("confident") == maps.BELOW_THRESHOLD).all(-1)
    assert (grey != (values < percent / 100)).mean() < 0.03 and 0.2 < grey.mean() < 0.8
    assert "of pixels" in viewer.page.locator(".cell footer").nth(2).inner_text()
    want = maps.difference_picture(record, 7, record.labels[0])
    assert np.array_equal(viewer.picture("difference"), want)
    step = viewer.page.get_by_label("Step that differences are taken from")
    step.fill("12")
    step.press("Enter")
    viewer.reported(against=[None, 12])
    want = maps.difference_picture(record, 7, record.labels[12])
    assert np.array_equal(viewer.picture("difference"), want)


def test_a_cell_of_the_confusion_matrix_lights_its_pixels(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")])
    viewer.at(STEPS)
    viewer.page.locator(".confusion summary").click()
    ids = maps.classes_in(record)
    labels = record.labels[-1]
    counts = {(t, p): int(((record.truth == t) & (labels == p)).sum()) for t in ids for p in ids}
    cells = viewer.page.locator("button.share")
    assert cells.count() == len(counts)
    (truth, predicted), count = max(counts.items(), key=lambda item: item[1])
    name = f"{record.classes[truth]} predicted as {record.classes[predicted]}: {count:,} pixels"
    viewer.page.get_by_role("button", name=name).click()
    viewer.reported(cell=[truth, predicted])
    shown = pixels(viewer.frame("entropy").locator("canvas.shade"), alpha=True)[..., 3] == 0
    assert np.array_equal(shown, (record.truth == truth) & (labels == predicted))


def test_one_panel_alone_and_a_wipe_between_steps_are_reported(open_page, record):
    sides = [["prediction", 0, 3], ["prediction", 0, None]]
    viewer = open_page([NamedRecord(record, "entropy")], view={"wipe": [30, *sides]})
    viewer.at(STEPS)
    shown = pixels(viewer.page.locator(".wipe canvas").nth(0))
    assert np.array_equal(shown, drawn_labels(record.labels[3]))
    viewer.button("Show Entropy alone").click()
    viewer.reported(solo="entropy", wipe=[30, *sides])
    assert viewer.frame("entropy").bounding_box()["height"] > 400
    assert viewer.panels() == ["entropy:0"]
    viewer.button("Show all panels").click()
    viewer.reported(solo=None)
    assert "prediction:0" in viewer.panels()

"""Pixels: read, pinned, zoomed, by mouse, touch and key."""

import re

import numpy as np
import pytest
import torch

from segviz.network.receptive_field_size import extent
from segviz.network.resampling import resample
from segviz.pictures import maps
from segviz.viewer import NamedRecord
from tests.browser.viewer.viewer_page import STEPS, selected_mask

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_inspector_reads_the_record(open_page, record):
    viewer = open_page([NamedRecord(record, "entropy")], view={"step": 9})
    viewer.at(9)
    rows, columns = (torch.from_numpy(p) for p in record.positions)
    codes = torch.from_numpy(record.log_probabilities[9])
    odds = resample(codes, rows, columns).softmax(0).numpy()
    entropy = maps.to_photo(record.entropy[9], record)
    sigma = maps.to_photo(record.sigma[9], record)
    selected = selected_mask(record, 9)
    for x, y, panel in ((0, 0, "photo"), (71, 55, "entropy"), (20, 25, "truth"), (50, 30, "photo")):
        viewer.point(x, y, panel)
        label = record.labels[9, y, x]
        assert viewer.reading("class") == record.classes[label]
        assert float(viewer.reading("entropy")) == pytest.approx(entropy[y, x], abs=6e-4)
        beside = viewer.page.locator(".tooltip").inner_text()
        assert record.classes[label] in beside and viewer.reading("probability") in beside
        assert viewer.reading("entropy") in beside and viewer.reading("sigma") in beside
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
    viewer.page.evaluate("scrollTo(0, 0)")  # back from the button, which lies below the panels
    for x in range(5):
        viewer.click(8 + 12 * x, 8)
    viewer.page.get_by_role("status").get_by_text("5 pixels are pinned").wait_for()
    assert viewer.page.locator(".pin").count() == 5


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

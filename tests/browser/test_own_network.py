"""A network and photos of the user's own in a browser: chosen, run, compared, kept."""

import re

import numpy as np
import pytest

from segviz.data.voc_palette import PALETTE
from segviz.runs.archive import read_zip
from tests.browser.app_page import QUICK, AppPage
from tests.browser.viewer_dom import OUTLINE
from tests.foreign_network import NAMES

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_network_and_a_photo_of_ones_own(page, address):
    app = AppPage(page, address, QUICK)
    side = page.get_by_test_id("stSidebar")
    side.get_by_label("Checkpoint", exact=True).click()
    page.get_by_role("option", name="py:own_network.py:build").click()
    side.get_by_text("it has no dynamic receptive field").wait_for()

    app.button("Choose a photo").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="street").click()
    dialog.get_by_text("road → road").wait_for()
    dialog.get_by_text("Show masks").click()
    for name in ("road", "car", "tree", "sky"):
        dialog.get_by_text(name, exact=True).wait_for()
    dialog.get_by_role("button", name="p00", exact=True).click()
    side.get_by_text("p00 · 80 x 60 · with truth").wait_for()

    app.button("Run( with changes)?", exact=True).click()
    page.get_by_text("entropy on score, scale 1, 4 steps").wait_for()
    app.rest()
    app.viewer.at(4)
    assert {"prediction:0", "entropy:0", "truth:0"} <= set(app.viewer.panels())
    assert not [name for name in app.viewer.panels() if name.startswith("receptive-field")]
    # Its first class is no background: VOC's black is skipped.
    known = {tuple(colour) for colour in PALETTE[1 : len(NAMES) + 1].tolist()}
    known.add(OUTLINE)
    colours = {tuple(row) for row in app.viewer.picture("prediction").reshape(-1, 3).tolist()}
    assert colours <= known
    legend = page.locator(".segviz .legend").inner_text().split()
    key = {"still", "right", "wrong", "to"}  # of the pixels that change
    assert legend and set(legend) <= {*NAMES, *key, "ignored", "in", "truth"}
    assert re.search(r"own_network\.py:build$", app.query["checkpoint"])
    assert app.query["photo"] == "data:street/p00" and app.query["variables"] == "score"

    page.get_by_test_id("stPopover").get_by_role("button").click()
    _, data = app.download(app.button("Record"))
    record = read_zip(data)
    assert record.classes == NAMES and record.sigma is None
    assert record.environment["checkpoint"].endswith("own_network.py:build")
    assert set(np.unique(record.truth)) <= {0, 1, 2, 3, 255}
    page.keyboard.press("Escape")

    app.go("Compare", "IoU by class")
    assert {f"prediction:{run}" for run in range(5)} <= set(app.viewer.panels())
    page.get_by_role("link", name="Model").click()
    page.get_by_text("so that there is no sigma").wait_for()

"""Compare, Scales, Ablate, Runs and Model in a browser."""

import re

import pytest

from tests.browser.app_page import QUICK, AppPage
from tests.browser.conftest import serve

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_compare_shows_methods_under_one_cursor_and_model_measures(page, address):
    app = AppPage(page, address, QUICK + "&variables=score&rate=0.01")
    app.go("Compare", "IoU by class")
    panels = app.viewer.panels()
    assert {f"prediction:{run}" for run in range(5)} <= set(panels)
    app.viewer.at(4)
    before = app.viewer.picture("entropy", 4)
    page.keyboard.press("ArrowLeft")
    app.viewer.at(3)
    assert (app.viewer.picture("entropy", 4) != before).any()
    page.get_by_text("at step 3").wait_for()
    assert app.query == {
        "photo": "sample:rocket",
        "scale": "1",
        "steps": "4",
        "variables": "score",
        "rate": "0.01",
        "step": "3",
    }
    page.get_by_role("link", name="Model").click()
    page.get_by_text("What is adapted", exact=True).wait_for()
    page.get_by_role("button", name=re.compile("Measure")).click()
    page.get_by_text("A step costs 1 /").wait_for(timeout=60_000)


def test_scales_shows_photo_and_figure(page, address):
    app = AppPage(page, address, "?photo=sample:rocket&scale=1&steps=2&scales=1_1.5")
    app.go("Scales", "Figure 4")
    assert {"feedforward:0", "prediction:0", "feedforward:1", "prediction:1"} <= set(
        app.viewer.panels()
    )
    assert app.query == {"photo": "sample:rocket", "steps": "2", "scales": "1_1.5"}
    names = page.locator(".js-plotly-plot").evaluate("plot => plot.data.map(t => t.name)")
    assert names.count("adapted") == 3 and "sigma at 1x, times the scale" in names


def test_a_cell_of_ablate_opens_its_run(page, address):
    grid = "&grid_variables=score_both&grid_rates=0.001_0.01&grid_steps=1_3"
    app = AppPage(page, address, f"?photo=sample:rocket&scale=1&steps=2{grid}")
    page.get_by_role("link", name="Ablate").click()
    page.get_by_text("Open on Iterate").wait_for(timeout=60_000)
    app.rest()  # the plot is drawn anew after each run
    page.locator(".js-plotly-plot").scroll_into_view_if_needed()
    plot = page.locator(".js-plotly-plot")
    cell = app.settled(
        lambda: plot.evaluate(
            """plot => {
                const axis = plot._fullLayout, box = plot.getBoundingClientRect();
                return [box.x + axis.xaxis._offset + axis.xaxis.l2p(1),
                        box.y + axis.yaxis._offset + axis.yaxis.l2p(1)];
            }"""
        )
    )
    label = page.locator(".js-plotly-plot .hovertext")

    def pointed():
        page.mouse.move(cell[0] + 2, cell[1])
        page.mouse.move(*cell)
        return label.count()

    # Plotly takes a click for that of the cell whose label it shows, if the mouse has moved there
    # since the plot was drawn last.
    app.until(pointed, "the label of the cell")
    page.mouse.down()
    page.mouse.up()
    page.get_by_text("on score and scale, scale 1, 3 steps, learning rate 0.01").wait_for()
    app.rest()
    app.viewer.at(1)
    assert app.query == {
        "photo": "sample:rocket",
        "scale": "1",
        "steps": "3",
        "rate": "0.01",
        "step": "1",
    }


def test_runs_are_pinned_compared_and_opened_from_a_file(page, address, tmp_path):
    app = AppPage(page, address, QUICK)
    page.get_by_test_id("stPopover").get_by_role("button").click()
    _, data = app.download(app.button("Record"))
    page.keyboard.press("Escape")
    app.type("Steps T", 2)
    app.button("Run( with changes)?", exact=True).click()
    page.get_by_text("scale 1, 2 steps").wait_for()
    app.rest()
    page.get_by_role("link", name="Runs").click()
    page.get_by_text("of this visit ·").wait_for()
    show = page.get_by_text("Show", exact=True)
    for place in range(2):
        # One chosen run can be shown, two are compared. The boxes of the rows are painted on a
        # canvas, below the head, which is deaf while it is made.
        for _ in range(5):
            table = app.settled(page.get_by_test_id("stDataFrame").bounding_box)
            page.mouse.move(table["x"] + 40, table["y"] + 68 + 64 * place)
            page.mouse.click(table["x"] + 16, table["y"] + 68 + 64 * place)
            for _ in range(50):
                page.wait_for_timeout(100)
                if show.count() == 1 - place:
                    break
            if show.count() == 1 - place:
                break
        assert show.count() == 1 - place
    page.locator(".segviz").first.wait_for()
    app.rest()
    assert {"prediction:0", "prediction:1"} <= set(app.viewer.panels())
    assert app.viewer.last == 4
    (tmp_path / "run.zip").write_bytes(data)
    app.button("Open runs").click()
    page.locator("input[type=file]").first.set_input_files(tmp_path / "run.zip")
    app.button("Show the record").wait_for()
    page.keyboard.press("Escape")
    app.button("Show the record").click()
    page.get_by_text("This view has no link").wait_for()
    app.rest()
    app.viewer.at(4)


@pytest.fixture
def tab(tabs):
    """A tab for pages by their own address, below which Streamlit first looks for its own files."""
    with tabs.open(strict=False) as page:
        yield page


def test_a_page_by_its_own_address(tab, address):
    app = AppPage(tab, f"{address}/compare", QUICK + "&methods=oracle_entropy")
    tab.get_by_text("IoU by class").wait_for()
    assert {"prediction:0", "prediction:1"} <= set(app.viewer.panels())
    assert app.query["methods"] == "oracle_entropy"


def test_the_first_page_answers_to_its_name(tab, address):
    app = AppPage(tab, f"{address}/iterate", QUICK)
    assert tab.get_by_role("dialog").count() == 0
    assert "/iterate" not in tab.url
    assert app.query["photo"] == "sample:rocket" and app.query["steps"] == "4"


def test_the_shipped_network_from_a_pages_address_to_the_first_screen(tab, tmp_path):
    """Before the main script has run once, Streamlit knows nothing of its pages."""
    with serve(tmp_path) as address:
        tab.goto(f"{address}/model")
        tab.get_by_text("What is adapted", exact=True).wait_for(timeout=120_000)
        assert tab.get_by_text("Page not found").count() == 0
        tab.get_by_role("link", name="Compare").first.wait_for()

        app = AppPage(tab, address)
        app.viewer.at(32)
        assert app.viewer.last == 32
        assert {"prediction:0", "entropy:0", "receptive-field:0"} <= set(app.viewer.panels())
        for name in ("A gain", "No effect", "A collapse"):
            assert app.button(name).is_visible()
        assert app.query == {}
        tab.goto("about:blank")  # before the server ends

"""A visit in a browser: a reload and a restart of the server lose nothing; another browser sees
nothing."""

import pytest

from tests.browser.app_page import QUICK, AppPage
from tests.browser.conftest import free_port, serve

pytestmark = [pytest.mark.browser, pytest.mark.slow]

APP = "tests/browser/miniature_app.py"


def steps(app):
    return app.page.get_by_test_id("stSidebar").get_by_label("Steps T", exact=True)


def type_steps(app, number):
    """Type the number of steps, and wait until the server has it."""
    app.type("Steps T", number)
    app.page.get_by_text("Different from the run shown: steps").wait_for(timeout=60_000)
    app.rest()


def test_reload_restart_and_a_second_tab(browser, tabs, environment, tmp_path):
    environment = {**environment, "SEGVIZ_RUNS": str(tmp_path / "runs")}
    port = free_port()
    with tabs.open(strict=False) as page, tabs.open() as second:
        with serve(tmp_path, APP, port, **environment) as address:
            app = AppPage(page, address, QUICK)
            type_steps(app, 3)
            app.button("Run").first.click()
            page.get_by_text("scale 1, 3 steps").first.wait_for()
            app.rest()
            type_steps(app, 5)
            page.reload()
            app.rest()
            assert steps(app).input_value() == "5" and app.query["steps"] == "3"
            (cookie,) = (each for each in browser.cookies() if each["name"] == "segviz_visit")
            assert cookie["httpOnly"] and cookie["sameSite"] == "Lax"
        with serve(tmp_path, APP, port, **environment):
            page.get_by_text("The server was restarted").wait_for(timeout=60_000)
            assert steps(app).input_value() == "5"
            page.get_by_role("link", name="Runs").click()
            app.until(lambda: page.get_by_text("2 runs").count(), "both runs")
            other = AppPage(second, address)
            assert steps(other).input_value() == "32"
            second.get_by_role("link", name="Runs").click()
            # That of the first screen is there, too.
            other.until(lambda: second.get_by_text("3 runs").count(), "all runs")

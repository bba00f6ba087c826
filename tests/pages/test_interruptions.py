"""A run of the script that a newer one ends, at whatever point, loses nothing."""

import pytest
from streamlit.runtime.scriptrunner import StopException
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner


class Interruption:
    """Ends a run of the script where Streamlit looks for a newer request for the n-th time."""

    def __init__(self, monkeypatch):
        self.left = None
        self.count = 0

        def check(runner):
            self.check(runner)

        monkeypatch.setattr(ScriptRunner, "_maybe_handle_execution_control_request", check)

    def check(self, runner):
        if not runner._execing:
            return
        self.count += 1
        if self.left is not None:
            self.left -= 1
            if self.left == 0:
                self.left = None
                raise StopException


@pytest.fixture
def interruption(monkeypatch):
    return Interruption(monkeypatch)


@pytest.mark.slow
def test_an_address_is_opened_whole(new_app, interruption):
    wanted = {"photo": "sample:rocket", "scale": 1.0, "steps": 2, "variables": "score"}
    for point in (*range(1, 24, 2), *range(24, 160, 17)):
        app = new_app()
        for name, value in wanted.items():
            app.at.query_params[name] = str(value)
        interruption.left = point
        app.at.run()
        app.at.run()
        app.rest()
        shown = app.session.shown["iterate"].values
        assert {name: shown[name] for name in wanted} == wanted, point
        assert app.control("scale").value == 1 and app.control("steps").value == 2, point


@pytest.mark.slow
def test_a_click_is_not_lost(app, interruption):
    """From the second point on: at the first, Streamlit has not taken the click yet."""
    app.open(scale="1", steps="1")
    for point in (*range(2, 12), 20, 60):
        app.set(steps=app.control("steps").value + 1)
        interruption.left = point
        app.click("iterate_run").at.run()
        app.rest()
        assert app.session.shown["iterate"].values["steps"] == app.control("steps").value, point

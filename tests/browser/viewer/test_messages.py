"""Messages to the viewer and states from it."""

import dataclasses

import pytest

from segviz.viewer import NamedRecord, ViewState
from tests.browser.viewer.viewer_page import STEPS, Viewer, message
from tests.records import first_steps

pytestmark = [pytest.mark.browser, pytest.mark.slow]


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


def test_a_message_undone_late_leaves_the_viewer_to_the_next(open_page, record):
    page = open_page([NamedRecord(record, "entropy")]).page
    page.evaluate("viewer.destroy()")
    messages = [message(first_steps(record, 3)), message(record)]
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

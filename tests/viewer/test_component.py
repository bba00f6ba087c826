"""What a page sends to the browser."""

import json
import struct

from segviz.adapt import Settings
from segviz.runs.run import Run
from segviz.viewer import NamedRecord, ViewState
from tests.records import first_steps


def page_of(runs, view=None, growing=False):
    """A page with a viewer, as `AppTest` runs it."""
    from streamlit.testing.v1 import AppTest

    def script():
        import streamlit as st

        from segviz.viewer import viewer

        state = st.session_state
        state["returned"] = viewer(
            state["runs"], key="v", view=state["view"], growing=state["growing"]
        )

    page = AppTest.from_function(script, default_timeout=60)
    page.session_state["runs"] = runs
    page.session_state["view"] = view or ViewState()
    page.session_state["growing"] = growing
    return page


def message(page):
    """Head and frames that the page sends."""
    (found,) = (
        element.proto for element in page.main if getattr(element, "type", "") == "bidi_component"
    )
    (length,) = struct.unpack("<I", found.bytes[:4])
    return json.loads(found.bytes[4 : 4 + length]), found.bytes[4 + length :]


def test_a_page_sends_head_and_frames(runs):
    page = page_of(runs, ViewState(1, ((3, 4),), ("entropy", "nothing"))).run()
    assert not page.exception
    head, frames = message(page)
    want = ViewState(1, ((3, 4),), ("entropy",))
    assert head["view"] == want.plain()
    assert head["growing"] is False and head["runs"][0]["name"] == "entropy"
    assert max(at + size for at, size in head["runs"][0]["steps"]) <= len(frames)
    assert page.session_state["returned"] == want


def test_reruns_send_the_same_message_whatever_view_the_page_hands_in(runs):
    page = page_of(runs, ViewState(1)).run()
    first = message(page)
    page.session_state["view"] = ViewState(2, ((9, 9),))
    page.run()
    assert not page.exception and message(page) == first


def test_other_runs_are_sent_at_once(runs, without_truth):
    page = page_of(runs).run()
    first, _ = message(page)
    page.session_state["runs"] = without_truth
    page.run()
    second, _ = message(page)
    assert second["id"] != first["id"] and len(second["runs"][0]["steps"]) == 2


def test_equal_records_are_sent_once_and_a_run_that_ended_again(trained, photo, truth):
    whole = Run(trained, photo, Settings(scale=1.0, steps=3), truth).all()
    part = NamedRecord(first_steps(whole, 2), "entropy")
    page = page_of([part], growing=True)
    page.run()
    first = message(page)
    page.run()
    assert message(page) == first
    page.session_state["runs"], page.session_state["growing"] = (
        [NamedRecord(whole, "entropy")],
        False,
    )
    page.run()
    head, _ = message(page)
    assert len(head["runs"][0]["steps"]) == 4 and head["growing"] is False

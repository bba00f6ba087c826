"""The viewer's Python half: views, files, and what a page sends to the browser."""

import dataclasses
import json
import re
import struct

import pytest

from segviz.adapt import Settings
from segviz.runs.run import Run
from segviz.viewer import PANELS, PINS, ViewState, assets
from segviz.viewer.assets import MODULES, text
from segviz.viewer.payload import NamedRecord


@pytest.fixture(scope="module")
def runs(trained, photo, truth):
    record = Run(trained, photo, Settings(scale=1.0, steps=3), truth, "shapes").all()
    return [NamedRecord(record, "entropy")]


@pytest.fixture(scope="module")
def untrue(trained, photo):
    return [NamedRecord(Run(trained, photo, Settings(scale=1.0, steps=1)).all(), "entropy")]


# Views


def test_a_view_that_fits_is_kept(runs):
    view = ViewState(2, ((0, 0), (71, 55)), ("prediction", "entropy"))
    assert view.fit(runs) == view
    assert ViewState.of(view.plain(), runs) == view
    assert ViewState.of(json.loads(json.dumps(view.plain())), runs) == view


def test_the_last_step_needs_no_number(runs):
    assert ViewState(3).fit(runs).step is None and ViewState(None).fit(runs).step is None


@pytest.mark.parametrize("step", [-1, 4, 10**9])
def test_steps_that_are_not_there_become_the_last(runs, step):
    assert ViewState(step).fit(runs).step is None


def test_pins_lie_on_the_photo_once_each(runs):
    pins = ((5, 5), (72, 0), (0, 56), (-1, 3), (5, 5), (1, 1), (2, 2), (3, 3), (4, 4), (6, 6))
    assert ViewState(pins=pins).fit(runs).pins == ((5, 5), (1, 1), (2, 2), (3, 3), (4, 4))
    assert PINS == 5


def test_panels_are_known_and_there(runs, untrue):
    panels = ("truth", "entropy", "x-ray", "entropy")
    assert ViewState(panels=panels).fit(runs).panels == ("entropy", "truth")
    assert ViewState(panels=panels).fit(untrue).panels == ("entropy",)


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        [],
        "step",
        {},
        {"step": "2", "pins": "11", "panels": "entropy"},
        {"step": 1.5, "pins": [[1], [1, 2, 3], ["1", "2"], None, [True, False]], "panels": [1]},
        {"step": float("nan"), "pins": [[float("inf"), 0]], "panels": [["entropy"], None]},
        {"step": True, "pins": {"0": [1, 1]}, "panels": {"entropy": 1}},
    ],
)
def test_nonsense_from_a_browser_falls_away(runs, value):
    assert ViewState.of(value, runs) == ViewState()


# Files


def test_every_file_is_used_and_short():
    from pathlib import Path

    import segviz.viewer

    folder = Path(segviz.viewer.__file__).parent / "js"
    assert {file.name for file in folder.glob("*.js")} == {*MODULES, "streamlit.js"}
    for file in folder.glob("*.js"):
        assert len(file.read_text(encoding="utf-8").splitlines()) < 300


def test_files_import_only_what_stands_before_them():
    from pathlib import Path

    import segviz.viewer

    folder = Path(segviz.viewer.__file__).parent / "js"
    for place, name in enumerate(MODULES):
        source = (folder / name).read_text(encoding="utf-8")
        assert set(re.findall(r'from "\./([a-z]+\.js)"', source)) <= set(MODULES[:place])
        assert not re.search(r"^(import|export)\b", text(name), re.MULTILINE)


def test_names_at_the_top_of_files_are_unique():
    found = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", assets()["js"], re.M)
    assert len(found) > 50 and len(found) == len(set(found))


def test_assets_can_stand_in_a_page_of_html():
    js, css = assets()["js"], assets()["css"]
    assert js.count("export {") == 1 and "export { mount };" in js
    for part in (js, css):
        assert "</" not in part and "<!--" not in part
    for word in ("innerHTML", "eval(", "new Function", "http://", "https://"):
        assert word not in js.replace("http://www.w3.org/2000/svg", "")


# On a page


def page_of(runs, view=None, live=False):
    """A page with a viewer, as `AppTest` runs it."""
    from streamlit.testing.v1 import AppTest

    def script():
        import streamlit as st

        from segviz.viewer import viewer

        state = st.session_state
        state["returned"] = viewer(state["runs"], key="v", view=state["view"], live=state["live"])

    page = AppTest.from_function(script, default_timeout=60)
    page.session_state["runs"] = runs
    page.session_state["view"] = view or ViewState()
    page.session_state["live"] = live
    return page


def message(page):
    """Head and frames that the page sends."""
    (found,) = (
        element.proto for element in page.main if getattr(element, "type", "") == "bidi_component"
    )
    (length,) = struct.unpack("<I", found.bytes[:4])
    return json.loads(found.bytes[4 : 4 + length]), found.bytes[4 + length :]


def grown(shown, steps):
    record = shown.record
    return NamedRecord(
        dataclasses.replace(
            record,
            steps=record.steps[:steps],
            labels=record.labels[:steps],
            entropy=dataclasses.replace(record.entropy, codes=record.entropy.codes[:steps]),
            sigma=dataclasses.replace(record.sigma, codes=record.sigma.codes[:steps]),
            selected=record.selected[:steps],
            log_probabilities=dataclasses.replace(
                record.log_probabilities, codes=record.log_probabilities.codes[:steps]
            ),
        ),
        shown.name,
    )


def test_a_page_sends_head_and_frames(runs):
    page = page_of(runs, ViewState(1, ((3, 4),), ("entropy", "nothing"))).run()
    assert not page.exception
    head, frames = message(page)
    assert head["view"] == {"step": 1, "pins": [[3, 4]], "panels": ["entropy"]}
    assert head["live"] is False and head["runs"][0]["name"] == "entropy"
    assert max(at + size for at, size in head["runs"][0]["steps"]) <= len(frames)
    assert page.session_state["returned"] == ViewState(1, ((3, 4),), ("entropy",))


def test_reruns_send_the_same_message_whatever_view_the_page_hands_in(runs):
    page = page_of(runs, ViewState(1)).run()
    first = message(page)
    page.session_state["view"] = ViewState(2, ((9, 9),))
    page.run()
    assert not page.exception and message(page) == first


def test_other_runs_are_sent_at_once(runs, untrue):
    page = page_of(runs).run()
    first, _ = message(page)
    page.session_state["runs"] = untrue
    page.run()
    second, _ = message(page)
    assert second["id"] != first["id"] and len(second["runs"][0]["steps"]) == 2


def test_equal_records_are_sent_once_and_a_run_that_ended_again(trained, photo, truth):
    whole = Run(trained, photo, Settings(scale=1.0, steps=3), truth).all()
    part = grown(NamedRecord(whole, "entropy"), 2)
    page = page_of([part], live=True)
    page.run()
    first = message(page)
    page.run()
    assert message(page) == first
    page.session_state["runs"], page.session_state["live"] = [NamedRecord(whole, "entropy")], False
    page.run()
    head, _ = message(page)
    assert len(head["runs"][0]["steps"]) == 4 and head["live"] is False


def test_panels_have_titles():
    assert all(title and title[0].isupper() for title in PANELS.values())

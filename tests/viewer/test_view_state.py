"""What a viewer shows, as an address can hold it."""

import json

import pytest

from segviz.pictures.panels import PANELS
from segviz.viewer import MAX_PINS, PANEL_NAMES, ViewState
from segviz.viewer.view_state import default_panels, panels_of


def test_a_view_that_fits_is_kept(runs):
    view = ViewState(
        step=2,
        pins=((0, 0), (71, 55)),
        panels=("prediction", "entropy"),
        solo="entropy",
        overlay=0,
        zoom=(2.5, 0.0, 0.25),
        isolated=0,
        threshold=100,
        against=(None, 2),
        wipe=(50, ("prediction", 0, 1), ("entropy", 0, None)),
        cell=(0, 1),
    )
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
    assert MAX_PINS == 5


def test_panels_are_known_and_there(runs, without_truth):
    panels = ("truth", "entropy", "x-ray", "entropy")
    assert ViewState(panels=panels).fit(runs).panels == ("entropy", "truth")
    assert ViewState(panels=panels).fit(without_truth).panels == ("entropy",)


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
        {"solo": "x-ray", "overlay": 101, "zoom": [1, 0, 0], "isolated": 10**6, "cell": [0]},
        {"solo": 1, "overlay": "5", "zoom": [99, 0, 0], "threshold": -1, "cell": [0, 10**6]},
        {"zoom": [2, 1, 0], "against": [1, 0], "wipe": [50, ["prediction", 0, None]]},
        {"against": [0, -1], "wipe": [50, ["prediction", 0, None], ["prediction", 1, None]]},
        {"against": 3, "wipe": [50, ["x-ray", 0, None], [None, 0, None]]},
        {"wipe": [101, ["prediction", 0, None], ["prediction", 0, -1]]},
    ],
)
def test_nonsense_from_a_browser_falls_away(runs, value):
    assert ViewState.of(value, runs) == ViewState()


def test_one_run_shows_its_overlay_and_several_share_the_photo(runs, without_truth):
    assert list(panels_of(runs)) == [name for name in PANEL_NAMES if name != "scale-read"]
    assert panels_of(runs)["photo"] is PANELS["overlay"]
    assert panels_of(runs * 2)["photo"] is PANELS["photo"]
    assert {"truth", "right-wrong"}.isdisjoint(panels_of(without_truth))
    assert "truth" in panels_of(without_truth + runs)


def test_default_panels_are_fewer_side_by_side(runs, without_truth):
    assert default_panels(runs) == [
        name
        for name in PANEL_NAMES
        if name not in ("feedforward", "scale-read", "probability", "confident", "difference")
    ]
    assert default_panels(runs * 2) == ["photo", "prediction", "entropy", "truth"]
    assert default_panels(without_truth * 2) == ["photo", "prediction", "entropy"]


def test_runs_that_grow_lack_what_they_have_not_made(runs, without_truth):
    assert ViewState(step=2, against=(None, 3)).lacks(runs) is False
    assert ViewState(step=7).lacks(runs)
    assert ViewState(wipe=(50, ("prediction", 0, None), ("prediction", 1, None))).lacks(runs)
    assert ViewState(cell=(0, 0)).lacks(without_truth)

"""The page Iterate without a browser: what it shows, keeps, and says of bad input."""

import re
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from streamlit.testing.v1 import AppTest

from pages.actions import server
from pages.components.stored_results import load_result, result_path
from pages.state.controls import typed_rate
from pages.state.presets import OPENING, PRESETS
from segviz.adapt import Settings
from segviz.data.samples import SAMPLES
from segviz.errors import InputError
from segviz.evaluation.results import Variant
from segviz.jobs.queue import SLOT
from segviz.network.checkpoint import tensor_hash
from segviz.runs import batch
from segviz.runs.collapse import describe_collapse
from segviz.runs.run import Run

uploads = pytest.mark.skipif(
    not hasattr(AppTest, "file_uploader"), reason="this Streamlit's AppTest cannot upload"
)

# === The first screen


def test_first_screen_shows_a_finished_run(app):
    app.open()
    assert not app.at.error and not app.at.warning
    assert app.record.settings == OPENING.settings
    assert app.record.complete and app.record.last == 32
    assert "known only because there is truth" in app.said
    assert "mobilenetv2" in app.said or "tiny" in app.said
    assert app.address == {}


def test_the_opening_run_is_shared(app):
    record = app.open().record
    assert type(app)().open().record is record


def test_an_opening_run_that_failed_is_tried_again(app, monkeypatch, trained):
    server.opening.clear()
    made = batch.Batch

    def failing(*_):
        raise InputError("the disk is gone; wait.")

    monkeypatch.setattr(batch, "Batch", failing)
    app.open()
    assert "The disk is gone; wait." in app.said
    monkeypatch.setattr(batch, "Batch", made)
    assert type(app)().open().record.complete


def test_presets_are_samples_with_a_sentence():
    assert len(PRESETS) == 4
    for preset in PRESETS.values():
        assert preset.sample in SAMPLES
        assert preset.hint.endswith(".") and 40 < len(preset.hint) < 220


def test_a_preset_runs_its_photo_with_its_settings(app):
    preset = PRESETS["collapse"]
    app.open().click("preset_collapse").rest()
    assert app.record.title == SAMPLES[preset.sample].title
    assert app.record.settings == preset.settings
    assert preset.hint in app.said.replace("\\", "")
    assert app.control("scale").value == preset.settings.scale
    assert app.address["photo"] == f"sample:{preset.sample}"


# === Runs


def test_run_with_other_settings(app):
    app.open().run(scale=1.0, steps=3, method="entropy-few", variables="score")
    assert app.record.settings == Settings(
        scale=1.0, steps=3, method="entropy-few", variables="score"
    )
    assert app.address == {
        "scale": "1",
        "steps": "3",
        "method": "entropy-few",
        "variables": "score",
    }
    assert len(app.session.history) == 2


def test_an_equal_run_is_not_made_again(app):
    record = app.open().run(scale=1.0, steps=2).record
    app.run(steps=1)
    assert app.run(steps=2).record is record and len(app.session.history) == 3


def test_no_steps_is_the_feedforward_prediction(app):
    app.open(steps="0", scale="1")
    assert app.record.last == 0 and "nothing was adapted" in app.said


def test_tolerance_ends_a_run_early_and_says_so(app):
    app.open(tolerance="0.5", steps="20", scale="1")
    assert app.record.complete and app.record.last < 20
    assert f"within tolerance at step {app.record.last}" in app.said


def test_stop_keeps_the_steps_that_are_there(app):
    app.open().set(steps=128, scale=1.0, variables="all")
    assert any("slow" in warning.value for warning in app.at.warning)
    app.click("iterate_run")
    job = app.session.request.job
    assert job.wait_for_items(1, 60)
    app.at.run()
    assert app.at.button(key="iterate_run").disabled
    app.click("stop").rest()
    last = app.record.last
    assert 1 <= last < 128 and not app.record.complete
    assert f"stopped at step {last}" in app.said


def test_waiting_shows_the_position_and_can_be_left(app):
    shown = app.open().record
    with SLOT.enqueue():
        app.set(steps=3, scale=1.0).click("iterate_run")
        assert "Waiting: 1 run ahead of you" in app.at.progress[0].text
        app.click("stop").rest()
    assert app.record is shown
    assert "Stopped before the first step" in app.said
    app.run(steps=1)
    assert app.record is not shown and "Stopped before" not in app.said


def test_a_failed_run_keeps_the_earlier_result(app, monkeypatch):
    def broken(run):
        raise RuntimeError("secret details")
        yield

    shown = app.open().record
    monkeypatch.setattr(Run, "__iter__", broken)
    app.run(steps=3, scale=1.0)
    assert app.record is shown
    assert "RuntimeError" in app.said and "secret" not in app.said


def test_nothing_writes_to_the_shared_network(app):
    before = tensor_hash(server.trained().network)
    app.open(method="adversary", steps="2", scale="1")
    assert app.record.last == 2 and tensor_hash(server.trained().network) == before


def test_settings_and_photo_survive_a_switch_of_pages(app):
    app.open(photo="sample:rocket", scale="1", steps="2", rate="0.002", centred="1")
    app.go("model").go("iterate")
    assert app.control("scale").value == 1.0
    assert app.control("learning_rate").value == "0.002"
    assert app.control("centred").value
    assert app.session.photo.key == "sample:rocket"
    assert app.record.title == SAMPLES["rocket"].title
    assert app.address["photo"] == "sample:rocket"


# === Addresses


def test_an_address_reproduces_its_view(app):
    query = {
        "photo": "sample:rocket",
        "scale": "1.5",
        "steps": "3",
        "rate": "0.0005",
        "step": "1",
        "pins": "10x20",
        "panels": "prediction_entropy",
    }
    app.open(**query)
    record = app.record
    assert (record.settings.scale, record.settings.learning_rate) == (1.5, 0.0005)
    assert app.address == query
    view = app.session.views[app.session.shown["iterate"].id]
    assert (view.step, view.pins, view.panels) == (1, ((10, 20),), ("prediction", "entropy"))


def test_an_address_may_only_look_elsewhere(app):
    app.open(step="7", pins="3x4")
    assert app.record.settings == OPENING.settings
    assert app.address == {"step": "7", "pins": "3x4"}
    assert len(app.session.history) == 1


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"scale": "99"}, "scale = '99'"),
        ({"method": "<b>x</b>"}, "method = '<b>x</b>'"),
        ({"photo": "sample:dragon", "steps": "1", "scale": "1"}, "There is no sample 'dragon'"),
        ({"photo": "voc:2007_000001", "steps": "1", "scale": "1"}, "no VOC folder"),
        ({"photo": "voc:../../x"}, "photo = 'voc:../../x'"),
        ({"panels": "photo_secret"}, "panels = 'photo_secret'"),
        ({"nonsense": "1"}, "'nonsense'"),
        ({"variables": "all", "centred": "1", "steps": "0", "scale": "1"}, "centred updates"),
    ],
)
def test_invalid_values_fall_back_and_are_named(app, query, words):
    app.open(**query)
    notices = [warning.value.replace("\\", "") for warning in app.at.warning]
    assert any(words in notice for notice in notices), notices
    assert app.record.complete


# === Settings are checked on the server


@pytest.mark.parametrize(("name", "value"), [("steps", 100_000), ("steps", -1), ("scale", 99.0)])
def test_values_beyond_the_limits_never_reach_a_run(app, name, value):
    number = app.open().control(name).set_value(value)
    app.at.run()
    assert not app.at.exception
    refused = app.at.button(key="iterate_run").disabled and len(app.at.error) == 1
    # Newer versions of Streamlit put such a value back by themselves.
    assert refused or number.min <= app.control(name).value <= number.max


@pytest.mark.parametrize("rate", ["fast", "", None, "1,5", "nan", "inf", "7", "-1"])
def test_learning_rates_may_be_typed_and_are_checked(rate):
    assert typed_rate("2e-3") == 0.002
    with pytest.raises(InputError, match="learning rate"):
        Settings(learning_rate=typed_rate(rate))


def test_centring_everything_is_refused(app):
    app.open().set(centred=True, variables="all")
    assert "centred updates are defined for" in app.said.lower()
    assert app.at.button(key="iterate_run").disabled


def test_the_sidebar_says_what_memory_a_run_takes(app):
    app.open().set(scale=1.0)
    small = re.search(r"The run takes about (\d+) MB of memory", app.said)
    large = re.search(r"The run takes about (\d+) MB of memory", app.set(scale=4.0).said)
    assert int(small[1]) < int(large[1]) and "are free" not in app.said


def test_a_run_that_does_not_fit_is_refused_and_keeps_the_earlier_result(app, monkeypatch):
    record = app.open().record
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10_000))
    app.run(scale=4.0)
    assert "MB of memory, but 0 MB are free; close other programs" in app.said
    assert app.record is record and len(app.session.history) == 1


# === Uploads


def choose(app):
    """Open the dialog of photos."""
    app.at.button(key="choose_photo").click().run()


def upload(app, photo, name="photo.png", mask=None):
    app.session.controls["photo_source"] = "Upload"
    choose(app)
    app.at.file_uploader(key="pick_photo").upload(name, photo)
    if mask is not None:
        app.at.file_uploader(key="pick_mask").upload("mask.png", mask)
    # The dialog is a fragment: its button opens it again with the files.
    choose(app)


@uploads
def test_upload_a_photo_with_its_mask(app, noise, png):
    mask = np.zeros(noise.shape[:2], np.uint8)
    mask[10:40, 20:60] = 8
    mask[:3] = 255
    upload(app.open(), png(noise), "my *photo*.png", png(mask))
    share = 100 * 1200 / mask.size
    assert f"cat {share:.3g} %" in app.said and "ignored" in app.said and not app.at.warning
    app.click("pick_use")
    assert "with truth" in app.said
    app.run(scale=1.0, steps=2)
    assert app.record.reference == "truth"
    assert (app.record.truth == mask).all() and (app.record.photo == noise).all()
    assert "my *photo*.png" in app.said and "This view has no link" in app.said
    assert app.address == {}


@uploads
def test_oracle_without_truth_is_labelled(app, noise, png):
    upload(app.open(), png(noise))
    app.click("pick_use")
    assert "no truth" in app.said
    app.set(method="oracle")
    assert any("prediction at scale 1 stands in" in warning.value for warning in app.at.warning)
    app.run(scale=1.0, steps=1)
    assert app.record.reference == "1x prediction"
    assert "no truth: compared with the 1x prediction" in app.said
    assert "nobody knows which step is best" in app.said


@uploads
@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("notes.jpg", b"these are not the pixels you are looking for", "not an image"),
        ("empty.png", b"", "empty"),
    ],
)
def test_bad_photos_are_refused_in_one_sentence(app, name, data, words):
    shown, choice = app.open().record, app.session.photo
    upload(app, data, name)
    assert not app.at.exception
    assert len(app.at.error) == 1 and words in app.said
    assert app.record is shown and app.session.photo is choice


@uploads
def test_bad_masks_are_refused_in_one_sentence(app, noise, png):
    upload(app.open(), png(noise), mask=png(np.zeros((50, 90), np.uint8)))
    assert len(app.at.error) == 1 and "The mask is 90 x 50 pixels" in app.said


@uploads
def test_a_mask_without_objects_is_pointed_out(app, noise, png):
    upload(app.open(), png(noise), mask=png(np.zeros(noise.shape[:2], np.uint8)))
    assert len(app.at.warning) == 1 and "no object" in app.at.warning[0].value


def test_a_binary_mask_is_refused_with_the_remedy(app, noise, png):
    mask = np.zeros(noise.shape[:2], np.uint8)
    mask[10:40, 20:60] = 255  # white on black, as many tools write masks
    upload(app.open(), png(noise), mask=png(mask))
    assert len(app.at.error) == 1 and "255" in app.said and "the id of its class" in app.said


def test_settings_that_differ_from_the_run_shown_are_named(app):
    assert "Different from the run shown" not in app.open().said
    app.set(scale=2.0, steps=4)
    assert "Different from the run shown: scale, steps." in app.said
    app.click("iterate_run").rest()
    assert "Different from the run shown" not in app.said


def test_a_run_that_is_not_what_is_chosen_is_marked(app):
    app.open().click("preset_nothing").rest()
    hint = PRESETS["nothing"].hint
    button = app.at.button(key="iterate_run")
    assert hint in app.said and button.label == "Run"
    app.click("choose_photo").click("pick_sample:cat")
    app.at.run()
    assert "not what is chosen now: photo" in app.said and hint not in app.said
    assert app.at.button(key="iterate_run").label == "Run with changes"
    app.click("iterate_run").rest()
    assert "not what is chosen now" not in app.said


def test_cheap_changes_may_run_by_themselves(app):
    app.open(scale="1", steps="2").set(steps=3)
    assert app.record.last == 2
    app.control("run_on_change").set_value(True).run()
    assert app.rest().record.last == 3
    app.set(scale=1.5).rest()
    assert app.record.settings.scale == 1.5
    app.set(steps=100_000)
    assert app.session.request is None and app.record.last == 3


def test_a_cleared_number_returns_to_what_it_was_drawn_with(app):
    app.open(scale="1", steps="2").set(scale=2.0)
    app.control("scale").set_value(None).run()
    assert app.control("scale").value == 1
    assert not app.at.exception and not app.at.button(key="iterate_run").disabled


def test_an_invalid_number_disables_the_button(app):
    app.open(scale="1", steps="2").set(scale=99.0)
    assert app.at.button(key="iterate_run").disabled
    assert "99" in app.said and "4" in app.said


def test_another_photo_than_that_of_the_address_is_not_computed(app):
    app.open(photo="voc:2007_000001", scale="1", steps="1")
    assert "no VOC folder" in app.said
    assert [run.id for run in app.session.history.runs] == ["opening"]


# === PASCAL VOC


def browse(app, root):
    app.session.controls["photo_source"] = "PASCAL VOC"
    app.session.controls["voc_folder"] = str(root)
    choose(app)


def shown_ids(app):
    keys = [button.key or "" for button in app.at.button]
    return [key.removeprefix("pick_voc:") for key in keys if key.startswith("pick_voc:")]


def test_voc_browse_search_and_run(app, voc_root):
    browse(app.open(), voc_root)
    assert app.control("voc_split").value == "val" and len(shown_ids(app)) == 4
    app.control("voc_split").set_value("trainval")
    app.control("voc_query").set_value("cat 2008")
    choose(app)
    assert shown_ids(app) == ["2008_000004"]
    app.click("pick_voc:2008_000004")
    app.run(scale=1.0, steps=1)
    assert app.record.title == "2008_000004" and app.record.reference == "truth"
    assert app.address["photo"] == "voc:2008_000004"


def test_an_image_of_voc_by_its_address(app, voc_root, monkeypatch):
    monkeypatch.setenv("SEGVIZ_VOC_ROOT", str(voc_root))
    app.open(photo="voc:2008_000004", scale="1", steps="1")
    assert app.record.title == "2008_000004" and app.record.reference == "truth"


def test_voc_search_without_a_hit(app, voc_root):
    app.open().session.controls["voc_query"] = "zebra"
    browse(app, voc_root)
    assert shown_ids(app) == [] and "None of the 4 images of val matches “zebra”" in app.said


@pytest.mark.parametrize("root", ["/no/such/folder", "\0", "~", "https://example.org", "x" * 5000])
def test_absurd_voc_folders(app, root):
    browse(app.open(), root)
    assert not app.at.exception and len(app.at.error) == 1


def test_a_method_on_other_variables_brings_its_own(app):
    """A pyramid adapts its weights, at a larger rate; on the head the paper's values return."""
    app.open()
    app.set(method="pyramid:rule:entropy")
    assert app.control("variables").value == "gate" and app.control("learning_rate").value == "0.05"
    app.set(method="entropy")
    assert app.control("variables").value == "both"
    assert app.control("learning_rate").value == "0.001"
    app.set(variables="score")
    app.set(method="oracle")
    assert app.control("variables").value == "score"


def test_class_shares_and_calibration(app):
    app.open(scale="1", steps="2")
    (toggle,) = (each for each in app.at.toggle if each.label == "Measure it")
    toggle.set_value(True).run()
    assert not app.at.exception
    (table,) = (each.value for each in app.at.dataframe if "ece" in each.value)
    assert list(table.iloc[:, 0]) == ["step 0", "step 2"]
    assert ((table["ece"] >= 0) & (table["ece"] <= 1)).all()


def test_the_alarm_is_shown_where_there_is_one(app):
    app.open()
    assert ("Collapse: since step" in app.said) == (describe_collapse(app.record) is not None)
    app.open(scale="1", steps="0")
    assert "Collapse" not in app.said


def test_the_first_screen_tells_what_happens_on_average(app):
    app.open()
    (words,) = (each.value for each in app.at.caption if "on average" in each.value)
    path = result_path("1")
    part = load_result(path).models["w/ aug"]
    variant = Variant("entropy", "both", 32)
    gain = part.result(3.0, variant).miou - part.feedforward(3.0).miou
    assert f"{100 * gain:+.1f}".replace("-", "\N{MINUS SIGN}") in words
    assert f"{part.images:,} images" in words

"""The page Iterate without a browser: what it shows, keeps, and says of bad input."""

import io
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from segviz.adapt import Run, Settings
from segviz.errors import InputError
from segviz.jobs import SLOT
from segviz.network.checkpoint import tensor_hash

APP = Path(__file__).parents[2] / "app.py"
uploads = pytest.mark.skipif(
    not hasattr(AppTest, "file_uploader"), reason="this Streamlit's AppTest cannot upload"
)


def rest(at, seconds=60):
    """Rerun, as the page's timer does, until nothing is at work."""
    end = time.monotonic() + seconds
    at.run()
    while at.session_state["iterate_job"] or not at.session_state["iterate_result"]:
        assert time.monotonic() < end, "the run does not end"
        time.sleep(0.05)
        at.run()
    return at


@pytest.fixture
def at(monkeypatch):
    monkeypatch.delenv("SEGVIZ_VOC_ROOT", raising=False)
    return rest(AppTest.from_file(str(APP), default_timeout=60))


def start(at, steps=3, scale=1.0, **choices):
    """Set the controls and press Run."""
    at.number_input(key="iterate_scale").set_value(scale)
    at.number_input(key="iterate_steps").set_value(steps)
    for name, value in choices.items():
        at.selectbox(key=f"iterate_{name}").set_value(value)
    at.run()
    at.button(key="iterate_run").click()
    return at.run()


def record(at):
    return at.session_state["iterate_result"].record


def text(at):
    """All that the page says."""
    elements = [*at.markdown, *at.caption, *at.error, *at.warning]
    return "\n".join(element.value for element in elements).replace("\\", "")


def numbers(at):
    return {metric.label: metric.value for metric in at.metric}


def panels(at):
    """The panels' pictures, as data addresses."""
    return [url for image in at.image for url in image.value if url.startswith("data:image/png")]


def slider(at):
    return next(one for one in at.slider if one.label == "Step")


def go(at, name):
    at.button(key=f"iterate_{name}").click().run()


def png(pixels, mode=None):
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)


# === The first screen


def test_first_screen_shows_a_finished_run(at):
    assert not at.exception and not at.error
    assert at.session_state["iterate_result"].key == "opening"
    assert record(at).complete and record(at).last == record(at).settings.steps
    last = record(at).steps[-1]
    assert numbers(at)["Entropy, nats"] == f"{last['entropy']:.3f}"
    assert numbers(at)["IoU"] == f"{last['iou']:.3f}"
    assert len(panels(at)) == 6
    assert "known only because there is truth" in text(at)
    assert record(at).environment["checkpoint"] in text(at)


def test_the_opening_run_is_shared(at):
    other = rest(AppTest.from_file(str(APP), default_timeout=60))
    assert record(other) is record(at)


# === Runs and steps


def test_run_a_sample_and_step_through(at):
    at.button(key="iterate_pick_sample:rocket").click().run()
    assert "Rocket before its launch · 500 x 334" in text(at)
    assert "brought from 640 x 427 to 500 x 334" in text(at).lower()
    assert record(at).title == "Man with a camera, in grey"  # until it has run
    rest(start(at))
    assert not at.exception
    assert record(at).title == "Rocket before its launch"
    assert (record(at).last, record(at).settings.scale) == (3, 1.0)

    pictures = {}
    for name, step in (
        ("first", 0),
        ("previous", 0),
        ("next", 1),
        ("next", 2),
        ("last", 3),
        ("next", 3),
        ("previous", 2),
    ):
        go(at, name)
        now = record(at).steps[step]
        assert slider(at).value == step
        assert numbers(at)["Entropy, nats"] == f"{now['entropy']:.3f}"
        assert numbers(at)["Sigma, px"] == f"{now['sigma']:.1f}"
        assert pictures.setdefault(step, panels(at)) == panels(at)
    assert len({tuple(urls) for urls in pictures.values()}) == 4

    slider(at).set_value(1).run()
    assert panels(at) == pictures[1]


def test_play_goes_on_by_the_clock_and_ends(at):
    rest(start(at))
    go(at, "play")
    assert at.session_state["iterate_playing"]
    seen = [at.session_state["iterate_at"]]
    for _ in range(40):
        if not at.session_state["iterate_playing"]:
            break
        time.sleep(0.1)
        at.run()
        seen.append(at.session_state["iterate_at"])
    assert sorted(set(seen)) == [0, 1, 2, 3] and seen == sorted(seen)


def test_the_look_changes_pictures(at):
    rest(start(at, steps=1))
    before = panels(at)
    at.slider(key="iterate_opacity").set_value(0.0).run()
    clear = panels(at)
    assert clear[1:] == before[1:]
    at.toggle(key="iterate_outlined").set_value(True).run()
    assert panels(at)[3] != clear[3]
    go(at, "first")
    shared = panels(at)
    at.toggle(key="iterate_per_step").set_value(True).run()
    assert [a == b for a, b in zip(panels(at), shared, strict=True)][:3] == [True] * 3


def test_no_steps_is_the_feedforward_prediction(at):
    rest(start(at, steps=0))
    assert not at.exception and record(at).last == 0
    assert "nothing was adapted" in text(at)
    assert at.button(key="iterate_next").disabled


def test_tolerance_ends_a_run_early_and_says_so(at):
    at.number_input(key="iterate_tolerance").set_value(0.5)
    rest(start(at, steps=20))
    assert record(at).complete and record(at).last < 20
    assert f"within tolerance at step {record(at).last}" in text(at)


@pytest.mark.slow
def test_stop_keeps_the_steps_that_are_there(at):
    start(at, steps=64, variables="all")
    assert any("slow" in warning.value for warning in at.warning)
    job = at.session_state["iterate_job"]
    while job.items < 2:
        time.sleep(0.05)
    at.run()
    assert at.button(key="iterate_run").disabled
    at.button(key="iterate_stop").click().run()
    rest(at)
    last = record(at).last
    assert 1 <= last < 64 and not record(at).complete
    assert f"stopped at step {last}" in text(at)
    go(at, "previous")
    assert slider(at).value == last - 1


def test_waiting_shows_the_position_and_can_be_left(at):
    shown = record(at)
    with SLOT.queue():
        start(at)
        assert "1 run ahead of you" in at.progress[0].text
        at.button(key="iterate_stop").click().run()
        rest(at)
    assert record(at) is shown
    assert "Stopped before the first step" in text(at)
    rest(start(at, steps=1))
    assert record(at) is not shown and "Stopped before" not in text(at)


def test_a_failed_run_keeps_the_earlier_result(at, monkeypatch):
    def broken(run):
        raise RuntimeError("secret details")
        yield

    shown = record(at)
    monkeypatch.setattr(Run, "__iter__", broken)
    rest(start(at))
    assert not at.exception and record(at) is shown
    assert "RuntimeError" in text(at) and "secret" not in text(at)


def test_nothing_writes_to_the_shared_network(at):
    from pages.parts import server

    before = tensor_hash(server.trained().network)
    rest(start(at, steps=2, objective="adversary"))
    assert tensor_hash(server.trained().network) == before


# === Settings are checked on the server


@pytest.mark.parametrize(("control", "value"), [("steps", 100_000), ("steps", -1), ("scale", 99.0)])
def test_values_beyond_the_limits_never_reach_a_run(at, control, value):
    number = at.number_input(key=f"iterate_{control}").set_value(value)
    at.run()
    assert not at.exception and panels(at)
    refused = at.button(key="iterate_run").disabled and len(at.error) == 1
    # Newer versions of Streamlit put such a value back by themselves.
    assert refused or number.min <= at.number_input(key=f"iterate_{control}").value <= number.max


@pytest.mark.parametrize("rate", ["fast", "", None, "1,5", "nan", "inf", "7", "-1"])
def test_learning_rates_may_be_typed_and_are_checked(rate):
    from pages.parts.choose import typed_rate

    assert typed_rate("2e-3") == 0.002
    with pytest.raises(InputError, match="learning rate"):
        Settings(learning_rate=typed_rate(rate))


def test_centring_everything_is_refused(at):
    at.toggle(key="iterate_centred").set_value(True)
    at.selectbox(key="iterate_variables").set_value("all").run()
    assert "centred updates are defined for" in text(at).lower()
    assert at.button(key="iterate_run").disabled


# === Uploads


def upload(at, photo, name="photo.png", mask=None):
    at.segmented_control(key="iterate_source").set_value("Upload").run()
    at.file_uploader(key="iterate_upload_photo").upload(name, photo)
    if mask is not None:
        at.file_uploader(key="iterate_upload_mask").upload("mask.png", mask)
    return at.run()


@uploads
def test_upload_a_photo_with_its_mask(at, noise):
    mask = np.zeros(noise.shape[:2], np.uint8)
    mask[10:40, 20:60] = 8
    mask[:3] = 255
    upload(at, png(noise), "my *photo*.png", png(mask))
    assert not at.exception and not at.error
    assert "with truth" in text(at)
    rest(start(at))
    assert record(at).reference == "truth"
    assert (record(at).truth == mask).all() and (record(at).photo == noise).all()
    assert "my *photo*.png" in text(at)
    assert len(panels(at)) == 6 and "IoU" in numbers(at)


@uploads
@pytest.mark.parametrize(
    "pixels",
    [
        np.random.default_rng(1).integers(0, 256, (40, 50), dtype=np.uint8),
        np.random.default_rng(1).integers(0, 65536, (40, 50), dtype=np.uint16),
    ],
    ids=["grey", "16 bits"],
)
def test_grey_photos_are_welcome(at, pixels):
    upload(at, png(pixels))
    assert not at.exception and not at.error
    rest(start(at, steps=1))
    assert record(at).photo.shape == (40, 50, 3)


@uploads
def test_large_photos_are_brought_to_the_scale_of_voc(at):
    upload(at, png(np.full((900, 1200, 3), 90, np.uint8)))
    assert "Brought from 1200 x 900 to 500 x 375" in text(at)


@uploads
@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("notes.jpg", b"these are not the pixels you are looking for", "not an image"),
        ("empty.png", b"", "empty"),
        ("cut.png", png(np.arange(18000).reshape(60, 100, 3).astype(np.uint8))[:300], "cut off"),
        ("tiny.png", png(np.zeros((4, 4, 3), np.uint8)), "less than 16"),
    ],
)
def test_bad_photos_are_refused_in_one_sentence(at, name, data, words):
    shown, choice = record(at), at.session_state["iterate_choice"]
    upload(at, data, name)
    assert not at.exception
    assert len(at.error) == 1 and words in at.error[0].value.replace("\\", "")
    assert record(at) is shown and panels(at)
    assert at.session_state["iterate_choice"] is choice
    at.run()
    assert len(at.error) == 1  # as long as the file is there
    at.segmented_control(key="iterate_source").set_value("Samples").run()
    assert not at.error


@uploads
@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.zeros((50, 90), np.uint8), "The mask is 90 x 50 pixels"),
        (np.full((60, 90), 77, np.uint8), "the class ids 77"),
        (
            np.dstack([np.full((60, 90), v, np.uint8) for v in (1, 2, 3)]),
            "colours that are not VOC",
        ),
    ],
    ids=["size", "ids", "colours"],
)
def test_bad_masks_are_refused_in_one_sentence(at, noise, mask, words):
    choice = at.session_state["iterate_choice"]
    upload(at, png(noise), mask=png(mask))
    assert not at.exception
    assert len(at.error) == 1 and words in at.error[0].value.replace("\\", "")
    assert at.session_state["iterate_choice"] is choice


@uploads
def test_oracle_without_truth_is_labelled(at, noise):
    upload(at, png(noise))
    assert "no truth" in text(at)
    at.selectbox(key="iterate_objective").set_value("oracle").run()
    assert any("prediction at scale 1 stands in" in warning.value for warning in at.warning)
    rest(start(at, objective="oracle"))
    assert record(at).reference == "1x prediction"
    assert "IoU" not in numbers(at) and "Agreement vs. 1x" in numbers(at)
    assert "no truth: compared with the 1x prediction" in text(at)
    assert "nobody knows which step is best" in text(at)
    assert "**Truth**" not in text(at) and "**Prediction at 1x**, stand-in" in text(at)


# === PASCAL VOC


def browse(at, root):
    at.segmented_control(key="iterate_source").set_value("PASCAL VOC").run()
    at.text_input(key="iterate_voc_root").set_value(str(root))
    return at.run()


def shown_ids(at):
    return [
        button.key.removeprefix("iterate_pick_voc:")
        for button in at.button
        if button.key and button.key.startswith("iterate_pick_voc:")
    ]


def test_voc_browse_search_and_run(at, voc_root):
    browse(at, voc_root)
    assert not at.exception and not at.error
    assert at.selectbox(key="iterate_voc_split").value == "val"
    assert len(shown_ids(at)) == 4
    at.selectbox(key="iterate_voc_split").set_value("trainval").run()
    assert len(shown_ids(at)) == 10
    at.text_input(key="iterate_voc_query").set_value("cat 2008").run()
    assert shown_ids(at) == ["2008_000004"]
    at.button(key="iterate_pick_voc:2008_000004").click().run()
    rest(start(at, steps=1))
    assert record(at).title == "2008_000004" and record(at).reference == "truth"


def test_voc_search_without_a_hit(at, voc_root):
    browse(at, voc_root)
    at.text_input(key="iterate_voc_query").set_value("zebra").run()
    assert not at.exception and shown_ids(at) == []
    assert "None of the 4 images of val fits “zebra”" in text(at)


def test_voc_pages(at, voc_root, monkeypatch):
    from pages.parts import voc_grid

    monkeypatch.setattr(voc_grid, "PER_PAGE", 3)
    browse(at, voc_root)
    at.selectbox(key="iterate_voc_split").set_value("trainval").run()
    first = shown_ids(at)
    page = next(i for i in at.number_input if i.key.startswith("iterate_voc_page"))
    page.set_value(4).run()
    assert len(first) == 3 and len(shown_ids(at)) == 1
    assert not set(first) & set(shown_ids(at))


@pytest.mark.parametrize("root", ["/no/such/folder", "\0", "~", "https://example.org", "x" * 5000])
def test_absurd_voc_folders(at, root):
    browse(at, root)
    assert not at.exception
    assert len(at.error) == 1 and panels(at)


def test_voc_folder_without_voc_says_what_is_missing(at, tmp_path):
    browse(at, tmp_path)
    assert "No VOC 2012 in" in text(at) and "JPEGImages" in text(at)
    (tmp_path / "VOC2012" / "JPEGImages").mkdir(parents=True)
    browse(at, tmp_path)
    assert "ImageSets/Segmentation" in text(at)


def test_voc_folder_from_the_environment(at, voc_root, monkeypatch):
    monkeypatch.setenv("SEGVIZ_VOC_ROOT", str(voc_root))
    at.segmented_control(key="iterate_source").set_value("PASCAL VOC").run()
    assert len(shown_ids(at)) == 4

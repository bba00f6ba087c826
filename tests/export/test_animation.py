"""A run as GIF and WebP, and the frames of both."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from segviz.data.voc_palette import PALETTE
from segviz.errors import InputError
from segviz.export import animation
from segviz.export.animation_frame import FrameLayout, grid_columns
from segviz.pictures import maps
from segviz.pictures.panels import PANELS

PANELS_WITH_TRUTH = (
    "photo",
    "prediction",
    "truth",
    "entropy",
    "receptive-field",
    "right-wrong",
)


def decoded(data):
    """Frames (H, W, 3), milliseconds of each, and the times it repeats (0 = forever)."""
    image = Image.open(io.BytesIO(data))
    frames, times = [], []
    for index in range(image.n_frames):
        image.seek(index)
        frames.append(np.array(image.convert("RGB")))
        times.append(image.info["duration"])
    return frames, times, image.info["loop"]


def panel_of(frame, layout, name):
    """A panel out of a frame, at the photo's own pixels."""
    left, top = layout.positions[layout.names.index(name)]
    height, width = (side * layout.magnification for side in layout.record.photo.shape[:2])
    return frame[
        top : top + height : layout.magnification, left : left + width : layout.magnification
    ]


@pytest.fixture(scope="module")
def gif(record):
    return decoded(animation.gif(record))


@pytest.fixture(scope="module")
def webp(record):
    return decoded(animation.webp(record))


@pytest.mark.parametrize("kind", ["gif", "webp"])
def test_a_frame_for_every_step_pauses_at_both_ends_and_loops(request, record, kind):
    frames, times, loop = request.getfixturevalue(kind)
    assert len(frames) == len(record.steps) and loop == 0
    assert times == [animation.HOLD_MS, animation.STEP_MS, animation.STEP_MS, animation.HOLD_MS]
    height, width = frames[0].shape[:2]
    assert height % 2 == 0 and width % 2 == 0


def test_a_webp_has_every_panel_as_the_record_has_it(record, webp):
    layout = FrameLayout(record, PANELS_WITH_TRUTH)
    for step, frame in enumerate(webp[0]):
        for name in PANELS_WITH_TRUTH:
            assert (panel_of(frame, layout, name) == PANELS[name].picture(record, step)).all(), name


def test_a_gif_has_label_colours_exactly(record, gif):
    layout = FrameLayout(record, PANELS_WITH_TRUTH)
    for step, frame in enumerate(gif[0]):
        assert (panel_of(frame, layout, "prediction") == PALETTE[record.labels[step]]).all()
        assert (panel_of(frame, layout, "truth") == PALETTE[record.truth]).all()
        want = maps.outcome_picture(record.truth, record.labels[0], record.labels[step])
        assert (panel_of(frame, layout, "right-wrong") == want).all()


@pytest.mark.parametrize("name", ["entropy", "receptive-field"])
def test_a_gif_has_the_other_maps_nearly(record, gif, name):
    layout = FrameLayout(record, PANELS_WITH_TRUTH)
    for step, frame in enumerate(gif[0]):
        shown = panel_of(frame, layout, name).astype(int)
        error = np.abs(shown - PANELS[name].picture(record, step))
        assert error.max() <= 12 and error.mean() < 4


@pytest.mark.parametrize("names", [("photo",), ("overlay", "photo", "entropy")])
def test_a_gif_has_photos_nearly(record, names):
    frames, _, _ = decoded(animation.gif(record, names=names))
    layout = FrameLayout(record, names)
    for name in set(names) - {"entropy"}:
        for step, frame in enumerate(frames):
            shown = panel_of(frame, layout, name).astype(int)
            far = np.abs(shown - PANELS[name].picture(record, step))
            assert far.mean() < 6


def test_every_class_at_once_keeps_its_colour(record):
    """With all 21 classes and ignore, the photo has the remaining colours."""
    labels = record.labels.copy()
    labels.reshape(4, -1)[:, :21] = np.arange(21)
    many = replace(record, labels=labels)
    layout = FrameLayout(many, PANELS_WITH_TRUTH)
    for step, frame in enumerate(decoded(animation.gif(many))[0]):
        assert (panel_of(frame, layout, "prediction") == PALETTE[labels[step]]).all()


def test_steps_and_panels_can_be_chosen(record):
    for make in (animation.gif, animation.webp):
        frames, times, _ = decoded(make(record, (0, 2, 3), ("entropy", "prediction")))
        layout = FrameLayout(record, ("entropy", "prediction"))
        assert len(frames) == 3 and times == [
            animation.HOLD_MS,
            animation.STEP_MS,
            animation.HOLD_MS,
        ]
        for step, frame in zip((0, 2, 3), frames, strict=True):
            assert (panel_of(frame, layout, "prediction") == PALETTE[record.labels[step]]).all()
        with pytest.raises(InputError, match="no step 4"):
            make(record, (4,))
        with pytest.raises(InputError, match="no panel 'depth'"):
            make(record, (), ("depth",))


def test_a_single_step_is_a_still(record, unjudged):
    for one in (record, unjudged):
        for make in (animation.gif, animation.webp):
            image = Image.open(io.BytesIO(make(one, (2,))))
            assert getattr(image, "n_frames", 1) == 1


def test_equal_steps_keep_their_time(record):
    """The caption changes with every step, so no encoder drops a frame."""
    still = replace(
        record,
        labels=record.labels[:1].repeat(4, 0),
        entropy=replace(record.entropy, codes=record.entropy.codes[:1].repeat(4, 0)),
        sigma=replace(record.sigma, codes=record.sigma.codes[:1].repeat(4, 0)),
        steps=tuple({**record.steps[0], "step": step} for step in range(4)),
    )
    for make in (animation.gif, animation.webp):
        assert len(decoded(make(still))[0]) == 4


def test_long_runs_are_thinned_out_evenly(record, monkeypatch):
    monkeypatch.setattr(animation, "MAX_FRAMES", 3)
    frames, _, _ = decoded(animation.gif(record, (0, 1, 2, 3), ("prediction",)))
    layout = FrameLayout(record, ("prediction",))
    assert len(frames) == 3
    assert (panel_of(frames[-1], layout, "prediction") == PALETTE[record.labels[3]]).all()


# The layout of a frame


@pytest.mark.parametrize(
    ("count", "height", "width", "columns"),
    [
        (1, 375, 500, 1),
        (2, 375, 500, 2),
        (4, 375, 500, 2),
        (6, 375, 500, 3),
        (6, 500, 375, 3),
        (4, 500, 250, 4),
        (2, 100, 500, 1),
    ],
)
def test_grids_have_nearly_the_shape_of_a_screen(count, height, width, columns):
    assert grid_columns(count, height, width) == columns


def test_panels_do_not_overlap_and_lie_inside(record):
    layout = FrameLayout(record, list(PANELS))
    pictures = [np.full((*record.photo.shape[:2], 3), i + 1, np.uint8) for i in range(len(PANELS))]
    frame = layout.frame(1, pictures)
    size = record.photo.shape[0] * record.photo.shape[1] * layout.magnification**2
    for i in range(len(PANELS)):
        assert (frame == i + 1).all(-1).sum() == size


def test_frames_differ_by_their_step_line_only(record):
    layout = FrameLayout(record, ["photo"])
    first, last = (layout.frame(step, [record.photo]) for step in (0, 3))
    rows = np.flatnonzero((first != last).any((1, 2)))
    assert len(rows) > 0 and rows.max() < layout.positions[0][1]
    assert (layout.frame(0, [record.photo]) == first).all()

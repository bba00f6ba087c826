"""The pictures of a step, by name."""

import numpy as np
import pytest

from segviz.adapt import Settings
from segviz.data.classes import IGNORE
from segviz.data.voc_palette import PALETTE
from segviz.errors import InputError
from segviz.pictures import maps, panels
from segviz.pictures.panels import PANELS
from segviz.runs.run import Run


@pytest.fixture(scope="module")
def several(trained, photo, truth):
    """A record of several sizes, which has every panel."""
    settings = Settings(method="pyramid:rule:entropy", scale=8.0, steps=1)
    return Run(trained, photo, settings, truth, "shapes").all()


@pytest.mark.parametrize("name", PANELS)
def test_every_panel_has_the_photos_pixels(several, name):
    picture = PANELS[name].picture(several, 2)
    assert picture.shape == several.photo.shape and picture.dtype == np.uint8


@pytest.mark.parametrize("name", [name for name in PANELS if not PANELS[name].changes])
def test_what_does_not_change_is_the_same_at_every_step(record, name):
    assert (PANELS[name].picture(record, 0) == PANELS[name].picture(record, 3)).all()


@pytest.mark.parametrize("name", [name for name in PANELS if PANELS[name].labels])
def test_label_panels_show_their_labels(record, name):
    panel = PANELS[name]
    assert (panel.picture(record, 2) == PALETTE[panel.labels(record, 2)]).all()


def test_each_shows_what_it_is_called(record):
    shown = {name: PANELS[name].picture(record, 2) for name in panels.choose(record)}
    assert (shown["photo"] == record.photo).all()
    assert (shown["feedforward"] == PALETTE[record.labels[0]]).all()
    assert (shown["prediction"] == PALETTE[record.labels[2]]).all()
    assert (shown["truth"] == PALETTE[record.truth]).all()
    limits = maps.limits_of(record.entropy)
    assert (shown["entropy"] == maps.entropy_picture(record, 2, limits)).all()
    limits = maps.limits_of(record.sigma)
    assert (shown["receptive-field"] == maps.receptive_field_picture(record, 2, limits)).all()
    want = maps.outcome_picture(record.truth, record.labels[0], record.labels[2])
    assert (shown["right-wrong"] == want).all()
    want = maps.difference_picture(record, 2, record.labels[0])
    assert (shown["difference"] == want).all()


def test_panels_are_chosen_by_name_and_once(record, several, unjudged):
    assert panels.choose(several) == list(PANELS)
    assert panels.choose(record) == [name for name in PANELS if name != "scale-read"]
    assert panels.choose(record, ["entropy", "photo", "entropy"]) == ["entropy", "photo"]
    assert not {"truth", "right-wrong"} & set(panels.choose(unjudged))


def test_absent_panels_are_refused(record, unjudged):
    with pytest.raises(InputError, match=r"no panel 'depth'; choose one of photo, .*difference\."):
        panels.choose(record, ["depth"])
    with pytest.raises(InputError, match="'truth' needs truth, but this run had none"):
        panels.choose(unjudged, ["truth"])
    with pytest.raises(
        InputError, match="'scale-read' needs a map of sizes, but this run had none"
    ):
        panels.choose(record, ["scale-read"])


def test_the_scale_read(several):
    """Step 0 is read at s alone; later steps at sizes in between."""
    low, high = several.sizes.low, several.sizes.high
    assert np.allclose(several.sizes[0], 8.0, atol=(high - low) / 255)
    assert several.sizes[2].min() >= 2.0 - (high - low) / 255 and several.sizes[2].max() <= 8.1


def test_bars_have_range_and_unit(record):
    assert panels.bar(record, "entropy") == ("entropy", maps.limits_of(record.entropy), "nats")
    assert panels.bar(record, "receptive-field")[2] == "input px"
    assert panels.bar(record, "prediction") is None


def test_the_legend_names_the_colours_that_occur(record, unjudged):
    entries = panels.legend(record)
    assert ((64, 0, 0), "cat") in entries and ((0, 64, 128), "tvmonitor") in entries
    assert entries[-1] == (tuple(PALETTE[IGNORE].tolist()), "ignored in truth")
    colours = {colour for colour, _ in entries}
    pixels = np.concatenate([PALETTE[record.labels].reshape(-1, 3), PALETTE[record.truth.ravel()]])
    assert {tuple(pixel) for pixel in np.unique(pixels, axis=0).tolist()} == colours
    assert "ignored in truth" not in dict(map(reversed, panels.legend(unjudged)))

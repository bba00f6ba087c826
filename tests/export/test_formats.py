"""The registry of exports."""

import csv
import io
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from segviz.data.masks import load_labels
from segviz.data.voc_palette import PALETTE
from segviz.errors import InputError
from segviz.export import animation, contact_sheet, formats
from segviz.export.formats import EXPORTS, Selection
from segviz.pictures.panels import PANELS
from segviz.runs import describe
from segviz.runs.archive import read_zip
from segviz.runs.record import NUMBERS, Record


def picture(data):
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def test_curves_read_back_as_the_numbers_of_the_record(record):
    rows = list(csv.DictReader(io.StringIO(EXPORTS["csv"](record).decode())))
    assert len(rows) == 4 and tuple(rows[0]) == NUMBERS
    for row, step in zip(rows, record.steps, strict=True):
        for key in NUMBERS:
            assert row[key] == "" if step[key] is None else float(row[key]) == step[key]


def test_a_steps_picture_shows_its_maps_side_by_side_in_true_pixels(record):
    shown = picture(EXPORTS["png"](record, Selection(step=2)))
    height, width = record.photo.shape[:2]
    names = ("photo", "prediction", "entropy", "receptive-field", "truth")
    assert shown.shape == (height, 5 * width, 3)
    for i, name in enumerate(names):
        panel = shown[:, i * width : (i + 1) * width]
        assert (panel == PANELS[name].picture(record, 2)).all()


@pytest.mark.parametrize("name", [name for name in PANELS if name != "scale-read"])
def test_a_panel_alone_is_in_true_pixels(record, name):
    data = EXPORTS["png"](record, Selection(step=1, panels=(name,)))
    assert (picture(data) == PANELS[name].picture(record, 1)).all()


@pytest.mark.parametrize("name", ["prediction", "truth", "feedforward"])
def test_label_maps_can_be_used_as_masks(record, name, tmp_path):
    (tmp_path / "mask.png").write_bytes(formats.panel_png(record, 3, name))
    image = Image.open(tmp_path / "mask.png")
    want = PANELS[name].labels(record, 3)
    assert image.mode == "P" and (np.array(image) == want).all()
    assert image.getpalette() == PALETTE.ravel().tolist()
    assert (load_labels(tmp_path / "mask.png", want.shape) == want).all()


def test_the_last_step_is_the_default(record):
    assert EXPORTS["png"](record) == EXPORTS["png"](record, Selection(step=3))
    assert EXPORTS["png"](record) != EXPORTS["png"](record, Selection(step=0))


def test_a_reference_prediction_is_not_exported_as_truth(unjudged):
    height, width = unjudged.photo.shape[:2]
    assert picture(EXPORTS["png"](unjudged)).shape == (height, 4 * width, 3)
    with pytest.raises(InputError, match="'truth' needs truth"):
        EXPORTS["png"](unjudged, Selection(panels=("truth",)))


def test_the_zip_holds_the_record(record, tmp_path):
    data = EXPORTS["zip"](record)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        stem = describe.file_stem(record)
        assert sorted(archive.namelist()) == [f"{stem}.json", f"{stem}.npz"]
        archive.extractall(tmp_path)
    assert Record.load(tmp_path / f"{stem}.npz") == record
    assert read_zip(data) == record


def test_sheet_and_animations_take_steps_and_panels(record):
    chosen = Selection(steps=(0, 3), panels=("prediction",))
    assert (
        picture(EXPORTS["sheet"](record, chosen))
        == contact_sheet.contact_sheet(record, (0, 3), ("prediction",))
    ).all()
    assert EXPORTS["gif"](record, chosen) == animation.gif(record, (0, 3), ("prediction",))
    assert EXPORTS["webp"](record, chosen) == animation.webp(record, (0, 3), ("prediction",))


@pytest.mark.parametrize("name", EXPORTS)
def test_every_export_has_its_media_type(record, name):
    one = EXPORTS[name]
    if not one.is_available():
        pytest.skip("what makes it is not installed")
    data = one(record)
    begins = {
        "image/png": b"\x89PNG",
        "image/gif": b"GIF89a",
        "image/webp": b"RIFF",
        "text/csv": b"step,loss,",
        "application/zip": b"PK",
        "text/html": b"<!doctype html>",
    }
    if one.mime == "video/mp4":
        assert data[4:8] == b"ftyp"
    else:
        assert data.startswith(begins[one.mime])
    assert one.label and one.help.endswith(".") and one.icon.startswith(":material/")


@pytest.mark.parametrize("name", EXPORTS)
def test_names_are_safe_and_have_their_suffix(record, name):
    odd = replace(record, title='../<img src=x>"\n.png')
    file = EXPORTS[name].name(odd, Selection(step=2, panels=("entropy",)))
    assert re.fullmatch(r"segviz-img-src-x-1x-[a-z0-9.-]+", file)
    assert file.endswith(EXPORTS[name].suffix)


def test_names_differ(record):
    names = [one.name(record) for one in EXPORTS.values()]
    names += [
        EXPORTS["png"].name(record, Selection(step, panels=(panel,)))
        for step in (0, 3)
        for panel in ("entropy", "prediction")
    ]
    assert len(set(names)) == len(names)
    assert EXPORTS["png"].name(record).endswith("-step-003.png")


def test_pictures_of_absent_steps_are_refused(record):
    with pytest.raises(InputError, match="no step 9: this run has steps 0 to 3"):
        EXPORTS["png"](record, Selection(step=9))

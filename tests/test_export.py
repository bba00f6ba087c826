"""Records to files."""

import csv
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from segviz.adapt import Record, Run, Settings
from segviz.adapt.record import NUMBERS
from segviz.render import export, maps


@pytest.fixture(scope="module")
def record(trained, photo, truth):
    return Run(trained, photo, Settings(scale=1.0, steps=3), truth, "shapes").all()


def test_curves_read_back_as_the_numbers_of_the_record(record, tmp_path):
    export.curves_csv(record, tmp_path / "curves.csv")
    with (tmp_path / "curves.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 and tuple(rows[0]) == NUMBERS
    for row, step in zip(rows, record.steps, strict=True):
        for key in NUMBERS:
            assert row[key] == "" if step[key] is None else float(row[key]) == step[key]


def test_a_steps_picture_shows_its_maps_side_by_side_in_true_pixels(record, tmp_path):
    export.step_png(record, 2, tmp_path / "step.png")
    picture = np.array(Image.open(tmp_path / "step.png"))
    height, width = record.photo.shape[:2]
    assert picture.shape == (height, 5 * width, 3)
    panels = [picture[:, i * width : (i + 1) * width] for i in range(5)]
    assert (panels[0] == record.photo).all()
    assert (panels[1] == maps.label_picture(record.labels[2])).all()
    assert (panels[2] == maps.entropy_picture(record, 2, maps.limits_of(record.entropy))).all()
    assert (panels[4] == maps.label_picture(record.truth)).all()


def test_a_stand_in_is_not_exported_as_truth(trained, photo):
    record = Run(trained, photo, Settings(scale=1.0, steps=0)).all()
    height, width = record.photo.shape[:2]
    assert export.step_picture(record, 0).shape == (height, 4 * width, 3)


def test_the_zip_holds_the_record(record, tmp_path):
    with zipfile.ZipFile(io.BytesIO(export.record_zip(record, "shapes"))) as archive:
        assert sorted(archive.namelist()) == ["shapes.json", "shapes.npz"]
        archive.extractall(tmp_path)
    assert Record.load(tmp_path / "shapes.npz") == record

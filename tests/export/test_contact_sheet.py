"""The contact sheet."""

from dataclasses import replace

import numpy as np
import pytest

from segviz.errors import InputError
from segviz.export import contact_sheet
from segviz.pictures import maps
from segviz.pictures.panels import PANELS
from segviz.runs.record import Record


def packed(picture):
    """Colours (H, W, 3) as one number each."""
    r, g, b = np.moveaxis(picture.astype(np.int32), -1, 0)
    return r << 16 | g << 8 | b


def places(picture, panel, times):
    """The top left corners at which a magnified panel occurs in a picture."""
    panel = panel.repeat(times, axis=0).repeat(times, axis=1)
    picture, panel = packed(picture), packed(panel)
    h, w = panel.shape
    found = np.ones((picture.shape[0] - h + 1, picture.shape[1] - w + 1), bool)
    for y, x in np.random.default_rng(0).integers(0, (h, w), (40, 2)):  # few places pass
        found &= picture[y : y + found.shape[0], x : x + found.shape[1]] == panel[y, x]
    return [
        (y, x)
        for y, x in np.argwhere(found).tolist()
        if (picture[y : y + h, x : x + w] == panel).all()
    ]


def test_panels_are_rows_and_steps_are_columns_in_true_pixels(record):
    picture = contact_sheet.contact_sheet(
        record, (0, 1, 3), ("entropy", "receptive-field", "photo")
    )
    times = contact_sheet.magnification(record)
    assert times == 3
    corners = {}
    for name in ("entropy", "receptive-field"):
        for step in (0, 1, 3):
            (corners[name, step],) = places(picture, PANELS[name].picture(record, step), times)
    rows = {name: {y for (n, _), (y, _) in corners.items() if n == name} for name, _ in corners}
    columns = {step: {x for (_, s), (_, x) in corners.items() if s == step} for _, step in corners}
    assert all(len(row) == 1 for row in rows.values())
    assert all(len(column) == 1 for column in columns.values())
    assert rows["entropy"].pop() < rows["receptive-field"].pop()
    lefts = [columns[step].pop() for step in (0, 1, 3)]
    assert lefts == sorted(lefts)
    ((_, left),) = places(picture, record.photo, times)  # once, before all steps
    assert left < lefts[0]


def test_the_default_sheet_has_bars_legend_and_more_without_overlap(record):
    picture = contact_sheet.contact_sheet(record)
    for name in contact_sheet.DEFAULT_PANELS:
        assert places(
            picture, PANELS[name].picture(record, 3), contact_sheet.magnification(record)
        ), name
    colours = {(n >> 16, n >> 8 & 255, n & 255) for n in np.unique(packed(picture)).tolist()}
    assert set(maps.OUTCOMES.values()) <= colours
    assert {tuple(colour) for colour in maps.colour_table("sigma")[[0, -1]].tolist()} <= colours


def test_without_truth_there_is_no_row_for_it(record, unjudged):
    with_truth, without = contact_sheet.contact_sheet(record), contact_sheet.contact_sheet(unjudged)
    assert without.shape[0] < with_truth.shape[0] and without.shape[1] == with_truth.shape[1]


def test_panels_that_do_not_change_make_a_sheet(record):
    picture = contact_sheet.contact_sheet(record, (), ("photo", "truth"))
    times = contact_sheet.magnification(record)
    assert places(picture, record.photo, times)
    assert places(picture, maps.label_picture(record.truth), times)


@pytest.mark.parametrize("title", ["", "<b>", "小猫\n" * 80, "x" * 500])
def test_any_title_fits(record, title):
    usual = contact_sheet.contact_sheet(record, (0,), ("prediction",))
    assert contact_sheet.contact_sheet(
        replace(record, title=title), (0,), ("prediction",)
    ).shape == (usual.shape)


def test_large_photos_keep_their_pixels(record):
    big = enlarged(record, 5)
    assert contact_sheet.magnification(big) == 1
    picture = contact_sheet.contact_sheet(big, (3,), ("prediction",))
    assert places(picture, maps.label_picture(big.labels[3]), 1)


def enlarged(record: Record, times: int) -> Record:
    def larger(array: np.ndarray) -> np.ndarray:
        return array.repeat(times, axis=-1).repeat(times, axis=-2)

    return replace(
        record,
        photo=record.photo.repeat(times, axis=0).repeat(times, axis=1),
        labels=larger(record.labels),
        truth=larger(record.truth),
        positions=tuple(positions.repeat(times) for positions in record.positions),
    )


def test_the_default_steps_are_evenly_spaced(record):
    assert contact_sheet.choose_steps(record) == [0, 1, 2, 3]
    assert contact_sheet.choose_steps(record, (3, 0, 3)) == [0, 3]
    long = replace(record, steps=record.steps[:1] * 33)
    assert contact_sheet.choose_steps(long) == [0, 8, 16, 24, 32]


@pytest.mark.parametrize("step", [-1, 4])
def test_unknown_steps_are_refused(record, step):
    with pytest.raises(InputError, match=rf"no step {step}: this run has steps 0 to 3"):
        contact_sheet.contact_sheet(record, (step,))


def test_sheets_too_large_are_refused(record, monkeypatch):
    monkeypatch.setattr(contact_sheet, "MAX_PICTURES", 5)
    with pytest.raises(InputError, match=r"4 steps of 2 panels are too many .* holds 5"):
        contact_sheet.contact_sheet(record, (), ("prediction", "entropy"))

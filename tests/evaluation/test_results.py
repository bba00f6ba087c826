import copy
import json
import math

import numpy as np
import pytest

from segviz.errors import InputError
from segviz.evaluation.paper_tables import OURS, TABLES
from segviz.evaluation.results import MOST_BYTES, command, parse, read
from tests.outcomes import table

IDS = [f"2007_{i:06}" for i in range(12)]
BOTH = ("entropy", "both", 32)
MEAN = {"method": "entropy", "variables": "both", "steps": 32, "scales": [3.0, 4.0]}


@pytest.fixture(scope="module")
def data():
    return table("1", IDS)


@pytest.mark.parametrize("name", TABLES)
def test_what_tables_writes_is_read(tmp_path, name):
    written = table(name, IDS)
    path = tmp_path / f"table-{name}.json"
    path.write_text(json.dumps(written))
    result = read(path)
    assert (result.table, result.images, result.split) == (name, 12, "val")
    assert result.complete and tuple(result.parts) == TABLES[name].models
    for model, part in result.parts.items():
        one = written["models"][model]
        assert part.ids == tuple(IDS) and part.scales == sorted(TABLES[name].scales)
        assert [row.miou for row in part.rows] == [row["miou"] for row in one["results"]]
        for row, each in zip(part.rows, one["by_image"], strict=True):
            assert row.each["iou"].tolist() == each["iou"]


def test_rows_are_found_by_what_they_are(data):
    part = parse(data, "file").parts["w/ aug"]
    row, base = part.row(3.0, BOTH), part.base(3.0)
    assert (row.scale, row.kind) == (3.0, BOTH) and base.method == "feedforward"
    assert row.miou - base.miou == pytest.approx(0.02)
    assert part.row(9.0, BOTH) is None
    assert part.kinds[0] == ("feedforward", None, 0) and (*OURS, 32) in part.kinds


def test_mean_gains(data):
    part = parse(data, "file").parts["w/ aug"]
    mean = part.mean_gains[BOTH]
    assert (mean.scales, mean.gain, mean.error) == ((2.5, 3.0, 3.5, 4.0), 0.02, 0.009)
    assert set(part.mean_gains) == set(part.kinds[1:])
    assert parse(table("3", IDS), "file").parts["w/ aug"].mean_gains == {}
    changed = copy.deepcopy(data)
    changed["models"]["w/ aug"]["mean_gains"] = [MEAN]
    only = parse(changed, "file").parts["w/ aug"].mean_gains
    assert list(only) == [BOTH] and only[BOTH].gain is None


def test_no_number_is_nan(data):
    changed = copy.deepcopy(data)
    one = changed["models"]["w/ aug"]
    one["results"][0]["miou"] = None
    one["by_image"][0]["iou"][3] = None
    row = parse(changed, "file").parts["w/ aug"].rows[0]
    assert row.miou is None and math.isnan(row.class_iou[0]) and math.isnan(row.each["iou"][3])
    assert np.isfinite(row.each["iou"]).sum() == len(IDS) - 1


def test_what_evaluate_writes_is_read(cli, voc_root):
    asked = ("--limit", "3", "--scales", "1", "--methods", "feedforward,entropy", "--steps", "1,2")
    arguments = ("evaluate", "--voc-root", voc_root, *asked, "--json")
    code, out, _ = cli(*arguments, "--by-image")
    assert code == 0
    result = parse(json.loads(out), "file")
    part = result.parts[""]
    assert (result.table, result.images, result.split) == ("", 3, "val")
    assert part.kinds == [("feedforward", None, 0), ("entropy", "both", 1), ("entropy", "both", 2)]
    assert len(part.environment["sha256"]) == 64 and len(part.ids) == 3
    assert all(len(row.each["entropy"]) == 3 for row in part.rows)


def test_without_numbers_of_images(data):
    changed = copy.deepcopy(data)
    for one in changed["models"].values():
        del one["by_image"], one["ids"]
    assert parse(changed, "file").parts["w/ aug"].rows[0].each == {}


def test_a_model_that_was_not_begun(data):
    changed = copy.deepcopy(data)
    one = changed["models"]["w/ aug"]
    one |= {"images": 0, "ids": []}
    for row in one["results"]:
        row |= {"miou": None, "class_iou": [None] * 21}
    for row in one["by_image"]:
        row |= {"iou": [], "accuracy": [], "entropy": []}
    assert parse({**changed, "complete": False}, "file").parts["w/ aug"].images == 0


def _set(*path):
    *way, key, value = path

    def change(data):
        for step in way:
            data = data[step]
        data[key] = value

    return change


MODEL = ("models", "w/ aug")
ROW = (*MODEL, "results", 1)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (_set("table", "9"), "table '9', which there is not"),
        (_set("models", {}), "no models"),
        (_set("models", []), "models is no object"),
        (_set("split", None), "split is no text"),
        (_set("images", -1), "images is no number of things"),
        (_set("images", True), "images is no number of things"),
        (_set(*MODEL, "ids", 0, "../../etc"), "ids are not those of 12 images"),
        (_set(*MODEL, "ids", IDS[:5]), "ids are not those of 12 images"),
        (_set(*MODEL, "results", []), "no results"),
        (_set(*MODEL, "by_image", []), None),
        (_set(*MODEL, "by_image", [{}]), "by_image does not belong"),
        (_set(*MODEL, "by_image", 1, "steps", 7), "by_image does not belong"),
        (_set(*MODEL, "by_image", 1, "iou", [0.5]), "by_image does not have 12 images"),
        (_set(*MODEL, "by_image", 1, "iou", 0, "0.5"), "iou is no number"),
        (_set(*ROW, "scale", 0), "a scale is not positive"),
        (_set(*ROW, "miou", 71.0), "an mIoU is 71, but must be from 0 to 1"),
        (_set(*ROW, "miou", 10**400), "miou is no number"),
        (_set(*ROW, "gain_error", 1.2), "gain_error is 1.2, but must be from 0 to 1"),
        (_set(*ROW, "miou_error", -0.1), "miou_error is -0.1, but must be from 0 to 1"),
        (_set(*MODEL, "mean_gains", {}), "mean_gains is no list"),
        (_set(*MODEL, "mean_gains", [3]), "a mean gain is no object"),
        (_set(*MODEL, "mean_gains", [MEAN | {"gain": "much"}]), "a mean gain's gain is no number"),
        (_set(*MODEL, "mean_gains", [MEAN | {"variables": 3}]), "variables is no text"),
        (_set(*MODEL, "mean_gains", [MEAN | {"scales": None}]), "scales is no list"),
        (_set(*ROW, "accuracy", "high"), "accuracy is no number"),
        (_set(*ROW, "class_iou", None), "class_iou is no list"),
        (_set(*ROW, "method", 3), "method is no text"),
    ],
)
def test_something_else_is_refused_in_one_sentence(data, change, what):
    changed = copy.deepcopy(data)
    change(changed)
    if what is None:
        parse(changed, "it.json")
        return
    with pytest.raises(InputError, match=r"it\.json is not a result file of segviz") as caught:
        parse(changed, "it.json")
    assert what in str(caught.value) and "make it again." in str(caught.value)


@pytest.mark.parametrize("data", [None, 3, [], "text", {}])
def test_other_json_is_refused(data):
    with pytest.raises(InputError, match="is not a result file"):
        parse(data, "it.json")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff\xfe", b'{"images": NaN}', b"[" * 100_000, b"1" * 10_000]
)
def test_damaged_files_are_refused_in_one_sentence(tmp_path, text):
    path = tmp_path / "table-1.json"
    path.write_bytes(text)
    with pytest.raises(InputError, match=r"table-1\.json is damaged.*make it again\.$"):
        read(path)


def test_missing_and_too_large_files(tmp_path):
    path = tmp_path / "table-1.json"
    with pytest.raises(InputError, match="cannot be read"):
        read(path)
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(InputError, match="has 100 MB, but"):
        read(path)


def test_the_command_names_the_table():
    assert command("2") == "python -m segviz tables 2 --voc-root DIR"

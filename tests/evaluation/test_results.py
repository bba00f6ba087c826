import copy
import json
from pathlib import Path

import pytest

from segviz.errors import InputError
from segviz.evaluation.paper_tables import OURS, TABLES
from segviz.evaluation.results import (
    MAX_BYTES,
    parse_result,
    read_result,
    table_command,
)
from tests.outcomes import table

ROOT = Path(__file__).parents[2]
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
    result = read_result(path)
    assert (result.table, result.images, result.split) == (name, 12, "val")
    assert result.complete and tuple(result.models) == TABLES[name].models
    for model, part in result.models.items():
        one = written["models"][model]
        assert part.ids == tuple(IDS) and part.scales == sorted(TABLES[name].scales)
        assert [row.miou for row in part.results] == [row["miou"] for row in one["results"]]
        for row, each in zip(part.results, one["by_image"], strict=True):
            assert list(part.image_results(row).iou) == each["iou"]


def test_rows_are_found_by_what_they_are(data):
    part = parse_result(data, "file").models["w/ aug"]
    row, base = part.result(3.0, BOTH), part.feedforward(3.0)
    assert (row.scale, row.variant) == (3.0, BOTH) and base.method == "feedforward"
    assert row.miou - base.miou == pytest.approx(0.02)
    assert part.result(9.0, BOTH) is None
    assert part.variants[0] == ("feedforward", None, 0) and (*OURS, 32) in part.variants


def test_mean_gains(data):
    part = parse_result(data, "file").models["w/ aug"]
    mean = part.mean_gain(BOTH)
    assert (mean.scales, mean.gain, mean.error) == ((2.5, 3.0, 3.5, 4.0), 0.02, 0.009)
    assert [mean.variant for mean in part.mean_gains] == part.variants[1:]
    assert parse_result(table("3", IDS), "file").models["w/ aug"].mean_gains == ()
    changed = copy.deepcopy(data)
    changed["models"]["w/ aug"]["mean_gains"] = [MEAN]
    (only,) = parse_result(changed, "file").models["w/ aug"].mean_gains
    assert only.variant == BOTH and only.gain is None and part.mean_gain((*BOTH[:2], 7)) is None


def test_null_is_none(data):
    changed = copy.deepcopy(data)
    one = changed["models"]["w/ aug"]
    one["results"][0]["miou"] = None
    one["by_image"][0]["iou"][3] = None
    model = parse_result(changed, "file").models["w/ aug"]
    row = model.results[0]
    iou = model.image_results(row).iou
    assert row.miou is None and row.class_iou[0] is None and iou[3] is None
    assert iou.count(None) == 1


def test_what_evaluate_writes_is_read(cli, voc_root):
    asked = ("--limit", "3", "--scales", "1", "--methods", "feedforward,entropy", "--steps", "1,2")
    arguments = ("evaluate", "--voc-root", voc_root, *asked, "--json")
    code, out, _ = cli(*arguments, "--by-image")
    assert code == 0
    result = parse_result(json.loads(out), "file")
    part = result.models[""]
    assert (result.table, result.images, result.split) == ("", 3, "val")
    assert part.variants == [
        ("feedforward", None, 0),
        ("entropy", "both", 1),
        ("entropy", "both", 2),
    ]
    assert len(part.environment["sha256"]) == 64 and len(part.ids) == 3
    assert all(len(each.entropy) == 3 for each in part.by_image)


def test_without_numbers_of_images(data):
    changed = copy.deepcopy(data)
    for one in changed["models"].values():
        del one["by_image"], one["ids"]
    model = parse_result(changed, "file").models["w/ aug"]
    assert model.image_results(model.results[0]) is None


def test_a_model_that_was_not_begun(data):
    changed = copy.deepcopy(data)
    one = changed["models"]["w/ aug"]
    one |= {"images": 0, "ids": []}
    for row in one["results"]:
        row |= {"miou": None, "class_iou": [None] * 21}
    for row in one["by_image"]:
        row |= {"iou": [], "accuracy": [], "entropy": []}
    assert parse_result({**changed, "complete": False}, "file").models["w/ aug"].images == 0


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
    ("change", "words"),
    [
        (_set("table", "9"), ("no table '9'",)),
        (_set("models", {}), ("length", "models")),
        (_set("models", []), ("object", "models")),
        (_set("split", None), ("str", "split", "None")),
        (_set("images", -1), ("int >= 0", "images", "-1")),
        (_set("images", True), ("int", "images", "True")),
        (_set(*MODEL, "ids", 0, "../../etc"), ("ids[0]", "'../../etc'")),
        (_set(*MODEL, "ids", 0, f"{IDS[0]}\n"), ("ids[0]", IDS[0])),
        (_set(*MODEL, "ids", IDS[:5]), ("ids of 12 images", "got 5")),
        (_set(*MODEL, "results", []), ("results", "length >= 1")),
        (_set(*MODEL, "by_image", [{}]), ("by_image[0]", "scale")),
        (_set(*MODEL, "by_image", 1, "steps", 7), ("by_image", "after 7 steps", "after 32")),
        (_set(*MODEL, "by_image", 1, "iou", [0.5]), ("iou of 12 images", "got 1")),
        (_set(*MODEL, "by_image", 1, "iou", 0, "0.5"), ("by_image[1].iou[0]", "'0.5'")),
        (_set(*MODEL, "by_image", 1, "iou", 0, 1.5), ("<= 1", "by_image[1].iou[0]", "1.5")),
        (_set(*ROW, "scale", 0), ("> 0", "results[1].scale", "found 0")),
        (_set(*ROW, "miou", 71.0), ("'w/ aug'", "<= 1", "results[1].miou", "71.0")),
        (_set(*ROW, "miou", 10**400), ("out of range", "results[1].miou")),
        (_set(*ROW, "gain_error", 1.2), ("<= 1", "gain_error", "1.2")),
        (_set(*ROW, "miou_error", -0.1), (">= 0", "miou_error", "-0.1")),
        (_set(*ROW, "class_iou", 3, 2.0), ("<= 1", "results[1].class_iou[3]", "2.0")),
        (_set(*MODEL, "mean_gains", {}), ("array", "mean_gains")),
        (_set(*MODEL, "mean_gains", [3]), ("object", "mean_gains[0]", "found 3")),
        (_set(*MODEL, "mean_gains", [MEAN | {"gain": "much"}]), ("float", "gain", "'much'")),
        (_set(*MODEL, "mean_gains", [MEAN | {"variables": 3}]), ("str", "variables", "found 3")),
        (_set(*MODEL, "mean_gains", [MEAN | {"scales": None}]), ("array", "scales", "None")),
        (_set(*MODEL, "environment", "sha256", []), ("environment",)),
        (_set(*ROW, "accuracy", "high"), ("float", "accuracy", "'high'")),
        (_set(*ROW, "class_iou", None), ("array", "class_iou", "None")),
        (_set(*ROW, "method", 3), ("str", "method", "found 3")),
    ],
)
def test_something_else_is_refused_in_one_sentence(data, change, words):
    """The message names the field, the value found and the remedy."""
    changed = copy.deepcopy(data)
    change(changed)
    with pytest.raises(InputError) as caught:
        parse_result(changed, "it.json")
    text = str(caught.value)
    assert all(word in text for word in ("it.json", *words, "make it again.")), text
    assert "\n" not in text and "`" not in text and len(text) < 240


def test_no_results_by_image_may_be_an_empty_list(data):
    changed = copy.deepcopy(data)
    changed["models"]["w/ aug"]["by_image"] = []
    model = parse_result(changed, "it.json").models["w/ aug"]
    assert model.image_results(model.results[0]) is None


@pytest.mark.parametrize(
    "path", sorted((ROOT / "results").glob("table-*.json")), ids=lambda p: p.name
)
def test_published_results_are_read(path):
    result = read_result(path)
    assert path.name == f"table-{result.table}.json" and result.complete
    assert tuple(result.models) == TABLES[result.table].models
    for model in result.models.values():
        assert model.images == len(model.ids) > 0 and len(model.sha256) == 64
        assert len(model.by_image) == len(model.results)


@pytest.mark.parametrize("data", [None, 3, [], "text", {}])
def test_other_json_is_refused(data):
    with pytest.raises(InputError, match="is not a result file"):
        parse_result(data, "it.json")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"\xff\xfe", b'{"images": NaN}', b"[" * 100_000, b"1" * 10_000]
)
def test_damaged_files_are_refused_in_one_sentence(tmp_path, text):
    path = tmp_path / "table-1.json"
    path.write_bytes(text)
    with pytest.raises(InputError, match=r"table-1\.json is damaged.*make it again\.$"):
        read_result(path)


def test_missing_and_too_large_files(tmp_path):
    path = tmp_path / "table-1.json"
    with pytest.raises(InputError, match="cannot be read"):
        read_result(path)
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InputError, match="more than 20,000,000 bytes"):
        read_result(path)


def test_the_command_names_the_table():
    assert table_command("2") == "python -m segviz tables 2 --voc-root DIR"

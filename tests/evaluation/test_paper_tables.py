import json
import shutil

import numpy as np
import pytest

from segviz.evaluation.evaluate import FEEDFORWARD, Cell, Method, plan
from segviz.evaluation.paper_tables import (
    MODELS,
    OURS,
    PAPER,
    TABLES,
    Table,
    markdown,
    paper_value,
    text,
)
from segviz.network import checkpoint

IDS = ["2007_000007", "2007_000008", "2008_000009", "2008_000010"]


def rows(table):
    """What a result file says of each cell of a table, but for its numbers."""
    return [cell.result() for cell in plan(table.scales, table.plan(), 21)]


# What is measured


def test_nothing_of_the_paper_is_left_without_counterpart():
    for name, printed in PAPER.items():
        table = TABLES[name]
        found = {
            (model, row["method"], row["variables"], row["steps"], row["scale"])
            for model in table.models
            for row in rows(table)
        }
        for kind, by_scale in printed.items():
            for scale in by_scale:
                assert (*kind, scale) in found


def test_tables_measure_what_the_paper_names():
    for name, table in TABLES.items():
        assert set(table.models) <= set(MODELS)
        found = rows(table)
        kinds = [(r["scale"], r["method"], r["variables"], r["steps"]) for r in found]
        assert len(set(kinds)) == len(kinds)
        assert found[0]["method"] == FEEDFORWARD, name
        # The paper's own objective and ours stand in every table.
        for method, variables in (("entropy", "both"), OURS):
            assert (method, variables) in {(r["method"], r["variables"]) for r in found}, name


def test_paper_values():
    """A few by hand from the paper; its gains are those that its text speaks of."""
    rows = [
        ("1", "w/ aug", 3.0, FEEDFORWARD, None, 0, 59.8),
        ("1", "w/o aug", 4.0, "oracle", "both", 32, 32.1),
        ("2", "w/o aug", 1.5, "entropy", "both", 128, 69.0),
        ("3", "w/ aug", 1, "adversary", "scale", 32, 55.9),
        ("3", "w/ aug", 2.0, "oracle", "both", 32, None),
        ("1", "w/ aug", 3.0, "entropy:centred", "score", 32, None),
        ("2", "w/ aug", 3.0, FEEDFORWARD, None, 0, None),
        ("control", "w/ aug", 3.0, FEEDFORWARD, None, 0, None),
        ("no such table", "w/ aug", 3.0, FEEDFORWARD, None, 0, None),
    ]
    for table, model, scale, method, variables, steps, expected in rows:
        row = {"scale": scale, "method": method, "variables": variables, "steps": steps}
        assert paper_value(table, model, row) == expected


def test_paper_value_of_rows_as_they_are_written():
    """Rows that went through JSON are found as well."""
    table = TABLES["3"]
    found = json.loads(json.dumps(rows(table)))
    values = [paper_value("3", "w/ aug", row) for row in found]
    assert sum(value is not None for value in values) == sum(map(len, PAPER["3"].values()))


# How it is written


def cells():
    made = []
    for scale in (3.0, 1.0):
        for spelling, right in (("feedforward", 1), ("entropy:centred", 3)):
            matrix = np.zeros((21, 21), int)
            matrix[0, 0], matrix[0, 1] = right, 1
            method = Method.parse(spelling)
            made.append(Cell(scale, method, method.at[-1], matrix))
    return made


def test_text():
    lines = text(cells()).splitlines()
    assert lines[0].split() == ["mIoU,", "%", "variables", "step", "1x", "3x"]
    # IoU of class 0: 1 of 2, or 3 of 4; class 1 is only predicted: 0.
    assert lines[1].split() == ["feedforward", "0", "25.00", "25.00"]
    assert lines[2].split() == ["entropy:centred", "both", "32", "37.50", "37.50"]
    assert len({len(line) for line in lines}) == 1


def test_text_where_something_is_missing():
    (empty, *_), (*_, other) = cells(), cells()
    empty.matrix[:] = 0
    lines = text([empty, other]).splitlines()
    assert lines[1].split() == ["feedforward", "0", "nan"]
    assert lines[2].split() == ["entropy:centred", "both", "32", "37.50"]
    assert lines[1].endswith("nan") and lines[2].endswith(" " * 9)  # each in its own column


def test_markdown():
    lines = markdown([cell.result() for cell in cells()]).splitlines()
    assert lines == [
        "| method | variables | step | 1x | 3x |",
        "|---|---|---|---|---|",
        "| feedforward |  | 0 | 25.0 | 25.0 |",
        "| entropy:centred | both | 32 | 37.5 (+12.5) | 37.5 (+12.5) |",
    ]


def test_markdown_with_errors():
    results = [cell.result() | {"gain_error": 0.0123} for cell in cells()]
    results[1]["gain_error"] = None
    assert markdown(results).splitlines()[2:] == [
        "| feedforward |  | 0 | 25.0 | 25.0 |",
        "| entropy:centred | both | 32 | 37.5 (+12.5 ± 1.2) | 37.5 (+12.5) |",
    ]


def test_markdown_where_something_is_missing():
    results = [cell.result() for cell in cells()]
    results[0]["miou"] = None  # feedforward at 3x
    assert markdown(results).splitlines()[2:] == [
        "| feedforward |  | 0 | 25.0 |  |",
        "| entropy:centred | both | 32 | 37.5 (+12.5) | 37.5 |",
    ]


# The command


@pytest.fixture
def small(monkeypatch, checkpoint_path, tmp_path):
    """Two models and two tables that a miniature can be measured with."""
    second = tmp_path / "second.safetensors"
    trained = checkpoint.load(str(checkpoint_path))
    trained.network.score_bias.add_(0.1)
    checkpoint.save(trained.network, second, trained.card)
    names = {"w/o aug": str(second), "w/ aug": str(checkpoint_path)}
    for name, path in names.items():
        monkeypatch.setitem(MODELS, name, path)
    for name in list(TABLES):
        monkeypatch.delitem(TABLES, name)
    methods = (("entropy", "both"), ("oracle", "score"))
    first = Table("Scales", ("w/o aug", "w/ aug"), (1.0, 1.5), methods, (2,))
    monkeypatch.setitem(TABLES, "1", first)
    monkeypatch.setitem(TABLES, "2", Table("Steps", ("w/ aug",), (1.0,), methods[:1], (1, 2), 3))
    return names


@pytest.fixture
def measure(cli, voc_root, tmp_path):
    def measure(*arguments, rows="rows", out="results"):
        places = ("--rows", tmp_path / rows, "--out", tmp_path / out, "--device", "cpu")
        return cli("tables", *arguments, "--voc-root", voc_root, *places, trained=False)

    return measure


def read(folder, name):
    """A result file, but for what may differ: seconds, and what the command was."""
    text = (folder / f"table-{name}.json").read_text()
    result = json.loads(text, parse_constant=lambda constant: pytest.fail(constant))
    for part in result["models"].values():
        for row in part["results"]:
            assert row.pop("seconds") is None or part["images"]
    return {key: value for key, value in result.items() if key != "command"}


def test_tables(small, measure, tmp_path):
    code, out, _ = measure()
    assert code == 0
    first, second = read(tmp_path / "results", "1"), read(tmp_path / "results", "2")
    assert (first["table"], first["title"], first["split"]) == ("1", "Scales", "val")
    assert first["complete"] is True and first["images"] == 4
    assert list(first["models"]) == ["w/o aug", "w/ aug"]
    hashes = set()
    for model, part in first["models"].items():
        assert part["images"] == 4 and part["ids"] == IDS and part["failed"] == []
        assert part["environment"]["checkpoint"] == small[model]
        hashes.add(part["environment"]["sha256"])
        kinds = [(r["scale"], r["method"], r["variables"], r["steps"]) for r in part["results"]]
        assert kinds == [
            (scale, *rest)
            for scale in (1.0, 1.5)
            for rest in (
                ("feedforward", None, 0),
                ("entropy", "both", 2),
                ("oracle", "score", 2),
            )
        ]
        for row, each in zip(part["results"], part["by_image"], strict=True):
            for key in ("scale", "method", "variables", "steps"):
                assert row[key] == each[key]
            assert all(len(each[key]) == 4 for key in ("iou", "accuracy", "entropy"))
    assert len(hashes) == 2
    # A fixed part of the images, as the table says; what is known already is the same.
    assert second["images"] == 3 and set(second["models"]["w/ aug"]["ids"]) < set(IDS)
    assert [row["steps"] for row in second["models"]["w/ aug"]["results"]] == [0, 1, 2]
    for model, part in first["models"].items():
        assert f"Scales, {model}, 4 images of val\n{markdown(part['results'])}\n" in out
    assert out.endswith("table-2.json\n")


def test_tables_one_and_limit(small, measure, tmp_path):
    code, _, _ = measure("2", "--limit", 2)
    assert code == 0 and not (tmp_path / "results" / "table-1.json").exists()
    assert read(tmp_path / "results", "2")["images"] == 2


def test_tables_interrupted_and_resumed(small, measure, tmp_path, monkeypatch):
    """In the second model of the first table: it says what there is, and goes on from there."""
    from segviz.data import voc

    read_truth, calls = voc.read_truth, []

    def press(*arguments):
        calls.append(1)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return read_truth(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(voc, "read_truth", press)
        code, out, _ = measure()
    far = read(tmp_path / "results", "1")
    assert code == 130 and far["complete"] is False
    assert [part["images"] for part in far["models"].values()] == [4, 2]
    assert "Scales, w/o aug, 4 images" in out and "Scales, w/ aug, 2 images" in out
    assert not (tmp_path / "results" / "table-2.json").exists()

    monkeypatch.setattr(voc, "read_truth", lambda *a: calls.append(1) or read_truth(*a))
    code, _, _ = measure()
    assert code == 0 and len(calls) == 7 + 2 + 3  # what was missing, and table 2's other step
    monkeypatch.setattr(voc, "read_truth", read_truth)
    assert measure(rows="other rows", out="whole")[0] == 0
    for name in TABLES:
        assert read(tmp_path / "results", name) == read(tmp_path / "whole", name)


def test_interrupted_before_the_first_image(small, measure, tmp_path, monkeypatch):
    """What an earlier command wrote stays."""
    from segviz.data import voc

    def press(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(voc, "read_photo", press)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "table-1.json").write_text("{}")
    code, out, _ = measure("1")
    assert code == 130 and out == ""
    assert (tmp_path / "results" / "table-1.json").read_text() == "{}"


def test_tables_count_what_they_leave_out(small, measure, cli, voc_root, tmp_path):
    root = tmp_path / "VOC2012"
    shutil.copytree(voc_root, root)
    (root / "JPEGImages" / "2007_000008.jpg").write_bytes(b"no photo")
    code, _, err = cli(
        "tables", "1", "--voc-root", root, "--rows", tmp_path / "rows", "--out", tmp_path / "out",
        "--device", "cpu", trained=False,
    )  # fmt: skip
    assert code == 0 and err.count("segviz: left out 2007_000008: ") == 2
    for part in read(tmp_path / "out", "1")["models"].values():
        assert part["images"] == 3 and "2007_000008" not in part["ids"]
        assert len(part["failed"]) == 1 and part["failed"][0].startswith("2007_000008: ")


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["1", "7"], "there is no table '7'; choose of 1, 2."),
        (["--limit", "0"], "--limit must be at least 1, got 0"),
        (["--split", "vall"], "split 'vall' is not in"),
        (["--threads", "0"], "--threads must be at least 1, got 0"),
        (["--device", "tpu"], "device 'tpu' is not there"),
        (["--rows", "{file}"], "choose another --rows."),
        (["--out", "{file}"], "choose another --out."),
        (["--checkpoint", "mine"], "unrecognized arguments: --checkpoint"),
    ],
)
def test_tables_refuse(small, cli, voc_root, tmp_path, arguments, pattern):
    (tmp_path / "file").touch()
    filled = [argument.format(file=tmp_path / "file") for argument in arguments]
    places = {"--rows": tmp_path / "rows", "--out": tmp_path / "out", "--device": "cpu"}
    for name, value in places.items():
        if name not in filled:
            filled += [name, value]
    code, out, err = cli("tables", *filled, "--voc-root", voc_root, trained=False)
    assert code == 2 and out == "" and err.count("\n") == 1
    assert err.startswith("segviz: ") and pattern in err


def test_a_missing_network_is_said_before_work(small, measure, tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "w/ aug", "not-yet-trained")
    code, out, err = measure("1")
    assert code == 2 and out == "" and "no checkpoint 'not-yet-trained'" in err
    assert err.count("\n") == 1 and not (tmp_path / "rows").exists()

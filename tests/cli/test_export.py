"""segviz export, and what run --formats writes."""

import csv
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from segviz.data.voc_palette import PALETTE
from segviz.export.formats import EXPORTS
from segviz.pictures import panels
from segviz.runs import describe
from segviz.runs.archive import read_zip, record_zip
from segviz.runs.record import Record


@pytest.fixture
def saved(record, tmp_path):
    """A folder with run.npz, run.json and run.zip of `record`."""
    record.save(tmp_path / "run")
    (tmp_path / "run.zip").write_bytes(record_zip(record))
    return tmp_path


def test_every_format_from_every_kind_of_file(cli, saved, record):
    stem = describe.file_stem(record)
    made = {}
    for suffix in ("npz", "json", "zip"):
        code, out, err = cli(
            "export", saved / f"run.{suffix}", "--formats", "png,sheet,gif,csv,zip",
            "--out", saved / suffix, "--json", trained=False,
        )  # fmt: skip
        assert code == 0 and err == ""
        result = json.loads(out)
        assert result["record"] == str(saved / f"run.{suffix}")
        for file in result["files"]:
            data = (saved / suffix / file["path"].rsplit("/", 1)[-1]).read_bytes()
            assert len(data) == file["bytes"]
            if file["format"] != "zip":  # its files carry their times
                made.setdefault((file["format"], file["path"].rsplit("/", 1)[-1]), set()).add(data)
        assert {file["format"] for file in result["files"]} == {"png", "sheet", "gif", "csv", "zip"}
        assert read_zip((saved / suffix / f"{stem}.zip").read_bytes()) == record
    assert all(len(data) == 1 for data in made.values())
    pictures = {name for format, name in made if format == "png"}
    assert pictures == {
        f"{stem}-step-{step:03d}-{panel}.png" for step in (0, 3) for panel in panels.choose(record)
    }
    assert made["gif", f"{stem}.gif"] == {EXPORTS["gif"](record)}
    (text,) = made["csv", f"{stem}.csv"]
    rows = list(csv.DictReader(io.StringIO(text.decode())))
    assert [float(row["loss"]) for row in rows] == record.numbers("loss")


def test_steps_and_panels(cli, saved, record):
    stem = describe.file_stem(record)
    code, out, _ = cli(
        "export", saved / "run.npz", "--formats", "png,gif,webp", "--steps", "1,3",
        "--panels", "prediction, photo", trained=False,
    )  # fmt: skip
    assert code == 0
    names = [line.rsplit("/", 1)[-1] for line in out.splitlines()]
    assert names == [
        *(f"{stem}-step-{s:03d}-{panel}.png" for s in (1, 3) for panel in ("prediction", "photo")),
        f"{stem}.gif",
        f"{stem}.webp",
    ]
    assert all((saved / name).exists() for name in names)  # beside the record
    shown = Image.open(saved / f"{stem}-step-001-prediction.png").convert("RGB")
    assert (np.array(shown) == PALETTE[record.labels[1]]).all()
    assert Image.open(saved / f"{stem}.gif").n_frames == 2


def test_the_folder_of_a_run_is_a_record(cli, files, tmp_path):
    run = ("run", files / "photo.png", "--scale", 1, "--steps", 1, "--out", tmp_path)
    code, _, _ = cli(*run, "--formats", "webp,zip,html")
    assert code == 0
    kept = Record.load(tmp_path / "record")
    assert (tmp_path / "run.webp").read_bytes() == EXPORTS["webp"](kept)
    assert read_zip((tmp_path / "record.zip").read_bytes()) == kept
    assert "<!doctype html>" in (tmp_path / "report.html").read_text()
    before = sorted(path.name for path in tmp_path.iterdir())
    code, out, _ = cli("export", tmp_path, "--formats", "csv,html", trained=False)
    assert code == 0 and out == f"{tmp_path}/curves.csv\n{tmp_path}/report.html\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == before  # no twins


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["{saved}/absent.npz"], r"no file .*absent"),
        (["{saved}/absent.zip"], r"absent\.zip cannot be read"),
        (["{saved}/bad.zip"], "not a readable ZIP of a record"),
        (["{saved}/bad.npz"], "not a readable segviz record"),
        (["{saved}/run.npz", "--formats", "avi"], "no format 'avi'; choose one of png, sheet, gif"),
        (["{saved}/run.npz", "--formats", ","], "--formats is empty; choose one of png"),
        (["{saved}/run.npz", "--steps", "0,4"], "no step 4: this run has steps 0 to 3"),
        (["{saved}/run.npz", "--steps", "-1"], "no step -1"),
        (["{saved}/run.npz", "--steps", "0,1.5"], "steps must be whole numbers"),
        (["{saved}/run.npz", "--steps", "nan"], "steps must be whole numbers"),
        (["{saved}/run.npz", "--steps", "first"], "'first' is not a list of numbers"),
        (["{saved}/run.npz", "--panels", "depth"], "no panel 'depth'; choose one of photo"),
        (["{saved}/run.npz", "--out", "{saved}/run.npz"], "cannot be made"),
        ([], "the following arguments are required: RECORD"),
    ],
)
def test_misuse_is_told_in_one_line(cli, saved, arguments, pattern):
    (saved / "bad.zip").write_bytes(b"nothing")
    (saved / "bad.npz").write_bytes(b"nothing")
    (saved / "bad.json").write_text("{}")
    filled = [argument.format(saved=saved) for argument in arguments]
    code, out, err = cli("export", *filled, trained=False)
    assert code == 2 and out == ""
    assert re.fullmatch(r"segviz: [^\n]+\.\n", err) and re.search(pattern, err), err


def test_a_file_that_cannot_be_written_is_told(cli, saved, record):
    stem = describe.file_stem(record)
    (saved / f"{stem}.csv").mkdir()
    code, out, err = cli("export", saved / "run.npz", "--formats", "csv", trained=False)
    assert code == 2 and out == "" and "cannot be written" in err and err.count("\n") == 1

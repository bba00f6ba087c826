"""segviz evaluate."""

import shutil
import signal

import pytest

from tests.cli.output import assert_refused, parse_json
from tests.cli.process import start_forked, wait_until_ready
from tests.miniature import SPLITS


def test_evaluate_json(cli, voc_root, tmp_path):
    code, out, err = cli(
        "evaluate", "--voc-root", voc_root.parent, "--scales", "1,1.5", "--methods",
        "feedforward,entropy,oracle:centred:steps=1", "--variables", "score,both", "--steps", 2,
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert code == 0
    result = parse_json(out)
    assert result["images"] == 4 and result["failed"] == []
    rows = result["results"]
    assert [(row["scale"], row["method"], row["variables"], row["steps"]) for row in rows] == [
        (scale, *rest)
        for scale in (1, 1.5)
        for rest in (
            ("feedforward", None, 0),
            ("entropy", "score", 2),
            ("entropy", "both", 2),
            ("oracle:centred", "score", 1),
            ("oracle:centred", "both", 1),
        )
    ]
    contract = ("scale", "method", "variables", "steps", "miou", "accuracy", "entropy", "seconds")
    for row in rows:
        assert set(contract) <= row.keys()
        assert 0 <= row["miou"] <= 1 and 0 <= row["accuracy"] <= 1 and row["seconds"] > 0
    assert parse_json((tmp_path / "out" / "evaluation.json").read_text()) == result
    assert "%|" not in err  # no bar where stderr is no terminal
    assert result["complete"] is True and "by_image" not in result


def test_evaluate_at_several_steps(cli, voc_root, tmp_path):
    """Step 0 of all methods is the feedforward prediction, and stands there once."""
    code, out, _ = cli(
        "evaluate", "--voc-root", voc_root, "--scales", "1", "--methods", "entropy,oracle",
        "--steps", "0,1,3", "--limit", 2, "--by-image", "--json",
    )  # fmt: skip
    result = parse_json(out)
    assert code == 0
    kinds = [
        ("feedforward", None, 0),
        ("entropy", "both", 1),
        ("entropy", "both", 3),
        ("oracle", "both", 1),
        ("oracle", "both", 3),
    ]
    for rows in (result["results"], result["by_image"]):
        assert [(row["method"], row["variables"], row["steps"]) for row in rows] == kinds
    assert len(result["ids"]) == 2
    for row in result["by_image"]:
        assert [len(row[key]) for key in ("iou", "accuracy", "entropy")] == [2, 2, 2]


def test_evaluate_resumes(cli, voc_root, tmp_path):
    """More images and scales later: nothing is measured again but what has changed."""
    root = tmp_path / "VOC2012"
    shutil.copytree(voc_root, root)
    arguments = (
        "evaluate", "--voc-root", root, "--methods", "feedforward,entropy", "--steps", 1,
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    first = parse_json(cli(*arguments, "--scales", "1", "--limit", 2)[1])
    assert first["images"] == 2
    full = parse_json(cli(*arguments, "--scales", "1,1.5")[1])
    assert full["images"] == 4 and {row["scale"] for row in full["results"]} == {1, 1.5}
    again = parse_json(cli(*arguments, "--scales", "1", "--limit", 2)[1])
    assert again["results"] == first["results"] and again["failed"] == []  # to the microsecond
    assert parse_json(cli(*arguments, "--scales", "1,1.5")[1])["results"] == full["results"]
    for photo in (root / "JPEGImages").iterdir():
        photo.write_bytes(photo.read_bytes() + b"\0")
    changed = parse_json(cli(*arguments, "--scales", "1,1.5")[1])["results"]
    for before, after in zip(full["results"], changed, strict=True):
        assert before["miou"] == after["miou"] and before["seconds"] != after["seconds"]


def test_evaluate_with_a_damaged_file(cli, voc_root, tmp_path):
    (tmp_path / "rows-3.sqlite").write_bytes(b"no database" * 99)
    code, out, err = cli(
        "evaluate", "--voc-root", voc_root, "--scales", "1", "--methods", "feedforward",
        "--out", tmp_path,
    )  # fmt: skip
    assert code == 2 and out == ""
    last = err.splitlines()[-1]
    assert last.startswith("segviz: ") and "rows-3.sqlite" in last and "folder" in last


def test_evaluate_text(cli, voc_root):
    code, out, _ = cli(
        "evaluate", "--voc-root", voc_root, "--scales", "1", "--methods", "feedforward, entropy",
        "--steps", 1, "--limit", 1,
    )  # fmt: skip
    lines = out.splitlines()
    assert code == 0 and lines[0] == "1 images"
    assert lines[2].startswith("feedforward") and lines[3].startswith("entropy")
    gains = lines[lines.index("") + 1 :]
    assert gains[0].startswith("gain, points") and gains[1].split()[-1][0] in "+-0"
    assert [line.split()[0] for line in gains[1:]] == ["entropy"]


def test_limit_is_a_fixed_choice(cli, voc_root, tmp_path):
    arguments = ("evaluate", "--voc-root", voc_root, "--scales", "1", "--methods", "feedforward")
    rows = [parse_json(cli(*arguments, "--limit", 2, "--json")[1]) for _ in range(2)]
    assert rows[0]["images"] == 2
    assert rows[0]["results"][0]["miou"] == rows[1]["results"][0]["miou"]
    full = parse_json(cli(*arguments, "--limit", 99, "--json")[1])
    assert full["images"] == 4


def test_evaluate_leaves_out_what_it_cannot_read(cli, voc_root, tmp_path):
    (tmp_path / "ids.txt").write_text("2007_000007\n2007_999999\n2007_000007\n")
    code, out, err = cli(
        "evaluate", "--voc-root", voc_root, "--split", tmp_path / "ids.txt", "--scales", "1",
        "--methods", "feedforward", "--json",
    )  # fmt: skip
    result = parse_json(out)
    assert code == 0 and result["images"] == 1
    assert len(result["failed"]) == 1 and "segviz: left out 2007_999999" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--voc-root", "absent"], ["absent"]),
        (["--scales", "1,large"], ["1,large", "1,2,3"]),
        (["--scales", ""], ["''", "1,2,3"]),
        (["--scales", "1,9"], ["scale", r"9\.0", "8"]),
        (["--methods", "entropia"], ["entropia", "entropy"]),
        (["--methods", "feedforward,"], ["''"]),
        (["--methods", "entropy:quick"], ["quick", "entropy:quick"]),
        (["--variables", "weights"], ["weights", "score"]),
        (["--split", "vall"], ["vall", "val"]),
        (["--split", "absent.txt"], [r"absent\.txt"]),
        (["--limit", "0"], ["--limit", "1", "0"]),
        (["--limit", "some"], ["--limit", "some"]),
        (["--steps", "1000"], ["steps", "512", "1000"]),
        (["--steps", "1,two"], ["1,two", "0,32,128"]),
        (["--out", "{photo}"], [r"photo\.png", "--out"]),
        (["--checkpoint", "absent"], ["absent", "mobilenetv2_100-voc"]),
    ],
)
def test_evaluate_refuses(cli, voc_root, files, checkpoint_path, arguments, words):
    filled = [a.format(photo=files / "photo.png") for a in arguments]
    defaults = (("--voc-root", voc_root), ("--checkpoint", checkpoint_path), ("--device", "cpu"))
    for name, value in defaults:
        if name not in filled:
            filled += [name, value]
    assert_refused(cli("evaluate", *filled, trained=False), *words)


def test_evaluate_without_images(cli, voc_root, tmp_path):
    (tmp_path / "none.txt").write_text("\n")
    assert_refused(
        cli("evaluate", "--voc-root", voc_root, "--split", tmp_path / "none.txt"),
        r"none\.txt",
        "ids",
        "--split",
    )


def test_evaluate_where_every_image_fails(cli, voc_root, tmp_path):
    (tmp_path / "ids.txt").write_text("2007_999998 2007_999999")
    code, out, err = cli(
        "evaluate", "--voc-root", voc_root, "--split", tmp_path / "ids.txt", "--scales", "1",
        "--methods", "feedforward", "--json",
    )  # fmt: skip
    assert code == 2 and out == ""
    last = err.splitlines()[-1]
    assert last.startswith("segviz: ") and "2 images" in last and "2007_999998" in last


# Wait before the third image's first forward pass. Images are 96 pixels wide, inputs a little more.
WAITING = """
from tests.cli.process import on_forward, pause

doubled = 0

def action(_, x):
    global doubled
    if x.shape[-1] > 2 * 96:
        doubled += 1
    elif doubled == 2:
        pause()

hook = on_forward(action)
hook.__enter__()
"""


@pytest.mark.slow
def test_ctrl_c_keeps_the_images(cli, voc_root, checkpoint_path, tmp_path):
    program = start_forked(
        "evaluate", "--voc-root", voc_root, "--scales", "1,2", "--methods", "feedforward,entropy",
        "--steps", 1, "--checkpoint", checkpoint_path, "--out", tmp_path, "--json", setup=WAITING,
    )  # fmt: skip
    wait_until_ready(program)
    program.send_signal(signal.SIGINT)
    out, _ = program.communicate()
    assert program.returncode == 130
    result = parse_json(out)
    assert result["images"] == 2 and len(result["results"]) == 4 and result["complete"] is False
    assert parse_json((tmp_path / "evaluation.json").read_text()) == result
    (tmp_path / "two.txt").write_text("\n".join(SPLITS["val"][:2]))
    code, out, _ = cli(
        "evaluate", "--voc-root", voc_root, "--scales", "1,2", "--methods", "feedforward,entropy",
        "--steps", 1, "--split", tmp_path / "two.txt", "--out", tmp_path, "--json",
    )  # fmt: skip
    assert code == 0 and parse_json(out)["results"] == result["results"]  # to the microsecond

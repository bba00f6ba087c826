"""segviz run."""

import csv
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segviz.data.classes import IGNORE
from segviz.runs.record import Record
from tests.cli.output import assert_refused, is_one_line, parse_json
from tests.cli.process import on_forward, start_forked, wait_until_ready


def test_run_json(cli, files, tmp_path):
    code, out, err = cli(
        "run", files / "photo.png", "--truth", files / "mask.png", "--scale", 1.5, "--steps", 3,
        "--method", "oracle", "--variables", "score", "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert code == 0 and err == ""
    result = parse_json(out)
    assert {"settings", "steps", "forward_ms", "record"} <= result.keys()
    settings = result["settings"]
    assert (settings["scale"], settings["steps"]) == (1.5, 3)
    assert (settings["method"], settings["variables"]) == ("oracle", "score")
    assert [step["step"] for step in result["steps"]] == [0, 1, 2, 3]
    for step in result["steps"]:
        assert list(step) == ["step", "loss", "entropy", "sigma", "iou", "accuracy", "ms"]
        assert all(isinstance(value, (int, float)) for value in step.values())
    assert result["forward_ms"] > 0 and result["reference"] == "truth"
    assert result["complete"] is True

    record = Record.load(Path(result["record"]))
    assert record.numbers("loss") == [step["loss"] for step in result["steps"]]
    rows = list(csv.DictReader((tmp_path / "out" / "curves.csv").open()))
    assert [float(row["iou"]) for row in rows] == record.numbers("iou")
    for name in ("step-000.png", "step-003.png"):
        assert Image.open(tmp_path / "out" / name).size == (5 * 72, 56)
    usual = {"record.npz", "record.json", "curves.csv", "step-000.png", "step-003.png"}
    more = {"sheet.png", "run.gif", "report.html"}
    assert {file.name for file in (tmp_path / "out").iterdir()} == usual | more


def test_run_without_truth(cli, files):
    code, out, _ = cli("run", files / "photo.png", "--scale", 1, "--steps", 1, "--json")
    result = parse_json(out)
    assert code == 0 and result["reference"] == "1x prediction" and result["record"] is None
    assert [step["iou"] for step in result["steps"]] == [None, None]
    assert [step["accuracy"] for step in result["steps"]] == [None, None]


def test_run_text(cli, files, tmp_path):
    code, out, err = cli(
        "run", files / "photo.png", "--truth", files / "mask.png", "--scale", 1, "--steps", 2,
        "--out", tmp_path, "--formats", "",
    )  # fmt: skip
    assert code == 0 and err == "" and not list(tmp_path.glob("*.gif"))
    assert out.startswith("photo.png: step 0 to 2, entropy\n")
    for word in ("loss", "entropy, nats", "sigma, px", "IoU", "one step", f"written to {tmp_path}"):
        assert word in out
    code, out, err = cli("run", files / "photo.png", "--scale", 1, "--steps", 0)
    assert code == 0 and "agreement vs. 1x prediction" in out and "IoU" not in out


def test_run_on_a_sample(cli):
    code, out, _ = cli("run", "sample:cat", "--scale", 0.25, "--steps", 1, "--json")
    assert code == 0 and parse_json(out)["reference"] == "truth"


def test_run_with_a_mask_that_ignores_everything(cli, files, tmp_path):
    Image.fromarray(np.full((56, 72), IGNORE, np.uint8)).save(tmp_path / "mask.png")
    arguments = ("run", files / "photo.png", "--truth", tmp_path / "mask.png", "--scale", 1)
    assert_refused(cli(*arguments), "255", "binary", "--classes", "--ignore 255")
    arguments += ("--ignore", 255)
    code, out, err = cli(*arguments, "--steps", 1)
    assert code == 0 and err == "" and "IoU" not in out
    assert parse_json(cli(*arguments, "--steps", 1, "--json")[1])["steps"][0]["iou"] is None


def test_large_photos_are_reduced(cli, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (500, 1000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    code, out, err = cli("run", tmp_path / "large.png", "--scale", 0.25, "--steps", 0, "--json")
    assert code == 0 and parse_json(out)
    assert is_one_line(err) and "500 x 250" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent.png"], [r"absent\.png"]),
        (["sample:dragon"], ["dragon", "cat"]),
        (["{photo}", "--truth", "absent.png"], [r"absent\.png"]),
        (["{photo}", "--truth", "{other}"], ["96 x 72", "72 x 56", "the photo's own size"]),
        (["{photo}", "--scale", "0"], ["scale", "0.25", "8", r"0\.0"]),
        (["{photo}", "--scale", "nan"], ["scale", "nan"]),
        (["{photo}", "--scale", "large"], ["--scale", "large", "--help"]),
        (["{photo}", "--steps", "-1"], ["steps", "-1"]),
        (["{photo}", "--steps", "513"], ["steps", "512", "513"]),
        (["{photo}", "--steps", "1.5"], ["--steps", r"1\.5"]),
        (["{photo}", "--formats", "mp4"], ["mp4", "sheet, gif, webp, zip, html"]),
        (["{photo}", "--method", "entropia"], ["entropia", "entropy"]),
        (["{photo}", "--objective", "entropia"], ["entropia", "entropy"]),
        (["{photo}", "--method", "entropy:lr=0.01", "--lr", "0.1"], ["lr=0.01", "0.1"]),
        (["{photo}", "--method", "entropy:steps=3", "--steps", "4"], ["steps", "3", "4"]),
        (["{photo}", "--method", "pyramid:gate"], ["gate", "pyramid:rule"]),
        (["{photo}", "--method", "flip:steps=3"], ["flip", "no updates"]),
        (["{photo}", "--variables", "weights"], ["weights", "score"]),
        (["{photo}", "--variables", "all", "--centred"], ["all", "cent", "score"]),
        (["{photo}", "--lr", "0"], ["learning rate", r"0\.0"]),
        (["{photo}", "--tolerance", "2"], ["tolerance", r"2\.0"]),
        (["{photo}", "--precision", "int8"], ["int8", "bfloat16"]),
        (["{photo}", "--device", "tpu"], ["tpu", "cpu"]),
        (["{photo}", "--checkpoint", "absent"], ["absent", "mobilenetv2_100-voc"]),
        (["{photo}", "--threads", "0"], ["--threads", "1", "0"]),
        (["{photo}", "--out", "{photo}"], ["folder", r"photo\.png", "--out"]),
        (["{photo}", "--colour"], ["--colour", "--help"]),
        ([], ["IMAGE", "segviz run --help"]),
    ],
)
def test_run_refuses(cli, files, voc_root, checkpoint_path, arguments, words):
    other = voc_root / "SegmentationClass" / "2007_000001.png"
    filled = [a.format(photo=files / "photo.png", other=other) for a in arguments]
    for name, value in (("--checkpoint", checkpoint_path), ("--device", "cpu")):
        if name not in filled:
            filled += [name, value]
    assert_refused(cli("run", *filled, trained=False), *words)


def test_ctrl_c_before_the_first_step(cli, files):
    def interrupt(*_):
        raise KeyboardInterrupt

    with on_forward(interrupt):
        assert cli("run", files / "photo.png", "--json") == (130, "", "")


# An objective that waits when it has been computed four times, for steps 0 to 3.
WAITING = """
from segviz.adapt.objectives import OBJECTIVES, Objective
from tests.cli.process import pause

calls = 0

def loss(pixels):
    global calls
    if pixels.logits.device.type != "meta":
        calls += 1
        if calls == 5:
            pause()
    return pixels.entropy.sum()

OBJECTIVES["entropy-all"] = Objective("Waiting", loss, 1, False, "H", "this test")
"""


@pytest.mark.slow
def test_ctrl_c_keeps_the_steps(files, checkpoint_path, tmp_path):
    program = start_forked(
        "run", files / "photo.png", "--scale", 1, "--steps", 9, "--method", "entropy-all",
        "--checkpoint", checkpoint_path, "--out", tmp_path, "--json", "--formats", "",
        setup=WAITING,
    )  # fmt: skip
    wait_until_ready(program)
    program.send_signal(signal.SIGINT)
    out, err = program.communicate()
    assert program.returncode == 130 and err == ""
    result = parse_json(out)
    assert [step["step"] for step in result["steps"]] == [0, 1, 2, 3]
    assert result["complete"] is False
    assert Record.load(tmp_path / "record").last == 3


def test_run_with_a_network_of_a_python_file(cli, files, tmp_path):
    path = tmp_path / "own.py"
    path.write_text(
        "from torch import nn\n"
        "def make():\n"
        "    facts = {'mean': [124, 116, 104], 'std': [58, 57, 57], 'classes': ['a', 'b', 'c']}\n"
        "    return nn.Sequential(nn.Conv2d(3, 6, 8, 8), nn.ReLU(), nn.Conv2d(6, 3, 1)), facts\n"
    )
    network = ("--checkpoint", f"py:{path}:make", "--device", "cpu")
    run = ("run", files / "photo.png", "--scale", 1, "--steps", 1, *network)
    code, out, err = cli(*run, "--out", tmp_path / "out", "--json", trained=False)
    assert code == 0 and err == ""
    result = parse_json(out)
    assert result["settings"]["variables"] == "score"
    assert {step["sigma"] for step in result["steps"]} == {None}
    assert (tmp_path / "out" / "report.html").stat().st_size > 0
    code, out, err = cli(*run, trained=False)
    assert code == 0 and "entropy" in out and "sigma" not in out
    assert_refused(cli(*run, "--variables", "both", trained=False), "'both'", "score")
    mask = tmp_path / "mask.png"
    Image.new("L", (72, 56), 8).save(mask)
    assert_refused(cli(*run, "--truth", mask, trained=False), "ids 8", "0 to 2")


def test_calibration_of_every_step(cli, files):
    common = ("run", files / "photo.png", "--scale", 1, "--steps", 2, "--calibration")
    mask = ("--truth", files / "mask.png")
    found = parse_json(cli(*common, *mask, "--json")[1])["calibration"]
    assert [row["step"] for row in found] == [0, 1, 2]
    assert all(0 <= row["ece"] <= 1 and row["nll"] > 0 for row in found)
    without = parse_json(cli(*common, "--json")[1])
    assert without["calibration"] == [] and without["collapse"] is None
    text = cli(*common, *mask)[1]
    assert "ECE" in text and "BRIER" in text

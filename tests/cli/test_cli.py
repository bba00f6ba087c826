import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import segviz
from segviz.cli.parser import create_parser
from segviz.data.classes import IGNORE
from segviz.network import checkpoint
from segviz.runs.record import Record

ROOT = Path(segviz.__file__).parents[1]
IDS = ["2007_000007", "2007_000008", "2008_000009", "2008_000010"]


def strict(text):
    """One JSON value, by the letter of the standard, and nothing else."""

    def refuse(constant):
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


def one_line(text):
    assert re.fullmatch(r"segviz: [^\n]+\.\n", text), text
    return True


# run


def test_run_json(cli, files, tmp_path):
    code, out, err = cli(
        "run", files / "photo.png", "--truth", files / "mask.png", "--scale", 1.5, "--steps", 3,
        "--objective", "oracle", "--variables", "score", "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert code == 0 and err == ""
    result = strict(out)
    assert {"settings", "steps", "forward_ms", "record"} <= result.keys()
    settings = result["settings"]
    assert (settings["scale"], settings["steps"]) == (1.5, 3)
    assert (settings["objective"], settings["variables"]) == ("oracle", "score")
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
    result = strict(out)
    assert code == 0 and result["reference"] == "1x prediction" and result["record"] is None
    assert [step["iou"] for step in result["steps"]] == [None, None]
    assert [step["accuracy"] for step in result["steps"]] == [None, None]


def test_run_defaults_are_the_papers():
    options = create_parser().parse_args(["run", "photo.png"])
    assert (options.scale, options.steps, options.lr) == (3.0, 32, 1e-3)
    assert (options.objective, options.variables) == ("entropy", "both")


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
    assert code == 0 and strict(out)["reference"] == "truth"


def test_run_with_a_mask_that_ignores_everything(cli, files, tmp_path):
    Image.fromarray(np.full((56, 72), IGNORE, np.uint8)).save(tmp_path / "mask.png")
    arguments = ("run", files / "photo.png", "--truth", tmp_path / "mask.png", "--scale", 1)
    code, out, err = cli(*arguments, "--steps", 1)
    assert code == 0 and err == "" and "IoU" not in out
    assert strict(cli(*arguments, "--steps", 1, "--json")[1])["steps"][0]["iou"] is None


def test_large_photos_are_brought_to_the_scale_of_voc(cli, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (500, 1000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.png")
    code, out, err = cli("run", tmp_path / "large.png", "--scale", 0.25, "--steps", 0, "--json")
    assert code == 0 and strict(out)
    assert err == "segviz: the photo was brought to 500 x 250, the scale of VOC.\n"
    code, out, err = cli(
        "run", tmp_path / "large.png", "--steps", 0, "--checkpoint", "absent", trained=False
    )
    assert code == 2 and one_line(err)


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["absent.png"], r"absent\.png"),
        (["sample:dragon"], "no sample 'dragon'; choose one of"),
        (["{photo}", "--truth", "absent.png"], r"absent\.png"),
        (["{photo}", "--truth", "{other}"], "save the mask at the photo's own size"),
        (["{photo}", "--scale", "0"], "scale must be from 0.25 to 8, got 0.0"),
        (["{photo}", "--scale", "nan"], "scale must be .* got nan"),
        (["{photo}", "--scale", "large"], "argument --scale: invalid float value: 'large'; see"),
        (["{photo}", "--steps", "-1"], "steps must be .* got -1"),
        (["{photo}", "--formats", "mp4"], "no format 'mp4'; choose of sheet, gif, webp, zip, html"),
        (["{photo}", "--steps", "513"], "steps must be from 0 to 512, got 513"),
        (["{photo}", "--steps", "1.5"], "argument --steps: invalid int value"),
        (["{photo}", "--objective", "entropia"], "no objective 'entropia'; choose one of entropy"),
        (["{photo}", "--variables", "weights"], "no variables 'weights'; choose one of score"),
        (["{photo}", "--variables", "all", "--centred"], "or switch centring off"),
        (["{photo}", "--lr", "0"], "learning rate must be .* got 0.0"),
        (["{photo}", "--tolerance", "2"], "tolerance must be .* got 2.0"),
        (["{photo}", "--precision", "int8"], "no precision 'int8'"),
        (["{photo}", "--device", "tpu"], "device 'tpu' is not there; this machine has"),
        (["{photo}", "--checkpoint", "absent"], "no checkpoint 'absent'; shipped are"),
        (["{photo}", "--threads", "0"], "--threads must be at least 1, got 0"),
        (["{photo}", "--out", "{photo}"], "folder .* cannot be made .*; choose another --out"),
        (["{photo}", "--colour"], "unrecognized arguments: --colour; see"),
        ([], "required: IMAGE; see segviz run --help"),
    ],
)
def test_run_refuses(cli, files, voc_root, checkpoint_path, arguments, pattern):
    other = voc_root / "SegmentationClass" / "2007_000001.png"
    filled = [a.format(photo=files / "photo.png", other=other) for a in arguments]
    for name, value in (("--checkpoint", checkpoint_path), ("--device", "cpu")):
        if name not in filled:
            filled += [name, value]
    code, out, err = cli("run", *filled, trained=False)
    assert code == 2 and out == "" and one_line(err)
    assert re.search(pattern, err), err


@pytest.mark.parametrize("arguments", [[], ["fly"], ["run"], ["--colour"], ["train"], ["evaluate"]])
def test_misused_commands(cli, arguments):
    code, out, err = cli(*arguments, trained=False)
    assert code == 2 and out == "" and one_line(err)
    assert "--help" in err


def test_interrupted_before_the_first_step(cli, files, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("segviz.runs.run.prepare", interrupt)
    assert cli("run", files / "photo.png", "--json") == (130, "", "")


def test_full_gpu(cli, files, monkeypatch):
    import torch

    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate")

    monkeypatch.setattr("segviz.runs.run.prepare", full)
    code, out, err = cli("run", files / "photo.png")
    assert code == 2 and out == "" and one_line(err) and "choose a smaller scale" in err


# evaluate


def test_evaluate_json(cli, voc_root, tmp_path):
    code, out, err = cli(
        "evaluate", "--voc-root", voc_root.parent, "--scales", "1,1.5", "--methods",
        "feedforward,entropy,oracle:centred:steps=1", "--variables", "score,both", "--steps", 2,
        "--out", tmp_path / "out", "--json",
    )  # fmt: skip
    assert code == 0
    result = strict(out)
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
    assert strict((tmp_path / "out" / "evaluation.json").read_text()) == result
    assert "4/4" in err  # the bar
    assert result["complete"] is True and "by_image" not in result


def test_evaluate_at_several_steps(cli, voc_root, tmp_path):
    """Step 0 of all methods is the feedforward prediction, and stands there once."""
    code, out, _ = cli(
        "evaluate", "--voc-root", voc_root, "--scales", "1", "--methods", "entropy,oracle",
        "--steps", "0,1,3", "--limit", 2, "--by-image", "--json",
    )  # fmt: skip
    result = strict(out)
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


def test_evaluate_goes_on(cli, voc_root, tmp_path, monkeypatch):
    """More images and scales later: nothing is measured again, not even by the clock."""
    from segviz.evaluation import evaluate

    prepare, calls = evaluate.prepare, []
    monkeypatch.setattr(evaluate, "prepare", lambda *a: calls.append(a[2]) or prepare(*a))
    arguments = (
        "evaluate", "--voc-root", voc_root, "--methods", "feedforward,entropy", "--steps", 1,
        "--out", tmp_path, "--json",
    )  # fmt: skip
    first = strict(cli(*arguments, "--scales", "1", "--limit", 2)[1])
    assert calls == [1.0, 1.0] and first["images"] == 2
    strict(cli(*arguments, "--scales", "1,1.5")[1])
    assert calls[2:].count(1.0) == 2 and calls[2:].count(1.5) == 4
    again = strict(cli(*arguments, "--scales", "1", "--limit", 2)[1])
    assert len(calls) == 8 and again["results"] == first["results"]


def test_evaluate_with_a_damaged_file(cli, voc_root, tmp_path):
    (tmp_path / "rows-3.sqlite").write_bytes(b"no database" * 99)
    code, out, err = cli(
        "evaluate", "--voc-root", voc_root, "--scales", "1", "--methods", "feedforward",
        "--out", tmp_path,
    )  # fmt: skip
    assert code == 2 and out == ""
    last = err.splitlines()[-1]
    assert re.fullmatch(r"segviz: .*rows-3\.sqlite is not a file of rows .* another folder\.", last)


def test_evaluate_text(cli, voc_root):
    code, out, _ = cli(
        "evaluate", "--voc-root", voc_root, "--scales", "1", "--methods", "feedforward, entropy",
        "--steps", 1, "--limit", 1,
    )  # fmt: skip
    lines = out.splitlines()
    assert code == 0 and lines[0] == "1 images" and len(lines) == 4
    assert lines[2].startswith("feedforward") and lines[3].startswith("entropy")


def test_limit_is_a_fixed_choice(cli, voc_root, tmp_path):
    arguments = ("evaluate", "--voc-root", voc_root, "--scales", "1", "--methods", "feedforward")
    rows = [strict(cli(*arguments, "--limit", 2, "--json")[1]) for _ in range(2)]
    assert rows[0]["images"] == 2
    assert rows[0]["results"][0]["miou"] == rows[1]["results"][0]["miou"]
    full = strict(cli(*arguments, "--limit", 99, "--json")[1])
    assert full["images"] == 4


def test_evaluate_leaves_out_what_it_cannot_read(cli, voc_root, tmp_path):
    (tmp_path / "ids.txt").write_text("2007_000007\n2007_999999\n2007_000007\n")
    code, out, err = cli(
        "evaluate", "--voc-root", voc_root, "--split", tmp_path / "ids.txt", "--scales", "1",
        "--methods", "feedforward", "--json",
    )  # fmt: skip
    result = strict(out)
    assert code == 0 and result["images"] == 1
    assert len(result["failed"]) == 1 and "segviz: left out 2007_999999" in err


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["--voc-root", "absent"], "VOC folder absent does not exist"),
        (["--scales", "1,large"], "'1,large' is not a list of numbers such as 1,2,3"),
        (["--scales", ""], "'' is not a list of numbers"),
        (["--scales", "1,9"], "scale must be .* got 9.0"),
        (["--methods", "entropia"], "no objective 'entropia'"),
        (["--methods", "feedforward,"], "no objective ''"),
        (["--methods", "entropy:quick"], "'quick' in 'entropy:quick' is not an option"),
        (["--variables", "weights"], "no variables 'weights'"),
        (["--split", "vall"], "split 'vall' is not in"),
        (["--split", "absent.txt"], "list of ids absent.txt cannot be read"),
        (["--limit", "0"], "--limit must be at least 1, got 0"),
        (["--limit", "some"], "invalid int value: 'some'"),
        (["--steps", "1000"], "steps must be .* got 1000"),
        (["--steps", "1,two"], "'1,two' is not a list of whole numbers such as 0,32,128"),
        (["--out", "{photo}"], "cannot be made"),
        (["--checkpoint", "absent"], "no checkpoint 'absent'"),
    ],
)
def test_evaluate_refuses(cli, voc_root, files, checkpoint_path, arguments, pattern):
    filled = [a.format(photo=files / "photo.png") for a in arguments]
    defaults = (("--voc-root", voc_root), ("--checkpoint", checkpoint_path), ("--device", "cpu"))
    for name, value in defaults:
        if name not in filled:
            filled += [name, value]
    code, out, err = cli("evaluate", *filled, trained=False)
    assert code == 2 and out == "" and one_line(err)
    assert re.search(pattern, err), err


def test_evaluate_without_images(cli, voc_root, tmp_path):
    (tmp_path / "none.txt").write_text("\n")
    code, out, err = cli("evaluate", "--voc-root", voc_root, "--split", tmp_path / "none.txt")
    assert code == 2 and out == "" and one_line(err) and "has no ids" in err


def test_evaluate_where_every_image_fails(cli, voc_root, tmp_path):
    (tmp_path / "ids.txt").write_text("2007_999998 2007_999999")
    code, out, err = cli(
        "evaluate", "--voc-root", voc_root, "--split", tmp_path / "ids.txt", "--scales", "1",
        "--methods", "feedforward", "--json",
    )  # fmt: skip
    assert code == 2 and out == ""
    assert re.search("\nsegviz: none of the 2 images could be used: 2007_999998: .*\n$", err)


# train


TRAIN = ("--crop", 65, "--batch", 2, "--channels", 8, "--levels", 3, "--loaders", 0)


def test_train(cli, voc_root, tmp_path):
    code, out, _ = cli(
        "train", "--voc-root", voc_root, "--split", "train", *TRAIN, "--epochs", 0.7, "--out",
        tmp_path, "--name", "tiny", "--origin", "chance", "--json", "--device", "cpu",
        trained=False,
    )  # fmt: skip
    card = strict(out)
    assert code == 0 and card["name"] == "tiny" and card["origin"] == "chance"
    assert card["training"]["iterations"] == 2 and card["data"]["split"] == "train"
    assert card["architecture"]["levels"] == 3
    assert re.fullmatch("[0-9a-f]{40}", card["commit"] or "0" * 40)
    loaded = checkpoint.load(str(tmp_path / "tiny.safetensors"))
    assert loaded.card == card
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["iteration"] for row in rows] == ["2"]


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["--voc-root", "absent"], "VOC folder absent does not exist"),
        (["--split", "trian"], "split 'trian' is not in"),
        (["--backbone", "nonsense"], "'nonsense'"),
        (["--stride", 5], "stride 5 is not one of"),
        (["--levels", 1], "levels must be at least 2, got 1"),
        (["--batch", 0], "batch must be .* got 0"),
        (["--epochs", "nan"], "epochs must be .* got nan"),
        (["--loss-stride", 0], "loss stride must be .* got 0"),
        (["--crop", -3], "crop must be .* got -3"),
        (["--loaders", -1], "loaders must be .* got -1"),
        (["--seed", -1], "seed must be .* got -1"),
        (["--init", "absent.safetensors"], "no weights file"),
        (["--context-init", "absent.safetensors"], "no weights file"),
        (["--start", "absent"], "no checkpoint 'absent'"),
        (["--exclude", "absent.txt"], "list of ids absent.txt cannot be read"),
        (["--exclude", "{all}"], "no training images"),
        (["--out", "{file}"], "cannot be made"),
        (["--device", "tpu"], "device 'tpu' is not there"),
        (["--threads", 0], "--threads must be .* got 0"),
        (["--lr", "fast"], "invalid float value: 'fast'"),
    ],
)
def test_train_refuses(cli, voc_root, tmp_path, arguments, pattern):
    lists = voc_root / "ImageSets" / "Segmentation"
    (tmp_path / "file").write_text("")
    names = {"all": lists / "train.txt", "file": tmp_path / "file"}
    filled = [str(a).format(**names) for a in arguments]
    defaults = {"--voc-root": voc_root, "--split": "train", "--out": tmp_path, "--device": "cpu"}
    defaults |= dict(zip(TRAIN[::2], TRAIN[1::2], strict=True))
    for name, value in defaults.items():
        if name not in filled:
            filled += [name, value]
    code, out, err = cli("train", *filled, trained=False)
    assert code == 2 and out == "" and one_line(err)
    assert re.search(pattern, err), err


def test_train_interrupted_and_resumed(cli, voc_root, tmp_path, monkeypatch):
    from segviz.training.trainer import Trainer

    update, calls = Trainer.train_step, []

    def press(self, *arguments):
        calls.append(1)
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)  # in the middle of the second update
        return update(self, *arguments)

    before = signal.getsignal(signal.SIGINT)
    arguments = ("train", "--voc-root", voc_root, "--split", "train", *TRAIN, "--epochs", 1.4)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", press)
        code, out, err = cli(*arguments, "--out", tmp_path / "cut", trained=False)
    assert code == 130 and out == "" and len(calls) == 2
    assert f"stopped; --resume continues from {tmp_path / 'cut' / 'state.safetensors'}." in err
    assert signal.getsignal(signal.SIGINT) is before
    assert not (tmp_path / "cut" / "network.safetensors").exists()

    code, _, _ = cli(*arguments, "--out", tmp_path / "cut", "--resume", trained=False)
    assert code == 0
    code, _, _ = cli(*arguments, "--out", tmp_path / "whole", trained=False)
    paths = [tmp_path / name / "network.safetensors" for name in ("cut", "whole")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_second_ctrl_c_does_not_wait(cli, voc_root, tmp_path, monkeypatch):
    from segviz.training.trainer import Trainer

    def press(self, *arguments):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    monkeypatch.setattr(Trainer, "train_step", press)
    code, out, _ = cli(
        "train", "--voc-root", voc_root, "--split", "train", *TRAIN, "--out", tmp_path,
        trained=False,
    )  # fmt: skip
    assert code == 130 and out == "" and not (tmp_path / "state.safetensors").exists()


# benchmark, download-voc


def test_benchmark_json(cli):
    code, out, err = cli("benchmark", "--scale", 0.25, "--repeats", 1, "--json")
    assert code == 0 and err == ""
    result = strict(out)
    (found,) = result["networks"].values()
    (one,) = found["scales"]
    assert one["scale"] == 0.25 and {"forward", "step", "episode"} <= one["times"].keys()
    assert one["ratios"]["step / forward"] > 0 and found["environment"]["sha256"]


def test_benchmark_text(cli):
    code, out, _ = cli("benchmark", "--scale", 0.25, "--repeats", 1)
    assert code == 0 and "step / forward" in out


@pytest.mark.parametrize(
    "arguments", [("--repeats", 0), ("--scale", 0), ("--scale", "x"), ("--device", "tpu")]
)
def test_benchmark_refuses(cli, checkpoint_path, arguments):
    code, out, err = cli("benchmark", "--checkpoint", checkpoint_path, *arguments, trained=False)
    assert code == 2 and out == "" and one_line(err)


def test_benchmark_has_networks_or_a_checkpoint(cli):
    code, _, err = cli("benchmark", "dla34")
    assert code == 2 and one_line(err) and "name all of them without --checkpoint" in err


def test_benchmark_keeps_what_it_has_on_ctrl_c(cli, monkeypatch, tmp_path):
    from segviz.cli import benchmark

    def peak(name, settings, *_):
        if settings.scale > 0.25:
            raise KeyboardInterrupt
        return 1

    monkeypatch.setattr(benchmark, "peak", peak)
    out = tmp_path / "costs.json"
    code, *_ = cli("benchmark", "--scales", "0.25,0.5", "--repeats", 1, "--memory", "--out", out)
    (found,) = strict(out.read_text())["networks"].values()
    assert code == 130 and [one["scale"] for one in found["scales"]] == [0.25]
    assert not strict(out.read_text())["complete"]


@pytest.mark.parametrize("extra", [[], ["--no-sbd"]])
def test_download(cli, monkeypatch, tmp_path, extra):
    calls = []
    monkeypatch.setattr(
        "segviz.data.voc.download", lambda path, augment: calls.append((path, augment)) or tmp_path
    )
    code, out, _ = cli("download-voc", tmp_path, *extra, trained=False)
    assert code == 0 and out == f"{tmp_path}\n" and calls == [(str(tmp_path), not extra)]


# The process


def python(*arguments, **options):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=options.pop("cwd", ROOT),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["run"],
        ["export"],
        ["evaluate"],
        ["tables"],
        ["train"],
        ["benchmark"],
        ["download-voc"],
        ["app"],
    ],
)
def test_help(cli, command):
    code, out, err = cli(*command, "--help", trained=False)
    assert code == 0 and err == "" and out.startswith("usage: segviz")


def test_help_does_not_import_torch():
    code = (
        "import sys; from segviz.__main__ import main\n"
        "try: main(['run', '--help'])\n"
        "except SystemExit: print([m for m in ('torch', 'numpy', 'PIL') if m in sys.modules])"
    )
    out, _ = python("-c", code).communicate(timeout=60)
    assert out.splitlines()[-1] == "[]"


def test_as_a_program(tmp_path):
    program = python("-m", "segviz", "run", tmp_path / "absent.png", cwd=tmp_path)
    out, err = program.communicate(timeout=120)
    assert program.returncode == 2 and out == "" and one_line(err)


# A terminal's Ctrl-C: Python installs its handler only where the parent did not ignore the signal.
PROGRAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from segviz.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_ctrl_c_in_a_run_keeps_the_steps(files, checkpoint_path, tmp_path):
    hook = """
import segviz.runs.run as run
def slow(*arguments, episode=run.episode):
    for step in episode(*arguments):
        yield step
        if step.step == 3:
            print("ready", file=sys.stderr, flush=True)
            import time; time.sleep(60)
run.episode = slow
"""
    program = python(
        "-c", PROGRAM.replace("sys.exit(", hook + "sys.exit("), "run", files / "photo.png",
        "--scale", 1, "--steps", 9, "--checkpoint", checkpoint_path, "--out", tmp_path, "--json",
    )  # fmt: skip
    assert program.stderr.readline() == "ready\n"
    program.send_signal(signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 130 and err == ""
    result = strict(out)
    assert [step["step"] for step in result["steps"]] == [0, 1, 2, 3]
    assert result["complete"] is False
    assert Record.load(tmp_path / "record").last == 3


@pytest.mark.slow
def test_ctrl_c_in_an_evaluation_keeps_the_images(cli, voc_root, checkpoint_path, tmp_path):
    hook = """
import segviz.data.voc as voc
def slow(root, name, read=voc.read_truth):
    if name == "2008_000009":
        print("ready", file=sys.stderr, flush=True)
        import time; time.sleep(60)
    return read(root, name)
voc.read_truth = slow
"""
    program = python(
        "-c", PROGRAM.replace("sys.exit(", hook + "sys.exit("), "evaluate", "--voc-root",
        voc_root, "--scales", "1,2", "--methods", "feedforward,entropy", "--steps", 1,
        "--checkpoint", checkpoint_path, "--out", tmp_path, "--json",
    )  # fmt: skip
    while "ready" not in program.stderr.readline():
        assert program.poll() is None
    program.send_signal(signal.SIGINT)
    out, _ = program.communicate(timeout=60)
    assert program.returncode == 130
    result = strict(out)
    assert result["images"] == 2 and len(result["results"]) == 4 and result["complete"] is False
    assert strict((tmp_path / "evaluation.json").read_text()) == result
    (tmp_path / "two.txt").write_text("\n".join(IDS[:2]))
    code, out, _ = cli(
        "evaluate", "--voc-root", voc_root, "--scales", "1,2", "--methods", "feedforward,entropy",
        "--steps", 1, "--split", tmp_path / "two.txt", "--out", tmp_path, "--json",
    )  # fmt: skip
    assert code == 0 and strict(out)["results"] == result["results"]  # to the microsecond


@pytest.mark.slow
def test_ctrl_c_in_training_keeps_the_state(voc_root, tmp_path):
    # With reading processes, and the signal sent to all of them, as a terminal does.
    arguments = (
        "train", "--voc-root", voc_root, "--split", "train", *TRAIN[:-1], 1, "--epochs", 900,
        "--out", tmp_path,
    )  # fmt: skip
    program = python("-c", PROGRAM, *arguments, start_new_session=True)
    while not re.search(r"\b[2-9]/2700", read_bar(program.stderr)):
        assert program.poll() is None
    os.killpg(program.pid, signal.SIGINT)
    out, err = program.communicate(timeout=60)
    assert program.returncode == 130 and out == ""
    assert "Traceback" not in err and err.endswith("state.safetensors.\n")
    assert (tmp_path / "state.safetensors").exists()


def read_bar(stream):
    """The next state of a progress bar, which ends with a carriage return."""
    text = ""
    while not text.endswith(("\r", "\n")):
        piece = stream.read(1)
        if not piece:
            break
        text += piece
    return text

"""segviz train."""

import csv
import os
import re
import signal

import pytest

from segviz.network import checkpoint
from tests.cli.output import assert_refused, parse_json
from tests.cli.process import on_forward, start_forked

TRAIN = ("--crop", 65, "--batch", 2, "--channels", 8, "--levels", 3, "--loaders", 0)


def test_train(cli, voc_root, tmp_path):
    code, out, _ = cli(
        "train", "--voc-root", voc_root, "--split", "train", *TRAIN, "--epochs", 0.7, "--out",
        tmp_path, "--name", "tiny", "--origin", "chance", "--json", "--device", "cpu",
        trained=False,
    )  # fmt: skip
    card = parse_json(out)
    assert code == 0 and card["name"] == "tiny" and card["origin"] == "chance"
    assert card["training"]["iterations"] == 2 and card["data"]["split"] == "train"
    assert card["architecture"]["levels"] == 3
    assert re.fullmatch("[0-9a-f]{40}", card["commit"] or "0" * 40)
    loaded = checkpoint.load(str(tmp_path / "tiny.safetensors"))
    assert loaded.card == card
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["iteration"] for row in rows] == ["2"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--voc-root", "absent"], ["absent"]),
        (["--split", "trian"], ["trian", "train"]),
        (["--backbone", "nonsense"], ["nonsense"]),
        (["--stride", 5], ["stride", "5"]),
        (["--levels", 1], ["levels", "2", "1"]),
        (["--batch", 0], ["batch", "0"]),
        (["--epochs", "nan"], ["epochs", "nan"]),
        (["--loss-stride", 0], ["loss stride", "0"]),
        (["--crop", -3], ["crop", "-3"]),
        (["--loaders", -1], ["loaders", "-1"]),
        (["--loaders", "9" * 30], ["loaders", "128"]),
        (["--seed", -1], ["seed", "-1"]),
        (["--init", "absent.safetensors"], [r"absent\.safetensors"]),
        (["--context-init", "absent.safetensors"], [r"absent\.safetensors"]),
        (["--start", "absent"], ["absent", "mobilenetv2_100-voc"]),
        (["--exclude", "absent.txt"], [r"absent\.txt"]),
        (["--exclude", "{all}"], ["no training images"]),
        (["--out", "{file}"], ["file", "--out"]),
        (["--device", "tpu"], ["tpu", "cpu"]),
        (["--threads", 0], ["--threads", "1", "0"]),
        (["--threads", "9" * 30], ["--threads", "1024"]),
        (["--name", "../network"], ["--name", "--out"]),
        (["--name", "a" * 300], ["--name", "200 bytes"]),
        (["--name", "\x1b[2J"], ["--name", r"\\x1b"]),
        (["--name", ".."], ["--name", "file name"]),
        (["--lr", "fast"], ["--lr", "fast"]),
    ],
)
def test_train_refuses(cli, voc_root, tmp_path, arguments, words):
    lists = voc_root / "ImageSets" / "Segmentation"
    (tmp_path / "file").write_text("")
    names = {"all": lists / "train.txt", "file": tmp_path / "file"}
    filled = [str(a).format(**names) for a in arguments]
    defaults = {"--voc-root": voc_root, "--split": "train", "--out": tmp_path, "--device": "cpu"}
    defaults |= dict(zip(TRAIN[::2], TRAIN[1::2], strict=True))
    for name, value in defaults.items():
        if name not in filled:
            filled += [name, value]
    assert_refused(cli("train", *filled, trained=False), *words)


def test_train_interrupted_and_resumed(cli, voc_root, tmp_path):
    def interrupt(number, _):
        if number == 2:  # in the middle of the second update
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    arguments = ("train", "--voc-root", voc_root, "--split", "train", *TRAIN, "--epochs", 1.4)
    with on_forward(interrupt):
        code, out, err = cli(*arguments, "--out", tmp_path / "cut", trained=False)
    assert code == 130 and out == ""
    assert "--resume" in err and str(tmp_path / "cut" / "state.safetensors") in err
    assert signal.getsignal(signal.SIGINT) is before
    assert not (tmp_path / "cut" / "network.safetensors").exists()

    code, _, _ = cli(*arguments, "--out", tmp_path / "cut", "--resume", trained=False)
    assert code == 0
    code, _, _ = cli(*arguments, "--out", tmp_path / "whole", trained=False)
    paths = [tmp_path / name / "network.safetensors" for name in ("cut", "whole")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_second_ctrl_c_does_not_wait(cli, voc_root, tmp_path):
    def interrupt(number, _):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the second signal did not interrupt")

    with on_forward(interrupt):
        code, out, _ = cli(
            "train", "--voc-root", voc_root, "--split", "train", *TRAIN, "--out", tmp_path,
            trained=False,
        )  # fmt: skip
    assert code == 130 and out == "" and not (tmp_path / "state.safetensors").exists()


@pytest.mark.slow
def test_ctrl_c_keeps_the_state(voc_root, tmp_path):
    # With reading processes, and the signal sent to all of them, as a terminal does.
    arguments = (
        "train", "--voc-root", voc_root, "--split", "train", *TRAIN[:-1], 1, "--epochs", 900,
        "--out", tmp_path,
    )  # fmt: skip
    program = start_forked(*arguments, start_new_session=True)
    while not re.search(r"\b[2-9]/2700", read_bar(program.stderr)):
        assert program.poll() is None
    os.killpg(program.pid, signal.SIGINT)
    out, err = program.communicate()
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

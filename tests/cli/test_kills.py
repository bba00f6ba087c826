"""Kills and full disks in the midst of commands: nothing that was good is lost.

A timer of processor time ends the process at once, as a kill does; unlike a clock's, its moments do
not depend on how busy the machine is.
"""

import json
import shutil
import signal
import sqlite3

import pytest
import torch
from safetensors.torch import load_file

from segviz.runs.record import Record
from tests.cli.process import start_forked

pytestmark = pytest.mark.slow

TIMED = """
import atexit, time
begin = time.process_time()
atexit.register(lambda: print("took", time.process_time() - begin, file=sys.stderr, flush=True))
"""
KILLED = """
signal.signal(signal.SIGPROF, signal.SIG_DFL)
signal.setitimer(signal.ITIMER_PROF, {seconds})
"""
FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, resource.RLIM_INFINITY))
"""
OFTEN = """
from segviz.training import trainer
trainer.SAVE_SECONDS, trainer.REPORT_EVERY = 0, 1
"""
ROOMS = (100, 5000)
"""Bytes that a file may have: found before the work, or in its midst."""


class Command:
    """A command that is run undisturbed, killed, and on a full disk.

    Arguments:
        arguments: All but the output folder.
        setup: Python statements before it.
    """

    def __init__(self, *arguments, setup=""):
        self.arguments, self.setup = arguments, setup
        self.seconds = float("nan")  # of processor time

    def finish(self, out):
        """Run it to its end; return what it prints."""
        code, text, errors = self._run(out, TIMED)
        assert code == 0, errors
        self.seconds = float(errors.rpartition("took")[2])
        return text

    def kill(self, out, fraction):
        """Kill it after a fraction of its processor time; return whether that came in time."""
        code, _, errors = self._run(out, KILLED.format(seconds=fraction * self.seconds))
        assert code in (0, -signal.SIGPROF), errors
        return code != 0

    def fill_disk(self, out, room):
        """Run it where no file can have more than some bytes."""
        code, _, errors = self._run(out, FULL.format(room=room))
        *_, sentence = errors.strip().splitlines()
        assert code == 2 and sentence.startswith("segviz: ") and "Traceback" not in errors, errors

    def _run(self, out, setup):
        program = start_forked(*self.arguments, "--out", out, setup=self.setup + setup)
        text, errors = program.communicate()
        return program.returncode, text, errors


def fractions(count):
    """Moments spread over the whole work."""
    return [(place + 0.5) / count for place in range(count)]


# Evaluate


def rows(folder):
    """All rows of a folder of rows, by their keys, without their times."""
    found = {}
    for path in sorted(folder.glob("rows-*.sqlite")):
        with sqlite3.connect(path) as file:
            file.row_factory = sqlite3.Row
            for row in file.execute("SELECT * FROM rows"):
                values = dict(row)
                values.pop("seconds")
                key = (values["image"], values["scale"], values["method"], values["step"])
                found[key] = values
        file.close()
    return found


def test_kills_and_full_disks_cost_evaluate_no_row(voc_root, checkpoint_path, tmp_path):
    arguments = (
        "evaluate", "--voc-root", voc_root, "--scales", "1", "--methods", "feedforward,entropy",
        "--steps", "1", "--threads", "1", "--checkpoint", checkpoint_path, "--device", "cpu",
    )  # fmt: skip
    whole, half = Command(*arguments), Command(*arguments, "--limit", 2)
    half.finish(tmp_path / "half")
    before = rows(tmp_path / "half")
    expected = whole.finish(tmp_path / "whole")
    everything = rows(tmp_path / "whole")
    assert 0 < len(before) < len(everything)
    killed = 0
    for number, fraction in enumerate(fractions(20)):
        out = shutil.copytree(tmp_path / "half", tmp_path / f"cut-{number}")
        # The first two images take their time again only in `whole`.
        killed += whole.kill(out, 0.7 * fraction)
        left = rows(out)
        assert before.items() <= left.items() <= everything.items()
        if number % 7 == 6:
            assert table(Command(*arguments).finish(out)) == table(expected)
            assert rows(out) == everything
    assert killed >= 10
    for room in ROOMS:
        out = shutil.copytree(tmp_path / "half", tmp_path / f"full-{room}")
        whole.fill_disk(out, room)
        assert rows(out) == before


def table(text):
    """The numbers of a printed table, without its times."""
    return [line.split()[:4] for line in text.splitlines()]


# Train


def test_kills_and_full_disks_cost_train_no_state(voc_root, tmp_path):
    arguments = (
        "train", "--voc-root", voc_root, "--split", "train", "--crop", 49, "--batch", 2,
        "--channels", 8, "--levels", 3, "--loaders", 0, "--epochs", 4, "--threads", 1,
        "--no-pretrained", "--warmup", 1, "--backbone", "test_efficientnet", "--device", "cpu",
        "--resume",
    )  # fmt: skip
    stop = "import os\ntrainer.Trainer.done = property(lambda self: self.iteration >= 5)\n"
    train, half = Command(*arguments, setup=OFTEN), Command(*arguments, setup=OFTEN + stop)
    train.finish(tmp_path / "whole")
    expected = (tmp_path / "whole" / "network.safetensors").read_bytes()
    log = (tmp_path / "whole" / "log.csv").read_text()
    half.finish(tmp_path / "half")
    (tmp_path / "half" / "network.safetensors").unlink()
    before = iteration(tmp_path / "half")
    assert before == 5 and len(log.splitlines()) == 13
    killed, reached = 0, set()
    for number, fraction in enumerate(fractions(10)):
        out = shutil.copytree(tmp_path / "half", tmp_path / f"cut-{number}")
        killed += train.kill(out, fraction)
        reached.add(iteration(out))
        if number in (3, 9):
            train.finish(out)
            assert (out / "network.safetensors").read_bytes() == expected
            assert (out / "log.csv").read_text() == log
    assert killed >= 5 and min(reached) >= before and len(reached) > 2
    for room in ROOMS:
        out = shutil.copytree(tmp_path / "half", tmp_path / f"full-{room}")
        train.fill_disk(out, room)
        assert iteration(out) == before


def iteration(folder):
    """The number of updates of the state in a folder, whose weights are finite."""
    from safetensors import safe_open

    with safe_open(folder / "state.safetensors", "pt") as file:
        found = int(file.metadata()["iteration"])
    tensors = load_file(folder / "state.safetensors")
    assert all(torch.isfinite(value).all() for value in tensors.values())
    return found


# Run


def test_kills_and_full_disks_cost_run_no_record(files, checkpoint_path, tmp_path):
    def command(steps):
        return Command(
            "run", files / "photo.png", "--truth", files / "mask.png", "--scale", 1,
            "--steps", steps, "--formats", "", "--threads", 1,
            "--checkpoint", checkpoint_path, "--device", "cpu",
        )  # fmt: skip

    def last(folder):
        return Record.load(folder / "record").last

    earlier, later = command(2), command(4)
    earlier.finish(tmp_path / "earlier")
    later.finish(tmp_path / "later")
    assert (last(tmp_path / "earlier"), last(tmp_path / "later")) == (2, 4)
    killed = 0
    for number, fraction in enumerate(fractions(20)):
        out = shutil.copytree(tmp_path / "earlier", tmp_path / f"cut-{number}")
        killed += later.kill(out, fraction)
        assert last(out) in (2, 4)
    assert killed >= 10
    for room in ROOMS:
        out = shutil.copytree(tmp_path / "earlier", tmp_path / f"full-{room}")
        later.fill_disk(out, room)
        assert last(out) == 2
        assert json.loads((out / "record.json").read_text())["settings"]["steps"] == 2

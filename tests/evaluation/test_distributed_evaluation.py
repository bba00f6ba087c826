"""Evaluations shared by several processes: the result of one, whatever is lost on the way."""

import json
import os
import re
import signal
import sqlite3
import sys
from contextlib import closing

import pytest

from segviz.data import voc
from segviz.runtime.distributed import TaskQueue
from tests.forked import start_workers


def test_several_processes_need_a_folder(cli, voc_root, monkeypatch):
    monkeypatch.setattr(TaskQueue, "from_environment", lambda: TaskQueue(object(), 1, 2))
    code, out, err = cli("evaluate", "--voc-root", voc_root, "--methods", "feedforward")
    assert code == 2 and out == ""
    assert re.fullmatch(r"segviz: 2 processes share the work.*; give --out\.\n", err)


def test_lost_images_are_no_result(cli, voc_root, monkeypatch, tmp_path):
    monkeypatch.setattr(TaskQueue, "claim", lambda self, count: iter(range(1, count)))
    code, out, err = cli(
        "evaluate", "--voc-root", voc_root, "--methods", "feedforward", "--scales", 1,
        "--out", tmp_path,
    )  # fmt: skip
    assert code == 2 and out == "" and not (tmp_path / "evaluation.json").exists()
    last = err.splitlines()[-1]
    assert re.fullmatch("segviz: 1 of 4 images were lost.*; run the same command again.", last)


# === torchrun

ARGUMENTS = (
    "--scales", "1,1.5", "--methods", "feedforward,entropy,oracle", "--steps", "1,2",
    "--split", "trainval", "--threads", "1", "--device", "cpu", "--by-image", "--json",
)  # fmt: skip


def torchrun(processes, arguments, *, mark=None, restarts=0, expect=0):
    """Run the command in several processes; return stdout and stderr.

    Arguments:
        processes: The number of processes.
        arguments: The arguments of the command.
        mark: A file that is not there yet: one process will be lost.
        restarts: How often the agent may start them again.
        expect: 0 = all ends well.
    """
    arguments = [str(argument) for argument in arguments]
    program = start_workers(processes, command, arguments, mark, restarts=restarts)
    out, err = program.communicate(timeout=400)
    assert (program.returncode == 0) == (expect == 0), err
    return out, err


def command(arguments, mark):
    """Run the command; where the mark is missing, the first to read a certain image is killed."""
    from segviz.cli.main import main

    read = voc.read_truth

    def lost(root, name):
        if mark is not None and name == "2008_000006" and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return read(root, name)

    voc.read_truth = lost
    code = main(arguments)
    if code:
        sys.exit(code)


def comparable(text):
    """A result without what may differ: seconds, command and environment."""
    result = json.loads(text)
    for row in result["results"]:
        assert row.pop("seconds") > 0
    for key in ("command", "environment"):
        del result[key]
    return result


def stored_rows(folder):
    """All rows in a folder's files: what was measured -> the file and the seconds."""
    rows = {}
    for path in folder.glob("rows-*.sqlite"):
        with closing(sqlite3.connect(path)) as file:
            for *key, seconds in file.execute(
                "SELECT image, scale, method, variables, step, seconds FROM rows"
            ):
                assert tuple(key) not in rows, "measured twice"
                rows[tuple(key)] = (path.name, seconds)
    return rows


@pytest.fixture(scope="module")
def single(voc_root, checkpoint_path, tmp_path_factory):
    """The result of one process, and the arguments of the command."""
    from segviz.cli.main import main

    folder = tmp_path_factory.mktemp("single")
    arguments = [
        "evaluate", "--voc-root", str(voc_root), "--checkpoint", str(checkpoint_path), *ARGUMENTS,
    ]  # fmt: skip
    assert main([*arguments, "--out", str(folder)]) == 0
    result = comparable((folder / "evaluation.json").read_text())
    assert result["images"] == 10
    return result, arguments


@pytest.mark.slow
def test_three_processes(single, tmp_path):
    expected, arguments = single
    out, _ = torchrun(3, [*arguments, "--out", tmp_path])
    assert comparable(out) == expected  # printed once
    assert len(stored_rows(tmp_path)) == 10 * 2 * 5


@pytest.mark.slow
def test_a_lost_worker_and_the_same_command_again(single, tmp_path, cli):
    expected, arguments = single
    mark = tmp_path / "lost"
    out, _ = torchrun(2, [*arguments, "--out", tmp_path / "rows"], mark=mark, expect=1)
    assert mark.exists() and out == ""
    before = stored_rows(tmp_path / "rows")
    images = {image for image, *_ in before}
    assert len(images) >= 4 and "2008_000006" not in images  # what came before, but for two
    code, out, _ = cli(*arguments, "--out", tmp_path / "rows", trained=False)
    assert code == 0 and comparable(out) == expected
    after = stored_rows(tmp_path / "rows")
    assert len(after) == 10 * 2 * 5
    assert {key: after[key] for key in before} == before  # nothing was measured again


@pytest.mark.slow
def test_a_lost_worker_is_started_again(single, tmp_path):
    expected, arguments = single
    mark = tmp_path / "lost"
    out, _ = torchrun(2, [*arguments, "--out", tmp_path / "rows"], mark=mark, restarts=1)
    assert mark.exists()
    assert comparable(out) == expected
    assert len(stored_rows(tmp_path / "rows")) == 10 * 2 * 5

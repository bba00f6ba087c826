import json
import os
import re
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

import segviz
from segviz.errors import InputError
from segviz.runtime.distributed import Team

ROOT = Path(segviz.__file__).parents[1]


@pytest.fixture
def teams():
    """Teams of so many, sharing a store in this process."""
    from torch.distributed import HashStore

    def teams(size):
        store = HashStore()
        return [Team(store, rank, size) for rank in range(size)]

    return teams


def together(*work):
    """Run functions in threads, each to its end; what one raises is raised."""
    raised = []

    def run(one):
        try:
            one()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "a member waits forever"
    if raised:
        raise raised[0]


# Alone


def test_alone():
    team = Team()
    assert team.leads and team.size == 1
    seen = []
    for index in team.share(3):
        seen.append((index, team.done()))
    assert seen == [(0, 0), (1, 1), (2, 2)] and team.done() == 3
    assert list(team.finish()) == []
    assert list(team.share(2)) == [0, 1] and team.done() == 2
    assert list(team.share(0)) == [] and team.done() == 0


def test_join_without_torchrun(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert Team.join().size == 1
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert Team.join().leads


def test_join_that_finds_nobody(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=r"one of 2 processes.*torchrun\.$") as caught:
        Team.join()
    assert "\n" not in str(caught.value)


# Together


@pytest.mark.parametrize("size", [2, 4])
def test_every_piece_goes_to_one(teams, size):
    members = teams(size)
    assert [team.leads for team in members] == [True] + [False] * (size - 1)
    found = [[] for _ in members]
    together(*(lambda i=i: found[i].extend(members[i].share(50)) for i in range(size)))
    assert sorted(index for part in found for index in part) == list(range(50))
    assert all(part == sorted(part) for part in found)
    assert {team.done() for team in members} == {50}


def test_a_slow_piece_does_not_hold_the_others(teams):
    """The first piece takes until all the rest is done; the other member does that rest."""
    slow, quick = teams(2)
    started, rest_done = threading.Event(), threading.Event()
    found = []

    def first():
        for index in slow.share(9):
            found.append(index)
            if index == 0:
                started.set()
                assert rest_done.wait(10), "the rest was held back"

    def other():
        assert started.wait(10)
        for index in quick.share(9):
            assert index != 0
        assert quick.done() == 8
        rest_done.set()

    together(first, other)
    assert found == [0] and slow.done() == 9


def test_a_piece_that_is_broken_off_is_not_done(teams):
    one, other = teams(2)
    with pytest.raises(KeyboardInterrupt):
        for _ in one.share(3):
            raise KeyboardInterrupt
    assert list(other.share(3)) == [1, 2]
    assert other.done() == one.done() == 2


def test_the_leader_waits_for_the_others(teams):
    leader, worker = teams(2)
    assert list(leader.share(1)) == [0]
    assert list(worker.share(1)) == []
    waiting = leader.finish()
    next(waiting)
    next(waiting)
    assert list(worker.finish()) == []  # a worker waits for nobody
    assert list(waiting) == []


def test_lists_follow_each_other(teams):
    """A member that is through goes on with the next list while the leader still waits."""
    leader, worker = teams(2)
    list(leader.share(2))
    waiting = leader.finish()
    next(waiting)
    assert list(worker.share(2)) == []
    list(worker.finish())
    ahead = worker.share(3)
    assert next(ahead) == 0
    assert leader.done() == 2  # of the first list
    assert list(waiting) == []
    assert list(leader.share(3)) == [1, 2] and list(ahead) == []
    assert leader.done() == worker.done() == 3
    waiting = leader.finish()
    next(waiting)
    list(worker.finish())
    assert list(waiting) == []


def test_several_processes_need_a_folder(cli, voc_root, monkeypatch, teams):
    monkeypatch.setattr(Team, "join", lambda: teams(2)[1])
    code, out, err = cli("evaluate", "--voc-root", voc_root, "--methods", "feedforward")
    assert code == 2 and out == ""
    assert re.fullmatch(r"segviz: 2 processes share the work.*; give --out\.\n", err)


def test_lost_images_are_no_result(cli, voc_root, monkeypatch, tmp_path):
    monkeypatch.setattr(Team, "share", lambda self, count: iter(range(1, count)))
    code, out, err = cli(
        "evaluate", "--voc-root", voc_root, "--methods", "feedforward", "--scales", 1,
        "--out", tmp_path,
    )  # fmt: skip
    assert code == 2 and out == "" and not (tmp_path / "evaluation.json").exists()
    last = err.splitlines()[-1]
    assert re.fullmatch("segviz: 1 of 4 images were lost.*; run the same command again.", last)


# torchrun

ARGUMENTS = (
    "--scales", "1,1.5", "--methods", "feedforward,entropy,oracle", "--steps", "1,2",
    "--split", "trainval", "--threads", "1", "--device", "cpu", "--by-image", "--json",
)  # fmt: skip


def torchrun(processes, script, arguments, *, restarts=0, expect=0):
    """Run a script (or a module, as -m NAME) in processes; its stdout and stderr."""
    # Loopback only, and free ports.
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node",
            str(processes), "--max-restarts", str(restarts), *script, *map(str, arguments),
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )  # fmt: skip
    assert (done.returncode == 0) == (expect == 0), done.stderr
    return done.stdout, done.stderr


def told(text):
    """A result but for what may differ: seconds, and what the command was."""
    result = json.loads(text)
    for row in result["results"]:
        assert row.pop("seconds") > 0
    for key in ("command", "environment"):
        del result[key]
    return result


def kept(folder):
    """All rows in a folder's files: by what was measured, by whom and how long it took."""
    rows = {}
    for path in folder.glob("rows-*.sqlite"):
        with closing(sqlite3.connect(path)) as file:
            for *what, seconds in file.execute(
                "SELECT image, scale, method, variables, step, seconds FROM rows"
            ):
                assert tuple(what) not in rows, "measured twice"
                rows[tuple(what)] = (path.name, seconds)
    return rows


@pytest.fixture(scope="module")
def single(voc_root, checkpoint_path, tmp_path_factory):
    """What one process finds, and the arguments of the command."""
    from segviz.cli.main import main

    folder = tmp_path_factory.mktemp("single")
    arguments = [
        "evaluate", "--voc-root", str(voc_root), "--checkpoint", str(checkpoint_path), *ARGUMENTS,
    ]  # fmt: skip
    assert main([*arguments, "--out", str(folder)]) == 0
    result = told((folder / "evaluation.json").read_text())
    assert result["images"] == 10
    return result, arguments


@pytest.mark.slow
def test_four_processes(single, tmp_path):
    expected, arguments = single
    out, _ = torchrun(4, ["-m", "segviz"], [*arguments, "--out", tmp_path])
    assert told(out) == expected  # printed once
    assert len(kept(tmp_path)) == 10 * 2 * 5


# A worker that is lost: the process that is the first to read this image the first time.
LOST = """
import os, pathlib, sys
from segviz.data import voc
from segviz.__main__ import main

mark, read = pathlib.Path(sys.argv[1]), voc.read_truth

def lost(root, name):
    if name == "2008_000006" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    return read(root, name)

voc.read_truth = lost
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def lossy(tmp_path):
    """A script that loses a worker once, as the arguments of torchrun."""
    (tmp_path / "lossy.py").write_text(LOST)
    return [str(tmp_path / "lossy.py"), str(tmp_path / "lost")]


@pytest.mark.slow
def test_a_lost_worker_and_the_same_command_again(single, lossy, tmp_path, cli):
    expected, arguments = single
    out, _ = torchrun(2, lossy, [*arguments, "--out", tmp_path / "rows"], expect=1)
    assert (tmp_path / "lost").exists() and out == ""
    before = kept(tmp_path / "rows")
    images = {image for image, *_ in before}
    assert len(images) >= 4 and "2008_000006" not in images  # what came before, but for two
    code, out, _ = cli(*arguments, "--out", tmp_path / "rows", trained=False)
    assert code == 0 and told(out) == expected
    after = kept(tmp_path / "rows")
    assert len(after) == 10 * 2 * 5
    assert {what: after[what] for what in before} == before  # nothing was measured again


@pytest.mark.slow
def test_a_lost_worker_is_started_again(single, lossy, tmp_path):
    expected, arguments = single
    out, _ = torchrun(2, lossy, [*arguments, "--out", tmp_path / "rows"], restarts=1)
    assert (tmp_path / "lost").exists()
    assert told(out) == expected
    assert len(kept(tmp_path / "rows")) == 10 * 2 * 5

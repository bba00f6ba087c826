"""Runs at work: what a page reads of them while they grow, and what that costs."""

import threading
import time
import zlib

import pytest

from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.jobs import run_job as module
from segviz.jobs.networks import Networks
from segviz.jobs.queue import Job, Slot
from segviz.jobs.run_job import Planned, Runs, Work, progress
from segviz.network import checkpoint
from segviz.viewer.payload import Encoder, NamedRecord, payload


class Paced:
    """A batch that goes on step by step."""

    def __init__(self, runs):
        self.settings, self.title, self.photo = runs.settings, runs.title, runs.photo
        self.runs, self.iterator = runs, iter(runs)
        self.state, self.over, self.ahead, self.items = "running", False, 0, 0
        self.work = runs

    def go(self):
        next(self.iterator)
        self.items += 1


@pytest.fixture
def runs(trained, photo, truth):
    return Runs(lambda: trained, photo, (Settings(scale=1.0, steps=32),), truth, "photo")


@pytest.fixture
def paced(runs):
    job = Paced(runs)
    plan = (Planned("", runs.settings[0], "id"),)
    return job, Work("iterate", "result", plan, job, "sample:x", {})


def test_there_is_nothing_before_the_network(runs, paced):
    job, work = paced
    assert work.look().records == [None] and runs.now is None and runs.steps(0) == 0
    assert progress(job) == (0.0, "Loading the network")
    job.go()
    assert runs.now == 0 and progress(job)[1].startswith("Step 0 of 32")
    assert work.look().records[0].last == 0


def test_looks_at_growing_runs_are_few(paced):
    job, work = paced
    seen = []
    for steps in range(1, 34):
        job.go()
        record = work.look().records[0]
        assert len(record.steps) <= steps < 1.25 * len(record.steps) + 1
        if not seen or seen[-1] is not record:
            seen.append(record)
    job.over = True
    assert work.look().records[0].last == 32
    assert len(seen) <= 13 and sum(len(record.steps) for record in seen) < 5 * 33


def test_looks_that_take_long_are_fewer(paced):
    job, work = paced
    job.go()
    look = work.look()
    look.took = 0.1
    for _ in range(8):
        job.go()
    assert work.look() is look
    look.at -= 0.1 / module.SHARE
    assert work.look() is not look and work.look().records[0].last == 8


def test_each_step_of_a_growing_run_is_encoded_once(paced, monkeypatch):
    job, work = paced
    deflated = []

    def counted(data, level):
        deflated.append(len(data))
        return zlib.compress(data, level)

    monkeypatch.setattr(
        "segviz.viewer.payload.zlib", type("", (), {"compress": staticmethod(counted)})
    )
    encoder = Encoder()
    for _ in range(9):
        job.go()
        (record,) = work.look().records
        payload([NamedRecord(record, "")], encoder)
    steps = record.last + 1
    block = max(deflated)  # a step's maps
    assert steps >= 8 and deflated.count(block) == steps


def test_a_network_that_fails_to_load_is_told(photo):
    def load():
        raise InputError("the file is damaged; fetch it again.")

    job = Job(Runs(load, photo, (Settings(scale=1.0),), None, "photo"), Slot()).start()
    assert job.join(10) and job.state == "failed" and "damaged" in str(job.error)


def test_a_network_is_loaded_once(trained, monkeypatch):
    loads = []

    def load(name, device):
        loads.append(name)
        time.sleep(0.05)
        return trained

    monkeypatch.setattr(checkpoint, "load", load)
    networks = Networks()
    assert networks.ready("a") is None
    askers = [threading.Thread(target=networks.load, args="a") for _ in range(3)]
    for asker in askers:
        asker.start()
    networks.warm_up()
    for asker in askers:
        asker.join(10)
    assert networks.load() is trained and networks.ready("a") is trained
    assert sorted(loads) == sorted(["a", checkpoint.DEFAULT])
    for name in ("b", "c"):
        networks.load(name)
    assert networks.ready("a") is None and networks.ready("c") is trained

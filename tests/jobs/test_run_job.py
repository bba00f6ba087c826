"""Requested runs: what a page reads of them while they grow, and what that costs."""

import math
import time
import zlib

import pytest

from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.jobs.queue import Job, Slot
from segviz.jobs.run_job import MAX_WAIT, SHARE, LazyBatch, PlannedRun, RunRequest, progress
from segviz.viewer import NamedRecord
from segviz.viewer.encoder import Encoder
from segviz.viewer.payload import payload

STEPS = 32


class ManualJob:
    """A job whose items are made one by one, by the test."""

    def __init__(self, work):
        self.work, self.iterator = work, iter(work)
        self.done, self.position, self.items, self.seconds_per_item = False, 0, 0, 0.5
        self.seconds_ahead = math.nan  # unknown

    def advance(self):
        next(self.iterator)
        self.items += 1


@pytest.fixture
def batch(trained, photo, truth):
    return LazyBatch(lambda: trained, photo, (Settings(scale=1.0, steps=STEPS),), truth, "photo")


@pytest.fixture
def job(batch):
    return ManualJob(batch)


@pytest.fixture
def request_(batch, job):
    plan = (PlannedRun("", batch.settings[0], "id"),)
    return RunRequest("iterate", "result", plan, job, "sample:x", {})


def test_before_the_network_is_loaded(batch, job, request_):
    assert request_.snapshot().records == [None]
    assert batch.current is None and batch.steps(0) == 0
    assert progress(job) == (0.0, "Loading the network")
    job.advance()
    assert batch.current == 0 and progress(job)[1].startswith("Step 0 of 32")
    assert request_.snapshot().records[0].last == 0


def test_progress(job):
    job.position = 2
    assert progress(job) == (0.0, "Waiting: 2 runs ahead of you")
    job.position = 0
    for _ in range(3):
        job.advance()
    fraction, text = progress(job)
    assert fraction == 3 / (STEPS + 1)
    assert text == "Step 2 of 32, 0.5 s each, 15 s left"


def test_snapshots_of_growing_runs_are_few(job, request_):
    records = []
    for steps in range(1, STEPS + 2):
        job.advance()
        record = request_.snapshot().records[0]
        assert len(record.steps) <= steps < 1.25 * len(record.steps) + 1
        if not records or records[-1] is not record:
            records.append(record)
    job.done = True
    assert request_.snapshot().records[0].last == STEPS
    assert len(records) <= 13 and sum(len(r.steps) for r in records) < 5 * (STEPS + 1)


def test_snapshots_that_are_slow_to_draw_are_fewer(job, request_):
    job.advance()
    snapshot = request_.snapshot()
    snapshot.draw_seconds = MAX_WAIT
    for _ in range(8):
        job.advance()
    assert request_.snapshot() is snapshot
    snapshot.taken_at -= MAX_WAIT  # as if that long had passed
    assert request_.snapshot().records[0].last == 8


def test_the_wait_for_a_snapshot_is_proportional_to_drawing(job, request_):
    job.advance()
    snapshot = request_.snapshot()
    for _ in range(8):
        job.advance()
    snapshot.draw_seconds = SHARE * 100  # much longer than the wait allowed
    snapshot.taken_at = time.monotonic() - 0.5 * MAX_WAIT
    assert request_.snapshot() is snapshot
    snapshot.draw_seconds = SHARE * 0.25 * MAX_WAIT
    assert request_.snapshot() is not snapshot


def test_runs_made_before_keep_their_records(batch, job, record):
    plan = (PlannedRun("old", record.settings, "a", record), PlannedRun("", batch.settings[0], "b"))
    request = RunRequest("compare", "result", plan, job, "sample:x", {})
    job.advance()
    old, new = request.records()
    assert old is record and new.last == 0


def test_each_step_of_a_growing_run_is_encoded_once(job, request_):
    sizes = []

    def counted(data, level):
        sizes.append(len(data))
        return zlib.compress(data, level)

    encoder = Encoder(counted)
    for _ in range(9):
        job.advance()
        (record,) = request_.snapshot().records
        payload([NamedRecord(record, "")], encoder)
    steps = record.last + 1
    block = max(sizes)  # a step's maps
    assert steps >= 8 and sizes.count(block) == steps


def test_a_network_that_fails_to_load_fails_the_job(photo):
    def load():
        raise InputError("the file is damaged; fetch it again.")

    settings = (Settings(scale=1.0),)
    job = Job(LazyBatch(load, photo, settings, None, "photo"), Slot()).start()
    assert job.join(10) and job.state == "failed" and "damaged" in str(job.error)

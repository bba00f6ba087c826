"""The compute slot: order, position, release, and leaving the line."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from segviz.jobs.queue import Job, Slot


@pytest.fixture
def slot():
    return Slot()


class Gate:
    """Work that shows when it begins and goes on when it is told to."""

    def __init__(self, items=3):
        self.items, self.came = items, []
        self.began, self.go, self.closed = threading.Event(), threading.Event(), False

    def __iter__(self):
        try:
            for item in range(self.items):
                self.began.set()
                assert self.go.wait(10)
                self.came.append(item)
                yield item
        finally:
            self.closed = True


def eventually(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


# === Tickets


def test_first_come_first_served(slot):
    tickets = [slot.queue() for _ in range(4)]
    assert [ticket.ahead for ticket in tickets] == [0, 1, 2, 3]
    assert tickets[0].wait(0) and not tickets[1].wait(0)
    tickets[0].leave()
    assert [ticket.ahead for ticket in tickets] == [None, 0, 1, 2]
    assert tickets[1].wait(0)


def test_leaving_from_the_middle_moves_the_others_up(slot):
    first, second, third = (slot.queue() for _ in range(3))
    second.leave()
    second.leave()
    assert (first.ahead, second.ahead, third.ahead) == (0, None, 1)
    assert not second.wait(0)
    first.leave()
    assert third.wait(0)


def test_a_block_releases_on_exceptions_too(slot):
    with pytest.raises(KeyError), slot.queue() as ticket:
        assert ticket.wait(0)
        raise KeyError
    assert len(slot) == 0
    assert slot.queue().wait(0)


def test_waiting_ends_when_the_slot_is_left(slot):
    first, second = slot.queue(), slot.queue()
    threading.Timer(0.05, first.leave).start()
    assert second.wait(5)


def test_waiting_ends_when_the_waiter_leaves(slot):
    slot.queue()
    second = slot.queue()
    threading.Timer(0.05, second.leave).start()
    start = time.monotonic()
    assert not second.wait(5)
    assert time.monotonic() - start < 4


def test_only_one_at_a_time_and_in_order(slot):
    order, inside = [], []

    def work(number):
        def items():
            inside.append(number)
            assert len(inside) == 1
            time.sleep(0.002)
            order.append(number)
            yield number
            inside.remove(number)

        return items()

    jobs = [Job(work(number), slot) for number in range(12)]
    for job in reversed(jobs):  # the line is joined when a job is made, not when it starts
        job.start()
    assert all(job.join(10) for job in jobs)
    assert [job.state for job in jobs] == ["finished"] * 12
    assert order == list(range(12))
    assert len(slot) == 0


# === Jobs


def test_a_job_counts_and_times_its_items(slot):
    job = Job(range(5), slot).start()
    assert job.join(5)
    assert (job.state, job.items, job.error) == ("finished", 5, None)
    assert job.seconds_each >= 0
    assert Job([], slot).start().join(5)


def test_positions_are_visible_while_waiting(slot):
    gates = [Gate() for _ in range(3)]
    jobs = [Job(gate, slot).start() for gate in gates]
    assert gates[0].began.wait(5)
    assert [job.ahead for job in jobs] == [0, 1, 2]
    assert [job.state for job in jobs] == ["running", "waiting", "waiting"]
    gates[0].go.set()
    assert gates[1].began.wait(5)
    assert [job.ahead for job in jobs] == [0, 0, 1]
    for gate in gates:
        gate.go.set()
    assert all(job.join(5) for job in jobs)


def test_an_exception_frees_the_slot(slot):
    def broken():
        yield 1
        raise RuntimeError("no memory")

    job = Job(broken(), slot).start()
    assert job.join(5)
    assert (job.state, job.items, str(job.error)) == ("failed", 1, "no memory")
    after = Job(range(2), slot).start()
    assert after.join(5) and after.state == "finished"


def test_stopping_keeps_what_is_done(slot):
    gate = Gate(items=100)
    job = Job(gate, slot).start()
    assert gate.began.wait(5)
    job.stop()
    assert job.stopping and not job.over  # the item in progress is finished first
    gate.go.set()
    assert job.join(5)
    assert (job.state, gate.came, gate.closed, len(slot)) == ("stopped", [0], True, 0)


def test_a_waiting_job_can_be_abandoned(slot):
    first, second, third = Gate(), Gate(), Gate()
    jobs = [Job(gate, slot).start() for gate in (first, second, third)]
    assert first.began.wait(5)
    jobs[1].stop()
    assert jobs[1].join(5) and jobs[1].state == "stopped"
    assert not second.began.is_set()
    assert jobs[2].ahead == 1
    first.go.set()
    assert third.began.wait(5)
    third.go.set()
    assert jobs[2].join(5)


def test_a_job_nobody_looks_at_stops(slot):
    gate = Gate(items=10**9)
    gate.go.set()
    job = Job(gate, slot, patience=0.2).start()
    for _ in range(5):
        job.seen()
        time.sleep(0.1)
        assert not job.over
    eventually(lambda: job.over)
    assert job.state == "stopped" and len(slot) == 0


def test_a_waiting_job_nobody_looks_at_leaves_the_line(slot):
    gate = Gate()
    working = Job(gate, slot).start()
    assert gate.began.wait(5)
    waiting = Job(Gate(), slot, patience=0.0).start()
    assert waiting.join(5) and waiting.state == "stopped"
    assert len(slot) == 1
    gate.go.set()
    assert working.join(5)


def test_jobs_end_before_the_process_does():
    code = """if True:
        import time
        from segviz.jobs.queue import Job

        def work():
            try:
                while True:
                    time.sleep(0.01)
                    yield
            finally:
                print("closed")

        job = Job(work()).start()
        waiting = Job(work()).start()
        while not job.items:
            time.sleep(0.01)
        print("end")
    """
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["end", "closed"]), done.stderr


def test_news_is_the_next_item_or_the_end(slot):
    work = Gate(items=1)
    job = Job(work, slot).start()
    assert not job.news(0, 0.01)
    waiting = threading.Timer(0.02, work.go.set)
    waiting.start()
    assert job.news(0, 10) and job.items == 1
    assert job.news(float("inf"), 10) and job.over

"""The compute slot and its jobs: order, position, stopping, release."""

import math
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from segviz.errors import InputError
from segviz.jobs import queue
from segviz.jobs.queue import Job, Slot, check_stop


@pytest.fixture
def slot():
    return Slot()


class GatedWork:
    """Work that reports when it begins, and waits for a gate before each item."""

    def __init__(self, items=3):
        self.items, self.made = items, []
        self.began, self.gate, self.closed = threading.Event(), threading.Event(), False

    def __iter__(self):
        try:
            for item in range(self.items):
                self.began.set()
                assert self.gate.wait(10)
                self.made.append(item)
                yield item
        finally:
            self.closed = True


def test_who_waits_knows_about_how_long(slot):
    first = GatedWork()
    running = Job(first, slot, expected_items=3, expected_seconds=30.0).start()
    assert first.began.wait(10)
    second = Job(GatedWork(), slot, expected_seconds=5.0)
    third = Job(GatedWork(), slot)
    fourth = Job(GatedWork(), slot)
    assert (second.seconds_ahead, third.seconds_ahead) == (30.0, 35.0)
    assert math.isnan(fourth.seconds_ahead) and running.seconds_ahead == 0
    first.gate.set()
    assert running.join(10) and running.seconds_left == 0


def test_a_job_goes_on_for_whoever_attaches_to_it(slot):
    work = GatedWork()
    job = Job(work, slot, is_wanted=lambda: False).start()
    assert work.began.wait(10) and not job.is_wanted
    job.attach(lambda: True)
    work.gate.set()
    assert job.join(10) and job.state == "finished" and job.is_wanted


# === Tickets


def test_first_in_first_out(slot):
    tickets = [slot.enqueue() for _ in range(4)]
    assert [ticket.position for ticket in tickets] == [0, 1, 2, 3]
    assert tickets[0].wait(0) and not tickets[1].wait(0)
    tickets[0].release()
    assert [ticket.position for ticket in tickets] == [None, 0, 1, 2]
    assert tickets[1].wait(0)


def test_a_release_in_the_middle_moves_the_others_up(slot):
    first, second, third = (slot.enqueue() for _ in range(3))
    second.release()
    second.release()
    assert (first.position, second.position, third.position) == (0, None, 1)
    assert not second.wait(0)
    first.release()
    assert third.wait(0)


def test_a_block_releases_on_exceptions_too(slot):
    with pytest.raises(KeyError), slot.enqueue() as ticket:
        assert ticket.wait(0)
        raise KeyError
    assert len(slot) == 0
    assert slot.enqueue().wait(0)


@pytest.mark.parametrize("released", [0, 1])
def test_a_wait_ends_when_a_ticket_is_released(slot, released):
    """The holder's release gives the slot; the waiter's own release ends the wait without it."""
    tickets = [slot.enqueue(), slot.enqueue()]
    timer = threading.Timer(0.02, tickets[released].release)
    timer.start()
    start = time.monotonic()
    assert tickets[1].wait(10) == (released == 0)
    assert time.monotonic() - start < 9
    timer.join()


def test_jobs_run_one_at_a_time_in_the_order_they_were_made(slot):
    order, running = [], []

    def work(number):
        running.append(number)
        assert running == [number]
        order.append(number)
        yield number
        running.remove(number)

    jobs = [Job(work(number), slot) for number in range(12)]
    for job in reversed(jobs):
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
    assert job.seconds_per_item >= 0
    assert Job([], slot).start().join(5)


def test_positions_are_visible_while_waiting(slot):
    work = [GatedWork() for _ in range(3)]
    jobs = [Job(each, slot).start() for each in work]
    assert work[0].began.wait(5)
    assert [job.position for job in jobs] == [0, 1, 2]
    assert [job.state for job in jobs] == ["running", "waiting", "waiting"]
    work[0].gate.set()
    assert work[1].began.wait(5)
    assert [job.position for job in jobs] == [0, 0, 1]
    for each in work:
        each.gate.set()
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
    work = GatedWork(items=100)
    job = Job(work, slot).start()
    assert work.began.wait(5)
    job.stop()
    assert job.stop_requested and not job.done  # the item in progress is finished first
    work.gate.set()
    assert job.join(5)
    assert (job.state, work.made, work.closed, len(slot)) == ("stopped", [0], True, 0)


def test_a_waiting_job_can_be_stopped(slot):
    first, second, third = GatedWork(), GatedWork(), GatedWork()
    jobs = [Job(work, slot).start() for work in (first, second, third)]
    assert first.began.wait(5)
    jobs[1].stop()
    assert jobs[1].join(5) and jobs[1].state == "stopped"
    assert not second.began.is_set()
    assert jobs[2].position == 1
    first.gate.set()
    assert third.began.wait(5)
    third.gate.set()
    assert jobs[2].join(5)


def test_a_job_that_nobody_keeps_alive_stops(slot):
    """Kept alive from item to item it goes on beyond its idle timeout, then ends by itself."""
    work = GatedWork(items=10**9)
    job = Job(work, slot, idle_timeout=0.2).start()
    end = time.monotonic() + 0.4
    work.gate.set()
    while time.monotonic() < end:
        job.keep_alive()
        assert job.wait_for_items(job.items, 5) and not job.done
    assert job.join(5)
    assert job.state == "stopped" and len(slot) == 0


def test_a_waiting_job_that_nobody_keeps_alive_leaves_the_queue(slot):
    work = GatedWork()
    running = Job(work, slot).start()
    assert work.began.wait(5)
    waiting = Job(GatedWork(), slot, idle_timeout=0.0).start()
    assert waiting.join(5) and waiting.state == "stopped"
    assert len(slot) == 1
    work.gate.set()
    assert running.join(5)


def test_jobs_end_before_the_process_does():
    code = """if True:
        import threading
        from segviz.jobs.queue import Job

        def work():
            try:
                while True:
                    yield threading.Event().wait(0.001)
            finally:
                print("closed")

        job = Job(work()).start()
        waiting = Job(work()).start()
        assert job.wait_for_items(0, 10)
        print("end")
    """
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["end", "closed"]), done.stderr


def test_waiting_for_the_next_item_or_the_end(slot):
    work = GatedWork(items=1)
    job = Job(work, slot).start()
    assert not job.wait_for_items(0, 0.01)
    threading.Timer(0.02, work.gate.set).start()
    assert job.wait_for_items(0, 10) and job.items == 1
    assert job.wait_for_items(float("inf"), 10) and job.done


# === Those who have gone, and full queues


def test_the_job_of_someone_who_has_gone_is_stopped(slot, monkeypatch):
    """At work or waiting; a short break of the connection does no harm."""
    monkeypatch.setattr(queue, "GONE_TIMEOUT", 0.2)
    connected = True
    work = GatedWork(items=10**9)
    job = Job(work, slot, is_wanted=lambda: connected).start()
    waiting = Job(GatedWork(), slot, is_wanted=lambda: connected).start()
    work.gate.set()
    assert job.wait_for_items(100, 5)
    connected = False
    assert job.join(5) and waiting.join(5)
    assert (job.state, waiting.state, len(slot)) == ("stopped", "stopped", 0)


def test_work_is_stopped_in_its_middle(slot):
    """Between the layers of a network, where an item takes long."""
    began, closed = threading.Event(), threading.Event()

    def work():
        try:
            yield 0
            while True:
                began.set()
                check_stop()
        finally:
            closed.set()

    job = Job(work(), slot).start()
    assert began.wait(5)
    job.stop()
    assert job.join(5)
    assert (job.state, job.items, job.error, closed.is_set()) == ("stopped", 1, None, True)


def test_outside_of_jobs_nothing_is_stopped(slot):
    job = Job(GatedWork(), slot)
    job.stop()
    assert check_stop() is None


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError])
def test_whatever_ends_the_work_ends_the_job(slot, error):
    def broken():
        yield 1
        raise error

    job = Job(broken(), slot).start()
    assert job.join(5)
    assert (job.state, job.items, len(slot)) == ("failed", 1, 0)
    assert isinstance(job.error, Exception) and error.__name__ in repr(job.error)


def test_a_full_queue_takes_no_more():
    slot = Slot(max_waiting=2)
    tickets = [slot.enqueue() for _ in range(3)]
    with pytest.raises(InputError, match=r"2 runs are waiting.*try again"):
        Job([], slot)
    tickets[0].release()
    assert Job([1], slot).position == 2


def test_a_visitor_fills_no_queue_alone():
    slot, one, other = Slot(max_waiting=9, max_of_owner=2), object(), object()
    jobs = [Job([1], slot, owner=one) for _ in range(2)]
    with pytest.raises(InputError, match=r"2 of your runs.*wait for their end or stop one"):
        Job([1], slot, owner=one)
    assert Job([1], slot, owner=other).position == 2
    slot.enqueue()  # nobody's
    jobs[0].stop()
    assert Job([1], slot, owner=one).position == 3

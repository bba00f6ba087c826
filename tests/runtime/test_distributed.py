import threading

import pytest
import torch

from segviz.errors import InputError
from segviz.runtime.distributed import ProcessGroup, TaskQueue


@pytest.fixture
def queues():
    """Make the queues of several processes; they share a store in this process."""
    from torch.distributed import HashStore

    def queues(size):
        store = HashStore()
        return [TaskQueue(store, rank, size) for rank in range(size)]

    return queues


def run_together(*functions):
    """Run functions in threads, each to its end, and raise the first error."""
    errors = []

    def run(function):
        try:
            function()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "a process waits forever"
    if errors:
        raise errors[0]


# === A single process


def test_a_single_process_claims_all_tasks():
    queue = TaskQueue()
    assert queue.is_main and queue.world_size == 1
    found = []
    for index in queue.claim(3):
        found.append((index, queue.completed()))
    assert found == [(0, 0), (1, 1), (2, 2)] and queue.completed() == 3
    assert list(queue.wait_for_others()) == []
    assert list(queue.claim(2)) == [0, 1] and queue.completed() == 2
    assert list(queue.claim(0)) == [] and queue.completed() == 0


def test_without_torchrun(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert TaskQueue.from_environment().world_size == 1
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert TaskQueue.from_environment().is_main


def test_processes_that_cannot_be_reached(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=r"one of 2 processes.*torchrun\.$") as caught:
        TaskQueue.from_environment()
    assert "\n" not in str(caught.value)


# === Several processes


@pytest.mark.parametrize("size", [2, 4])
def test_every_task_goes_to_one_process(queues, size):
    processes = queues(size)
    assert [queue.is_main for queue in processes] == [True] + [False] * (size - 1)
    found = [[] for _ in processes]
    run_together(*(lambda i=i: found[i].extend(processes[i].claim(50)) for i in range(size)))
    assert sorted(index for part in found for index in part) == list(range(50))
    assert all(part == sorted(part) for part in found)
    assert {queue.completed() for queue in processes} == {50}


def test_a_slow_task_does_not_hold_the_others(queues):
    """The first task takes until all others are completed; the other process does those."""
    slow, quick = queues(2)
    started, rest_done = threading.Event(), threading.Event()
    found = []

    def first():
        for index in slow.claim(9):
            found.append(index)
            if index == 0:
                started.set()
                assert rest_done.wait(10), "the rest was held back"

    def other():
        assert started.wait(10)
        for index in quick.claim(9):
            assert index != 0
        assert quick.completed() == 8
        rest_done.set()

    run_together(first, other)
    assert found == [0] and slow.completed() == 9


def test_an_interrupted_task_is_not_completed(queues):
    first, other = queues(2)
    with pytest.raises(KeyboardInterrupt):
        for _ in first.claim(3):
            raise KeyboardInterrupt
    assert list(other.claim(3)) == [1, 2]
    assert other.completed() == first.completed() == 2


def test_the_main_process_waits_for_the_others(queues):
    main, worker = queues(2)
    assert list(main.claim(1)) == [0]
    assert list(worker.claim(1)) == []
    waiting = main.wait_for_others()
    next(waiting)
    next(waiting)
    assert list(worker.wait_for_others()) == []  # a worker waits for nobody
    assert list(waiting) == []


def test_lists_follow_each_other(queues):
    """A process that is through goes on with the next list while the main still waits."""
    main, worker = queues(2)
    list(main.claim(2))
    waiting = main.wait_for_others()
    next(waiting)
    assert list(worker.claim(2)) == []
    list(worker.wait_for_others())
    ahead = worker.claim(3)
    assert next(ahead) == 0
    assert main.completed() == 2  # of the first list
    assert list(waiting) == []
    assert list(main.claim(3)) == [1, 2] and list(ahead) == []
    assert main.completed() == worker.completed() == 3
    waiting = main.wait_for_others()
    next(waiting)
    list(worker.wait_for_others())
    assert list(waiting) == []


# === Processes that train together


def test_a_process_of_its_own(monkeypatch):
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    group = ProcessGroup.from_environment()
    assert group == ProcessGroup(0, 1, 0) and group.is_main


def test_a_process_among_others(monkeypatch):
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    group = ProcessGroup.from_environment()
    assert group == ProcessGroup(rank=5, world_size=8, local_rank=1) and not group.is_main


def test_the_maximum_of_one_process():
    assert ProcessGroup().maximum(2.5, torch.device("cpu")) == 2.5

"""The runs of a visit: found again, bounded, pinned."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from segviz.adapt import Settings
from segviz.jobs.history import History, HistoryPool, record_bytes
from segviz.runs.run import Run


@pytest.fixture(scope="module")
def record(trained, photo):
    return Run(trained, photo, Settings(scale=1.0, steps=2)).all()


def ids(history):
    return [run.id for run in history.runs]


def test_a_run_is_found_by_photo_settings_and_checkpoint(record, trained):
    history = History()
    history.add("a", "sample:x", record)
    found = history.find("sample:x", record.settings, trained.sha256)
    assert found.id == "a" and history.record("a") is record
    assert history.find("sample:y", record.settings, trained.sha256) is None
    assert history.find("sample:x", Settings(scale=1.0, steps=3), trained.sha256) is None
    assert history.find("sample:x", record.settings, "0") is None


def test_unfinished_runs_are_not_found(record, trained):
    history = History()
    history.add("a", "sample:x", replace(record, complete=False))
    assert history.find("sample:x", record.settings, trained.sha256) is None
    assert history.get("a") is not None


def test_the_oldest_go_first(record):
    history = History(max_runs=3)
    for name in "abcde":
        history.add(name, "sample:x", record)
    assert ids(history) == ["e", "d", "c"] and history.evicted == 2 and "a" not in history


def test_pinned_runs_stay(record):
    history = History(max_runs=3)
    for name in "abc":
        history.add(name, "sample:x", record)
    history.pin("a", True)
    history.add("d", "sample:x", record)
    assert ids(history) == ["d", "c", "a"]
    history.pin("a", False)
    history.add("e", "sample:x", record)
    assert ids(history) == ["e", "d", "c"]


def test_memory_is_bounded_whatever_is_pinned(record):
    history = History(max_bytes=int(2.5 * record_bytes(record)))
    for name in "abc":
        history.add(name, "sample:x", record)
        history.pin(name, True)
    assert ids(history) == ["c", "b"] and history.bytes == 2 * record_bytes(record)
    tight = History(max_bytes=1)
    tight.add("a", "sample:x", record)
    tight.add("b", "sample:x", record)
    assert ids(tight) == ["b"]


def test_a_run_added_again_is_the_newest(record):
    history = History()
    for name in "aba":
        history.add(name, "sample:x", record)
    assert ids(history) == ["a", "b"] and history.evicted == 0
    history.remove("a")
    history.remove("a")
    history.pin("a", True)
    assert ids(history) == ["b"]


def test_record_bytes_count_all_maps(record):
    assert record_bytes(record) > record.labels.nbytes + record.log_probabilities.codes.nbytes


def test_all_visits_together_are_bounded(record):
    pool = HistoryPool(max_bytes=int(3.5 * record_bytes(record)))
    first, second = History(pool=pool), History(pool=pool)
    for name in "abc":
        first.add(name, "sample:x", record)
    second.add("d", "sample:x", record)
    assert ids(first) == ["c", "b"] and ids(second) == ["d"] and first.evicted == 1
    assert pool.bytes == 3 * record_bytes(record)
    second.add("e", "sample:x", record)
    assert len(first) + len(second) == 3 and "e" in second


def test_the_newest_run_stays_whatever_its_size(record):
    pool = HistoryPool(max_bytes=1)
    first, second = History(pool=pool), History(pool=pool)
    first.add("a", "sample:x", record)
    second.add("b", "sample:x", record)
    assert ids(first) == [] and ids(second) == ["b"]


def test_runs_of_visitors_who_have_gone_are_dropped_first(record):
    pool = HistoryPool(max_bytes=10 * record_bytes(record))
    here = True
    gone = History(pool=pool, is_wanted=lambda: here)
    stays = History(pool=pool)
    gone.add("a", "sample:x", record)
    stays.add("b", "sample:x", record)
    assert len(gone) == 1
    here = False
    stays.add("c", "sample:x", record)
    assert ids(gone) == [] and ids(stays) == ["c", "b"]


def test_histories_that_nobody_holds_do_not_count(record):
    pool = HistoryPool()
    History(pool=pool).add("a", "sample:x", record)
    assert pool.bytes == 0


def test_many_visits_add_at_the_same_time(record):
    pool = HistoryPool(max_bytes=5 * record_bytes(record))
    histories = [History(pool=pool) for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        for number in range(20):
            list(threads.map(lambda h, n=number: h.add(str(n), "sample:x", record), histories))
    assert pool.bytes <= 5 * record_bytes(record)

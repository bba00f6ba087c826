import json
import math
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import segviz
from segviz.errors import InputError
from segviz.evaluation import row_store
from segviz.evaluation.calibration import CalibrationBins
from segviz.evaluation.row_store import EpisodeRow, RowKey, RowStore, reads_gate

ROOT = Path(segviz.__file__).parents[1]
KEY = RowKey(1.5, "entropy", "both", 32)
OTHER = RowKey(3.0, "oracle:centred", "score", 2)


def matrix(seed):
    """(21, 21) int64, mostly zero, one entry beyond 32 bits."""
    rng = np.random.default_rng(seed)
    made = np.where(rng.random((21, 21)) < 0.1, rng.integers(1, 9000, (21, 21)), 0)
    made[3, 4] = 5_000_000_000 + seed
    return made.astype(np.int64)


def row(key=KEY, seed=0):
    return EpisodeRow(key, matrix(seed), 0.1 + seed, 7.25, 0.3)


def same(one, other):
    return (
        one.key == other.key
        and one.matrix.dtype == other.matrix.dtype == np.int64
        and np.array_equal(one.matrix, other.matrix)
        and (one.entropy, one.sigma, one.seconds) == (other.entropy, other.sigma, other.seconds)
    )


@pytest.fixture
def open_store(tmp_path):
    """Make stores in one folder; all are closed at the end."""
    made = []

    def open_store(worker=0, sha256="a" * 64, folder=tmp_path / "rows", **origin):
        made.append(RowStore(folder, sha256, 21, worker, **origin))
        return made[-1]

    yield open_store
    for store in made:
        store.close()


def one_sentence(error):
    text = str(error)
    return text.endswith(".") and "\n" not in text


# Rows


def test_round_trip(open_store):
    store = open_store()
    assert store.keys("a") == set() and store.rows("a") == {}
    store.add("a", [row(KEY, 1), row(OTHER, 2)])
    store.add("b", [row(KEY, 3)])
    for reader in (store, open_store()):  # and after the file was opened anew
        assert reader.keys("a") == {KEY, OTHER} and reader.keys("b") == {KEY}
        found = reader.rows("a")
        assert same(found[KEY], row(KEY, 1)) and same(found[OTHER], row(OTHER, 2))
        assert reader.rows("c") == {}


def test_a_second_measurement_replaces_the_first(open_store):
    store = open_store()
    store.add("a", [row(KEY, 1)])
    store.add("a", [row(KEY, 2)])
    assert list(store.rows("a")) == [KEY] and same(store.rows("a")[KEY], row(KEY, 2))


def test_what_is_no_number_comes_back(open_store):
    store = open_store()
    store.add("a", [EpisodeRow(KEY, matrix(0), math.nan, math.inf, 1.0)])
    found = store.rows("a")[KEY]
    assert math.isnan(found.entropy) and found.sigma == math.inf


def test_files_of_several_processes_are_one(open_store):
    first, second = open_store(0), open_store(1)
    first.add("a", [row(KEY, 1)])
    second.add("a", [row(OTHER, 2)])
    second.add("b", [row(KEY, 3)])
    for store in (first, second, open_store(7)):
        assert store.keys("a") == {KEY, OTHER} and store.keys("b") == {KEY}
        assert same(store.rows("a")[OTHER], row(OTHER, 2))
    assert sorted(path.name for path in first.folder.glob("*.sqlite")) == [
        "rows-0.sqlite",
        "rows-1.sqlite",
        "rows-7.sqlite",
    ]


def test_other_networks_are_not_seen(open_store):
    mine, other = open_store(), open_store(1, sha256="b" * 64)
    other.add("a", [row()])
    other.fail("b", "no photo")
    assert mine.keys("a") == set() and mine.rows("a") == {} and mine.failures() == {}
    assert mine.running_confusion(KEY, {"a"}).sum() == 0
    mine.add("a", [row(KEY, 4)])
    assert same(mine.rows("a")[KEY], row(KEY, 4)) and same(other.rows("a")[KEY], row())


def test_failures(open_store):
    first, second = open_store(0), open_store(1)
    first.fail("a", "no photo")
    second.fail("b", "no truth")
    first.fail("a", "still no photo")
    assert first.failures() == second.failures() == {"a": "still no photo", "b": "no truth"}


def test_running_sum(open_store):
    store, peer = open_store(0), open_store(1)
    chosen = {"a", "b", "c"}
    assert (
        store.running_confusion(KEY, chosen).shape == (21, 21)
        and store.running_confusion(KEY, chosen).sum() == 0
    )
    store.add("a", [row(OTHER, 9), row(KEY, 1)])
    assert np.array_equal(store.running_confusion(KEY, chosen), matrix(1))
    peer.add("b", [row(KEY, 2), row(OTHER, 9)])
    store.add("c", [row(KEY, 3)])
    store.add("of another split", [row(KEY, 4)])
    expected = matrix(1) + matrix(2) + matrix(3)
    assert np.array_equal(store.running_confusion(KEY, chosen), expected)
    assert np.array_equal(
        store.running_confusion(KEY, chosen), expected
    )  # nothing is counted twice
    store.add("c", [row(KEY, 5)])  # nor what was measured again
    assert np.array_equal(store.running_confusion(KEY, chosen), matrix(1) + matrix(2) + matrix(5))


def test_running_sum_reads_only_what_is_new(open_store):
    """What another program does to rows that were read has no effect on the sum."""
    store = open_store()
    store.add("a", [row(KEY, 1)])
    store.running_confusion(KEY, {"a", "b"})
    with closing(sqlite3.connect(store.folder / "rows-0.sqlite")) as file, file:
        file.execute("UPDATE rows SET matrix = '[]'")
    store.add("b", [row(KEY, 2)])
    assert np.array_equal(store.running_confusion(KEY, {"a", "b"}), matrix(1) + matrix(2))


def test_other_programs_can_read_it(open_store):
    store = open_store()
    store.add("2007_000007", [row(KEY, 1)])
    path = store.folder / "rows-0.sqlite"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as file:
        file.row_factory = sqlite3.Row
        (found,) = file.execute("SELECT * FROM rows WHERE scale = 1.5 AND step = 32").fetchall()
    assert (found["image"], found["method"], found["variables"]) == (
        "2007_000007",
        "entropy",
        "both",
    )
    expected = matrix(1)
    triples = json.loads(found["matrix"])
    assert sum(count for _, _, count in triples) == expected.sum()
    assert all(expected[truth, prediction] == count for truth, prediction, count in triples)


def test_rows_of_another_version_are_refused(open_store):
    store = open_store()
    store.add("a", [row()])
    with closing(sqlite3.connect(store.folder / "rows-0.sqlite")) as file, file:
        file.execute("PRAGMA user_version = 1")
    with pytest.raises(
        InputError, match=r"rows-0\.sqlite holds rows of version 1.*move it"
    ) as caught:
        open_store(1)
    assert one_sentence(caught.value)


def test_rows_are_used_again_where_nothing_has_changed(open_store, monkeypatch):
    """Another gate changes only the methods that read it, another numerics all of them."""
    gated = RowKey(1.5, "pyramid:gate", "", 0)
    rows = [row(KEY, 1), row(gated, 2)]
    open_store(0, gate="b" * 64).add("a", rows)
    assert open_store(1, gate="b" * 64).keys("a") == {KEY, gated}
    assert open_store(2, gate="c" * 64).keys("a") == {KEY}
    assert open_store(3, precision="bfloat16").keys("a") == set()
    assert open_store(4, engine="other").keys("a") == set()
    assert reads_gate("pyramid:five")
    assert reads_gate("pyramid:gate:entropy:lr=0.1") and not reads_gate("pyramid:rule")
    monkeypatch.setattr(row_store, "NUMERICS", row_store.NUMERICS + 1)
    assert open_store(5, gate="b" * 64).keys("a") == set()


# Kills


def test_a_kill_leaves_whole_images(open_store):
    """SIGKILL before the commit, when most of what is to be written is in the file already."""
    store = open_store()
    store.add("a", [row(KEY, 1)])
    script = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
import sqlite3
from tests.evaluation.test_row_store import RowKey, Path, RowStore, row

connect, opened = sqlite3.connect, []

def observed(*arguments, **options):
    opened.append(connect(*arguments, **options))
    return opened[-1]

sqlite3.connect = observed
store = RowStore(Path({str(store.folder)!r}), "a" * 64, 21)
opened[-1].execute("PRAGMA cache_size = 10")
opened[-1].set_trace_callback(lambda sql: sql == "COMMIT" and os.kill(os.getpid(), 9))
store.add("b", [row(RowKey(float(scale), "entropy", "both", 1), 5) for scale in range(60)])
"""
    path = store.folder / "rows-0.sqlite"
    before = path.stat().st_size
    done = subprocess.run([sys.executable, "-c", script], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.stat().st_size > before  # or the test would show nothing
    assert store.keys("b") == set() and same(store.rows("a")[KEY], row(KEY, 1))
    store.add("b", [row(KEY, 2)])
    assert open_store().keys("b") == {KEY}


def test_an_exception_leaves_whole_images(open_store):
    store = open_store()

    with pytest.raises(KeyboardInterrupt):
        store.add("a", [row(KEY, 1), EpisodeRow(OTHER, matrix(0), 0.0, Pressed(), 0.0)])
    assert store.keys("a") == set()
    store.add("b", [row(KEY, 1)])
    assert store.keys("b") == {KEY} and store.keys("a") == set()


class Pressed:
    """A number in whose middle Ctrl-C is pressed."""

    def __conform__(self, protocol):
        raise KeyboardInterrupt


# Files that are not as they should be


def test_a_peers_file_that_is_not_yet_made(open_store):
    store = open_store()
    store.add("a", [row()])
    (store.folder / "rows-1.sqlite").touch()
    assert store.keys("a") == {KEY} and store.failures() == {}
    assert np.array_equal(store.running_confusion(KEY, {"a"}), matrix(0))
    open_store(1).add("b", [row()])
    assert store.keys("b") == {KEY}


@pytest.mark.parametrize("content", [b"no database" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_damaged_file(open_store, content):
    store = open_store()
    (store.folder / "rows-1.sqlite").write_bytes(content)
    for ask in (
        lambda: store.keys("a"),
        store.failures,
        lambda: store.running_confusion(KEY, {"a"}),
    ):
        with pytest.raises(InputError, match=r"rows-1\.sqlite is not a file of rows") as caught:
            ask()
        assert one_sentence(caught.value)
    with pytest.raises(InputError, match="rows cannot be kept") as caught:
        open_store(1)
    assert one_sentence(caught.value)


def test_file_of_something_else(open_store):
    store = open_store()
    with closing(sqlite3.connect(store.folder / "rows-1.sqlite")) as file:
        file.execute("CREATE TABLE guests (name TEXT)")
    with pytest.raises(InputError, match=r"rows-1\.sqlite is not a file of rows"):
        store.keys("a")


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE rows; CREATE VIEW rows AS WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT"
        " i + 1 FROM n) SELECT i FROM n",  # endless
        "CREATE TRIGGER t AFTER INSERT ON rows BEGIN DELETE FROM rows; END",
        "ALTER TABLE rows ADD COLUMN more AS (hex(zeroblob(900000000)))",
        "CREATE TABLE more (x)",
    ],
)
def test_files_with_other_tables_are_refused(open_store, sql):
    store = open_store()
    store.add("a", [row()])
    with closing(sqlite3.connect(store.folder / "rows-0.sqlite")) as file, file:
        file.executescript(sql)
    with pytest.raises(InputError, match=r"rows-0\.sqlite has other tables .*move it") as caught:
        open_store(1)
    assert one_sentence(caught.value)


def test_a_damaged_page_is_found_at_the_start(open_store):
    store = open_store()
    store.add("a", [row(RowKey(float(scale), "entropy", "both", 1)) for scale in range(200)])
    store.close()
    path = store.folder / "rows-0.sqlite"
    data = bytearray(path.read_bytes())
    data[3 * 4096 : 3 * 4096 + 600] = b"\xa5" * 600
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"rows-0\.sqlite") as caught:
        open_store(1)
    assert one_sentence(caught.value)


def test_ctrl_c_ends_the_wait_for_another_process(open_store):
    """Another process holds the file; SQLite alone would wait for a minute."""
    store = open_store()
    with closing(sqlite3.connect(store.folder / "rows-0.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        presser = threading.Timer(0.5, signal.raise_signal, (signal.SIGINT,))
        presser.start()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            store.add("a", [row()])
        assert time.monotonic() - start < 10
        presser.join()
        other.rollback()
    store.add("a", [row()])
    assert store.keys("a") == {KEY}


def test_what_is_no_file_is_refused_without_waiting(open_store):
    store = open_store()
    os.mkfifo(store.folder / "rows-1.sqlite")
    with pytest.raises(InputError, match="device or a pipe"):
        open_store(2)


def test_folder_that_cannot_be_written(open_store, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "taken" / "rows-0.sqlite").mkdir(parents=True)
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "taken"):
        with pytest.raises(InputError, match="rows cannot be kept") as caught:
            open_store(folder=folder)
        assert one_sentence(caught.value)


def test_disk_full(open_store, monkeypatch):
    connect, opened = sqlite3.connect, []

    def observed(*arguments, **options):
        opened.append(connect(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", observed)
    store = open_store()
    store.add("a", [row()])
    pages = opened[0].execute("PRAGMA page_count").fetchone()[0]
    opened[0].execute(f"PRAGMA max_page_count = {pages}")
    many = [row(RowKey(float(scale), "entropy", "both", 1)) for scale in range(300)]
    with pytest.raises(InputError, match=r"cannot be written.*full.*make room") as caught:
        store.add("b", many)
    assert one_sentence(caught.value)
    assert store.keys("a") == {KEY} and store.keys("b") == set()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("matrix", "[[0, 1]]"),
        ("matrix", "[[0, 21, 5]]"),
        ("matrix", "[[0, -1, 5]]"),
        ("matrix", "[[0, 1, 0.5]]"),
        ("matrix", "[[0, 1"),
        ("entropy", "high"),
        ("matrix", "[[-1, -1, 5]]"),
        ("matrix", "[[0, 1, 4000000000000000000]]"),
        ("matrix", "[" * 100_000),
        ("step", -1),
        ("variables", None),
    ],
)
def test_rows_of_another_program_are_validated(open_store, column, value):
    store = open_store()
    store.add("a", [row()])
    with closing(sqlite3.connect(store.folder / "rows-0.sqlite")) as file, file:
        file.execute(f"UPDATE rows SET {column} = ?", (value,))
    with pytest.raises(InputError, match=r"rows-0\.sqlite is not a file of rows") as caught:
        store.rows("a")
    assert one_sentence(caught.value)


def test_published_rows_are_read(open_store, tmp_path):
    """Those of one network, of the image that has most of them."""
    with zipfile.ZipFile(ROOT / "results" / "rows.zip") as archive:
        archive.extract("rows-2.sqlite", tmp_path / "rows")
    with closing(sqlite3.connect(tmp_path / "rows" / "rows-2.sqlite")) as file:
        query = "SELECT sha256, image, count(*) FROM rows GROUP BY 1, 2 ORDER BY 3 DESC"
        sha256, image, count = file.execute(query).fetchone()
    rows = open_store(9, sha256).rows(image)
    assert len(rows) == count > 1
    assert len({found.matrix.sum() for found in rows.values()}) == 1  # the pixels of the photo
    assert all(found.entropy >= 0 and found.seconds > 0 for found in rows.values())


# Calibration


def test_bins_are_kept_and_rows_without_are_told_apart(open_store):
    store = open_store()
    p = torch.rand(21, 50).softmax(0)
    bins = CalibrationBins.of(p, torch.randint(0, 21, (50,)))
    store.add("a", [row(KEY, 1), replace(row(OTHER, 2), bins=bins)])
    found = store.rows("a")
    assert found[KEY].bins is None and found[OTHER].bins.numbers() == bins.numbers()
    assert store.keys("a") == {KEY, OTHER} and store.keys("a", calibrated=True) == {OTHER}
    open_store(1).add("a", [replace(row(KEY, 1), bins=bins)])
    for reader in (store, open_store(1)):
        assert reader.rows("a")[KEY].bins is not None, "the row with bins stands for both"


def test_damaged_bins_are_refused(open_store, tmp_path):
    store = open_store()
    store.add("a", [row()])
    with closing(sqlite3.connect(tmp_path / "rows" / "rows-0.sqlite")) as file, file:
        file.execute("UPDATE rows SET bins = '[]'")
    with pytest.raises(InputError, match=r"rows-0\.sqlite is not a file of rows .*; move it away"):
        store.rows("a")

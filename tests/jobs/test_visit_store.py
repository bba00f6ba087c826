"""Runs of visits on disk: written, read, bounded, and apart from each other."""

import os
import time
from dataclasses import replace

import pytest

from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.jobs.history import History, HistoryPool, record_bytes
from segviz.jobs.visit_store import (
    MAX_TABS,
    MAX_UPLOADS,
    RunFacts,
    ShownFacts,
    TabState,
    Upload,
    VisitStore,
    is_token,
    new_token,
)
from segviz.runs.run import Run


@pytest.fixture(scope="module")
def record(trained, photo):
    return Run(trained, photo, Settings(scale=0.5, steps=1)).all()


@pytest.fixture
def store(tmp_path):
    return VisitStore(tmp_path / "visits", max_bytes=10**9, max_days=30)


@pytest.fixture
def folder(store):
    return store.visit(new_token())


def files(store):
    return sorted(path.name for path in store.root.rglob("*") if path.is_file())


def test_runs_their_order_pins_and_names_are_there_after_a_restart(folder, record):
    history = History(folder=folder)
    for id in ("a", "b", "c"):
        history.add(id, "sample:x", record, b"picture")
    history.pin("b", True)
    history.rename("a", " first\n of all ")
    history.remove("c")
    folder.store.flush()
    again = History(folder=folder)
    assert [run.id for run in again.runs] == ["b", "a"] and again.loaded == 0
    assert [run.pinned for run in again.runs] == [True, False]
    assert again.get("a").name == "first of all" and again.get("a").thumbnail == b"picture"
    assert again.record("a") == record and again.loaded == 1
    assert again.find("sample:x", record.settings, record.environment["sha256"]).id == "b"


def test_records_on_disk_leave_the_memory_but_not_the_history(folder, record):
    pool = HistoryPool(max_bytes=int(1.5 * record_bytes(record)))
    history = History(pool=pool, folder=folder)
    for id in ("a", "b"):
        history.add(id, "sample:x", record)
        folder.store.flush()
    assert [run.id for run in history.runs] == ["b", "a"]
    assert history.loaded == 1 and history.evicted == 0
    assert history.record("a") == record and history.loaded == 1


def test_the_run_of_the_first_screen_is_written_once_it_is_pinned(folder, record):
    history = History(folder=folder)
    history.add("opening", "sample:x", record, keep=False)
    folder.store.flush()
    assert folder.runs() == []
    history.pin("opening", True)
    folder.store.flush()
    assert [run.pinned for run in folder.runs()] == [True]


def test_what_is_written_is_for_the_owner_only(folder, record):
    folder.save(RunFacts.of(record, "a", "sample:x"), record)
    assert folder.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["run-a.zip", "run-a.json"])
def test_damaged_files_cost_their_run_only(folder, record, name):
    for id in ("a", "b"):
        folder.save(RunFacts.of(record, id, "sample:x"), record)
    (folder.path / name).write_bytes(b"\x00 damaged")
    history = History(folder=folder)
    assert history.record("a") is None and history.record("b") == record
    assert [run.id for run in history.runs] == ["b"]


def test_a_visit_sees_its_own_runs_only(store, record):
    first, second = store.visit(new_token()), store.visit(new_token())
    first.save(RunFacts.of(record, "a", "sample:x"), record)
    assert second.runs() == [] and first.path != second.path


@pytest.mark.parametrize(
    "token", ["", "../../etc", "/etc/passwd", "a" * 42, "a" * 42 + "/", "a" * 44, "\0" * 43]
)
def test_a_forged_cookie_leads_to_no_folder(store, token):
    assert not is_token(token) and store.visit(token) is None


def test_a_token_cannot_be_read_from_the_names_of_folders(store):
    token = new_token()
    assert is_token(token) and token not in str(store.visit(token).path)
    assert store.visit(token).path.parent == store.root


@pytest.mark.parametrize("id", ["../a", "a/b", "", ".", "a" * 65])
def test_ids_lead_to_no_file_elsewhere(folder, id):
    with pytest.raises(ValueError, match="no id"):
        folder.load(id)
    with pytest.raises(InputError, match="upload the photo again"):
        folder.upload(f"upload:{id}")


def test_the_oldest_of_all_visits_are_deleted_first(store, record):
    folders = [store.visit(new_token()) for _ in range(2)]
    for age, (folder, id) in enumerate(
        ((folders[0], "new"), (folders[1], "middle"), (folders[0], "old"))
    ):
        folder.save(RunFacts.of(record, id, "sample:x"), record)
        for path in folder.path.glob(f"run-{id}.*"):
            os.utime(path, (time.time() - 3600 * age,) * 2)
    size = sum(path.stat().st_size for path in store.root.rglob("*.*"))
    store.max_bytes = int(0.7 * size)
    store.prune()
    assert files(store) == ["run-middle.json", "run-middle.zip", "run-new.json", "run-new.zip"]
    store.max_bytes = 1
    store.prune()
    assert files(store) == [] and not any(folder.path.exists() for folder in folders)


def test_runs_are_deleted_after_their_days(store, record):
    folder = store.visit(new_token())
    for id, days in (("old", 31), ("new", 29)):
        folder.save(RunFacts.of(record, id, "sample:x"), record)
        os.utime(folder.path / f"run-{id}.zip", (time.time() - 86_400 * days,) * 2)
    store.prune()
    assert [run.id for run in folder.runs()] == ["new"]


def test_nothing_is_kept_for_no_days(tmp_path):
    store = VisitStore(tmp_path / "visits", max_days=0)
    assert store.visit(new_token()) is None


def test_a_record_too_large_for_disk_stays_in_memory(folder, record, monkeypatch):
    from segviz.runs import archive

    monkeypatch.setattr(archive, "MAX_PACKED", 10)
    history = History(folder=folder)
    history.add("a", "sample:x", record)
    folder.store.flush()
    assert history.record("a") is record and folder.runs() == []


def tab(id, **changed):
    return TabState(id=id, server="s", **changed)


def test_the_state_of_a_tab_is_read_as_it_was_written(folder):
    shown = ShownFacts(
        id="v", runs=(("", "a"),), photo="sample:x", values={"scale": "1"}, measure=("iou", "IoU")
    )
    state = tab("t", controls={"steps": "3"}, shown={"iterate": shown}, address=("iterate", {}))
    folder.save_tab(state)
    assert folder.tabs() == [state]


def test_few_tabs_and_uploads_are_kept(folder):
    for number in range(MAX_TABS + 2):
        folder.save_tab(tab(f"t{number}"))
        os.utime(folder.path / f"tab-t{number}.json", (number, number))
    assert [state.id for state in folder.tabs()] == [f"t{n}" for n in range(2, MAX_TABS + 2)]
    for number in range(MAX_UPLOADS + 1):
        folder.save_upload(f"upload:{number}", Upload(f"{number}.png", b"photo", b"mask"))
        os.utime(folder.path / f"upload-{number}.json", (number, number))
    assert folder.upload("upload:1") == Upload("1.png", b"photo", b"mask")
    with pytest.raises(InputError):
        folder.upload("upload:0")
    assert len(list(folder.path.glob("upload-*"))) == 3 * MAX_UPLOADS


def test_settings_of_another_version_cost_the_run_only(folder, record):
    facts = RunFacts.of(record, "a", "sample:x")
    folder.save(facts, record)
    path = folder.path / "run-a.json"
    path.write_bytes(path.read_bytes().replace(b'"entropy"', b'"of the future"', 1))
    assert folder.runs() == []
    folder.save(facts, replace(record, title="again"))
    assert folder.load("a").title == "again"

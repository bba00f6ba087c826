import dataclasses
import json
import math
import os
import shutil
import signal
import threading

import numpy as np
import pytest

from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.runs.record import LOG_PROBABILITIES, NUMBERS, Quantised, Record
from segviz.runtime.files import partial_path
from tests.full_disk import full_disk


def make(steps=3, truth=True, **changes):
    """A small record with a photo of 8 x 6 and a feature grid of 2 x 3."""
    rng = np.random.default_rng(0)
    values = {
        "title": "A café, \N{CAT FACE}",
        "settings": Settings(steps=steps - 1, scale=1.5),
        "photo": rng.integers(0, 256, (6, 8, 3), dtype=np.uint8),
        "truth": rng.choice([0, 1, 255], (6, 8)).astype(np.uint8) if truth else None,
        "reference": "truth" if truth else None,
        "steps": tuple(
            {key: None if key in ("agreement", "weights") else i / 7 for key in NUMBERS}
            | {"step": i}
            for i in range(steps)
        ),
        "labels": rng.integers(0, 2, (steps, 6, 8), dtype=np.uint8),
        "entropy": Quantised.of(rng.random((steps, 2, 3)) * 3, 0, math.log(21)),
        "sigma": Quantised.of(rng.random((steps, 2, 3)) * 64, 0, 64),
        "selected": rng.random((steps, 2, 3)) < 0.5,
        "log_probabilities": Quantised.of(-9 * rng.random((steps, 2, 2, 3)), *LOG_PROBABILITIES),
        "positions": (
            np.linspace(0, 1, 6, dtype=np.float32),
            np.linspace(0, 2, 8, dtype=np.float32),
        ),
        "stride": 16,
        "classes": ("background", "cat"),
        "forward_ms": 12.5,
        "complete": True,
        "environment": {"segviz": "0.1.0", "threads": 2},
    }
    return Record(**{**values, **changes})


def strict(path):
    """A JSON file, read by the letter of the standard."""

    def refuse(constant):
        raise ValueError(constant)

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


# Quantisation


@pytest.mark.parametrize(("low", "high"), [(0, math.log(21)), (0, 64.0), (-3, 5)])
def test_error_is_at_most_half_a_code(low, high):
    rng = np.random.default_rng(0)
    maps = rng.uniform(low, high, (4, 30, 40))
    quantised = Quantised.of(maps, low, high)
    assert quantised.codes.dtype == np.uint8 and len(quantised) == 4
    half = (high - low) / 255 / 2
    for step, values in enumerate(maps):
        assert quantised[step].dtype == np.float32
        assert np.abs(quantised[step] - values).max() <= half * (1 + 1e-4)


def test_ends_of_the_range_are_exact():
    quantised = Quantised.of(np.array([[[0.0, 64.0]]]), 0, 64)
    assert quantised.codes.tolist() == [[[0, 255]]]
    assert quantised[0].tolist() == [[0, 64]]


def test_values_outside_the_range_are_clipped():
    quantised = Quantised.of(np.array([[[-1.0, 2.0, 3.5]]]), 0, 2)
    assert quantised.codes.tolist() == [[[0, 255, 255]]]


def test_single_precision_is_enough():
    maps = np.random.default_rng(0).uniform(-9, 1, (3, 21, 30, 40))
    codes = Quantised.of(maps.astype(np.float32), -8, 0).codes.astype(int)
    difference = np.abs(codes - Quantised.of(maps, -8, 0).codes)
    assert difference.max() <= 1 and difference.mean() < 1e-4  # ties only


def test_quantising_twice_changes_nothing():
    maps = np.random.default_rng(0).random((1, 9, 9))
    once = Quantised.of(maps, 0, 1)
    assert np.array_equal(Quantised.of(once[0][None], 0, 1).codes, once.codes)


# Round trip


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.parametrize("complete", [True, False])
def test_round_trip(tmp_path, steps, truth, complete):
    record = make(steps, truth, complete=complete)
    paths = record.save(tmp_path / "folder" / "run")
    assert [path.name for path in paths] == ["run.npz", "run.json"]
    for path in (*paths, tmp_path / "folder" / "run"):
        loaded = Record.load(path)
        assert loaded == record
        assert loaded.settings == record.settings and loaded.complete is complete
        assert loaded.labels.dtype == np.uint8 and loaded.selected.dtype == bool
        assert loaded.photo.tolist() == record.photo.tolist()
        assert np.array_equal(loaded.entropy[0], record.entropy[0])
        assert np.array_equal(loaded.log_probabilities[0], record.log_probabilities[0])
        assert (loaded.truth is None) == (not truth)


def several_sizes(steps=3):
    """A record of a method with three sizes."""
    weights = tuple((0.25 + i / 100, 0.5 - i / 100, 0.25) for i in range(steps))
    numbers = tuple({**step, "weights": weights[i]} for i, step in enumerate(make(steps).steps))
    sizes = np.random.default_rng(1).uniform(-1, 1, (steps, 2, 3))
    settings = Settings(method="pyramid:rule", scale=2.0)
    values = {"settings": settings, "steps": numbers, "sizes": Quantised.of(sizes, -1, 2)}
    return dataclasses.replace(make(steps), **values)


def test_round_trip_of_several_sizes(tmp_path):
    record = several_sizes()
    record.save(tmp_path / "run")
    loaded = Record.load(tmp_path / "run")
    assert loaded == record and loaded != make()
    assert loaded.numbers("weights")[1] == (0.26, 0.49, 0.25)
    assert np.array_equal(loaded.sizes[2], record.sizes[2])
    assert (loaded.sizes.low, loaded.sizes.high) == (-1, 2)
    assert loaded.settings.method == "pyramid:rule"


def low_entropy(steps=3):
    """Entropies of two classes."""
    return Quantised.of(np.random.default_rng(2).random((steps, 2, 3)) / 2, 0, math.log(2))


def measured(record):
    """The record with numbers that are those of its maps, which version 2 is checked by."""
    numbers = tuple(
        {**step, "entropy": float(entropy.mean()), "selected": float(selected.mean())}
        for step, entropy, selected in zip(
            record.steps, record.entropy, record.selected, strict=True
        )
    )
    return dataclasses.replace(record, steps=numbers)


VERSION_2 = {
    *("objective", "variables", "steps", "learning_rate", "centred", "tolerance"),
    *("scale", "precision"),
}


def as_version_2(path):
    """Rewrite the facts of a record as an earlier version wrote them."""
    facts = strict(path)
    del facts["arrays_sha256"]
    settings = facts["settings"]
    settings["objective"] = settings.pop("method")
    for later in settings.keys() - VERSION_2:
        del settings[later]
    del facts["sizes_range"]
    for step in facts["steps"]:
        del step["weights"]
    path.write_text(json.dumps({**facts, "format": 2}))


def test_records_of_version_2_are_read(tmp_path):
    settings = Settings(method="oracle", variables="score", steps=2, scale=1.5)
    record = measured(make(settings=settings, entropy=low_entropy()))
    _, path = record.save(tmp_path / "run")
    as_version_2(path)
    assert '"oracle"' in path.read_text() and '"method"' not in path.read_text()
    loaded = Record.load(path)
    assert loaded == record and loaded.settings == settings
    assert loaded.sizes is None and loaded.numbers("weights") == [None] * 3


def test_feedforward_of_version_2(tmp_path):
    """It was the paper's objective without updates."""
    settings = Settings(method="entropy", steps=0)
    record = measured(make(steps=1, settings=settings, entropy=low_entropy(1)))
    _, path = record.save(tmp_path / "run")
    as_version_2(path)
    loaded = Record.load(path)
    assert loaded == record and loaded.settings.spelling == "feedforward"


def test_json_is_strict(tmp_path):
    record = make()
    _, path = record.save(tmp_path / "run")
    facts = strict(path)
    assert facts["title"] == record.title
    assert facts["steps"][1]["loss"] == 1 / 7 and facts["steps"][1]["agreement"] is None
    assert facts["settings"] == dataclasses.asdict(record.settings)


def test_names_with_dots(tmp_path):
    first, second = make(title="1.5x"), make(title="3.5x")
    first.save(tmp_path / "cat-1.5x")
    second.save(tmp_path / "cat-1.7x")
    assert Record.load(tmp_path / "cat-1.5x") == first
    assert Record.load(tmp_path / "cat-1.7x.json") == second


def test_saving_twice_replaces(tmp_path):
    make(3).save(tmp_path / "run")
    make(2).save(tmp_path / "run")
    assert Record.load(tmp_path / "run") == make(2)


# Equality


def test_equal():
    assert make() == make()
    assert make() != "record"
    with pytest.raises(TypeError, match="unhashable"):
        hash(make())


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "dog"},
        {"settings": Settings(steps=2)},
        {"complete": False},
        {"forward_ms": 12.6},
        {"environment": {}},
        {"truth": None},
        {"photo": np.zeros((6, 8, 3), np.uint8)},
        {"entropy": Quantised(make().entropy.codes, 0.0, 3.0)},
        {"sigma": Quantised.of(np.zeros((3, 2, 3)), 0, 64)},
        {"selected": np.zeros((3, 2, 3), bool)},
        {"log_probabilities": Quantised.of(np.zeros((3, 2, 2, 3)), *LOG_PROBABILITIES)},
        {"positions": (np.zeros(6, np.float32), np.zeros(8, np.float32))},
    ],
)
def test_any_difference_counts(changes):
    assert make(**changes) != make()


def test_numbers_over_the_steps():
    record = make(3)
    assert record.numbers("step") == [0, 1, 2] and record.last == 2
    assert record.numbers("iou") == [0, 1 / 7, 2 / 7]
    with pytest.raises(KeyError):
        record.numbers("colour")


def test_representations_are_short():
    record = make(3, environment={"checkpoint": "net"})
    text = repr(record)
    for part in (repr(record.title), repr(record.settings), "steps 0 to 2", "'net'"):
        assert part in text
    assert len(text) < 400 and "array" not in text
    assert repr(record.sigma) == "Quantised(0 to 64, shape (3, 2, 3))"


def test_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        make().title = "other"


# Damage


@pytest.fixture
def saved(tmp_path):
    make().save(tmp_path / "run")
    return tmp_path / "run"


def refused(path, pattern):
    with pytest.raises(InputError, match=pattern) as caught:
        Record.load(path)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".")


def test_nothing_there(tmp_path):
    refused(
        tmp_path / "run", r"no file .*run\.json; a record is an \.npz and a \.json side by side"
    )


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_one_of_two_files(saved, suffix):
    saved.with_suffix(suffix).unlink()
    refused(saved, rf"no file .*run\{suffix}; a record is")


@pytest.mark.parametrize("suffix", [".npz", ".json"])
@pytest.mark.parametrize("keep", [0, 3, 0.5, 0.99])
def test_cut_off(saved, suffix, keep):
    path = saved.with_suffix(suffix)
    content = path.read_bytes()
    path.write_bytes(content[: keep if isinstance(keep, int) else int(keep * len(content))])
    refused(saved, "not a readable segviz record .*; save the run again")


def test_flipped_bytes(saved):
    path = saved.with_suffix(".npz")
    content = bytearray(path.read_bytes())
    for place in range(60, 400):  # the first array, past its header
        content[place] ^= 0x5A
    path.write_bytes(content)
    refused(saved, "not a readable segviz record")


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        "7",
        "{}",
        '{"format": 3}',
        '{"format": 3, "settings": 3}',
        '{"format": 2}',
        '{"format": 2, "settings": 3}',
        '{"format": 2, "settings": {}, "steps": 4}',
        '{"format": 2, "settings": {}, "steps": [4]}',
        "\x00",
    ],
)
def test_foreign_json(saved, text):
    saved.with_suffix(".json").write_text(text)
    refused(saved, "not a readable segviz record")


def test_pickled_arrays_are_not_loaded(saved):
    np.savez(saved.with_suffix(".npz"), photo=np.array([{"a": 1}], dtype=object))
    refused(saved, "not a readable segviz record")


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"\x80\x04.", b"\x93NUMPY\x01\x00"])
def test_foreign_arrays(saved, content):
    saved.with_suffix(".npz").write_bytes(content)
    refused(saved, "not a readable segviz record")


def test_files_of_two_records(saved, tmp_path):
    make(steps=2).save(tmp_path / "other")
    shutil.copy(tmp_path / "other.npz", saved.with_suffix(".npz"))
    refused(saved, "not a readable segviz record")


def test_another_format(saved):
    facts = strict(saved.with_suffix(".json"))
    saved.with_suffix(".json").write_text(json.dumps({**facts, "format": 1}))
    refused(saved, r"record format 1, but this segviz reads 3; use the segviz version 0\.1\.0")


def test_impossible_settings(saved):
    facts = strict(saved.with_suffix(".json"))
    facts["settings"]["method"] = "entropia"
    saved.with_suffix(".json").write_text(json.dumps(facts))
    refused(saved, "no method 'entropia'")


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"record cannot be written to .*; choose a folder"):
        make().save(tmp_path / "file" / "run")


def test_a_full_disk_keeps_the_earlier_record(tmp_path):
    earlier = make()
    earlier.save(tmp_path / "run")
    with full_disk(600), pytest.raises(InputError, match=r"cannot be written \(File too large\)"):
        dataclasses.replace(earlier, title="other").save(tmp_path / "run")
    assert Record.load(tmp_path / "run") == earlier
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json", "run.npz"]


def test_files_of_two_runs_of_one_shape(saved, tmp_path):
    """Arrays and numbers of the same shapes: only the hashes tell them apart."""
    make(title="other", photo=np.zeros((6, 8, 3), np.uint8)).save(tmp_path / "other")
    for suffix in (".npz", ".json"):
        make().save(saved)
        shutil.copy(tmp_path / f"other{suffix}", saved.with_suffix(suffix))
        refused(saved, "of two runs")


def test_files_of_two_runs_of_version_2(tmp_path):
    for name, seed in (("a", 1), ("b", 9)):
        rng = np.random.default_rng(seed)
        entropy = Quantised.of(rng.random((3, 2, 3)) ** seed * math.log(2), 0, math.log(2))
        measured(make(entropy=entropy)).save(tmp_path / name)
        as_version_2(tmp_path / f"{name}.json")
        Record.load(tmp_path / name)
    shutil.copy(tmp_path / "a.npz", tmp_path / "b.npz")
    refused(tmp_path / "b", "entropy of step 0 .* two runs")


@pytest.mark.parametrize("suffix", [".npz", ".json"])
def test_pipes_are_refused_without_waiting(saved, suffix):
    saved.with_suffix(suffix).unlink()
    os.mkfifo(saved.with_suffix(suffix))
    refused(saved, "device or a pipe")


def test_a_kill_between_the_two_files_costs_no_record(saved, tmp_path):
    """The arrays are new, and the numbers complete, but not yet in their place."""
    later = make(title="other", photo=np.zeros((6, 8, 3), np.uint8))
    later.save(tmp_path / "later")
    shutil.copy(tmp_path / "later.npz", saved.with_suffix(".npz"))
    shutil.copy(tmp_path / "later.json", partial_path(saved.with_suffix(".json")))
    assert Record.load(saved) == later
    make().save(saved)
    assert Record.load(saved) == make() and not list(tmp_path.glob(".*"))


def test_kills_while_saving_cost_no_record(tmp_path):
    records = [make(), make(title="other", photo=np.zeros((6, 8, 3), np.uint8))]
    path = tmp_path / "run"
    records[0].save(path)
    for kill in range(20):
        ready, done = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(done, b"x")
            while True:
                for record in records:
                    record.save(path)
        os.read(ready, 1)
        threading.Event().wait(0.001 * kill)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for end in (ready, done):
            os.close(end)
        assert Record.load(path) in records

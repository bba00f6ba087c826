"""Damaged files for every reader; benchmarks/fuzz_readers.py gives them for longer."""

import importlib.util
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "fuzz_readers.py"
SECONDS = 13.0
"""For all readers together."""


@pytest.fixture(scope="module")
def fuzz():
    spec = importlib.util.spec_from_file_location("fuzz_readers", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def outcomes(fuzz):
    return dict(fuzz.try_each(SECONDS, seed=0, clock=time.monotonic))


def test_every_reader_answers_with_a_value_or_one_sentence(outcomes):
    assert {name: each.failures for name, each in outcomes.items() if each.failures} == {}
    assert all(each.cases == each.accepted + each.refused > 0 for each in outcomes.values())


def test_good_files_are_accepted(fuzz, tmp_path):
    for reader in fuzz.readers(tmp_path).values():
        for number, data in enumerate(reader.seeds):
            path = tmp_path / f"good-{number}{reader.suffix}"
            path.write_bytes(data)
            assert reader.read(path) is not None


def test_a_case_is_the_same_again(fuzz, tmp_path):
    reader = fuzz.readers(tmp_path)["card"]
    first = [next(fuzz.cases(reader, 3, number))[1] for number in range(5)]
    assert first == [data for (_, data), _ in zip(fuzz.cases(reader, 3), range(5), strict=False)]
    assert len(set(first)) == 5


def test_readers_take_turns_and_go_on_where_they_were(fuzz):
    found = list(fuzz.try_each(0.4, 0, ["classes", "labelmap"], rounds=2))
    assert [name for name, _ in found] == ["classes", "labelmap"] * 2
    first, last = found[0][1], found[2][1]
    assert last.cases > first.cases and last.seconds > first.seconds >= 0.1


def test_what_nobody_catches_is_found(fuzz, tmp_path):
    """Or the trial would show nothing."""

    def careless(path):
        raise KeyError(path.suffix)

    found = fuzz.try_reader(fuzz.Reader([b"x" * 99], ".txt", careless), tmp_path, 0.1, 0)
    assert found.failures and "KeyError" in found.failures[0]

"""Bad inputs for every command; benchmarks/bad_inputs.py gives 3,000 of them."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "bad_inputs.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("bad_inputs", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]
    sys.path[:] = path


@pytest.mark.slow
def test_every_command_refuses_bad_inputs(tmp_path):
    """The script also runs each command once with nothing wrong."""
    out = tmp_path / "outcome.json"
    words = [sys.executable, SCRIPT, "--cases", "30", "--seed", "7", "--out", out]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = json.loads(out.read_text())["bad_inputs"]
    assert (done.returncode, found["failures"]) == (0, []), done.stderr
    assert found["cases"] == found["accepted"] + found["refused"] == 30


@pytest.mark.parametrize(
    ("outcome", "wrong"),
    [
        ((2, "segviz: no such photo; choose another.\n", 0.1), ""),
        ((2, "TIFF warning\nsegviz: no such photo; choose another.\n", 0.1), ""),
        ((0, "", 0.1), "wrongly accepted"),
        (
            (1, "Traceback (most recent call last):\n  x\nKeyError: 5\n", 0.1),
            "traceback, KeyError: 5",
        ),
        ((2, "segviz: no such photo; choose another.\n", 9.0), "9.0 s"),
        ((-9, "", 0.1), "exit status -9"),
        ((2, "segviz: no such photo\n", 0.1), "message"),
        ((2, "segviz: no \x1b[31m photo.\n", 0.1), "message"),
    ],
)
def test_what_counts_as_wrong(script, outcome, wrong):
    found = script.complaint(script.Case("photo", ["run"]), *outcome)
    assert found.startswith(wrong) and bool(found) == bool(wrong)


def test_what_may_be_accepted(script):
    assert script.complaint(script.Case("damage", ["run"], must=False), 0, "", 0.1) == ""

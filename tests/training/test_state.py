import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from segviz.errors import InputError
from segviz.training.state import Progress, load_state, save_state
from tests.full_disk import full_disk

FINGERPRINT = {"ids": "abc", "recipe": '{"batch": 2, "seed": 0}'}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.safetensors"


@pytest.fixture
def run():
    """A model and its optimiser after one update."""
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    optimiser = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    model(torch.randn(4, 3)).square().sum().backward()
    optimiser.step()
    return model, optimiser


def fresh():
    model = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    return model, torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)


def test_round_trip(path, run):
    save_state(path, *run, FINGERPRINT, Progress(7, 1.5))
    model, optimiser = fresh()
    assert load_state(path, model, optimiser, FINGERPRINT) == Progress(7, 1.5)
    for name, value in run[0].state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    for old, new in zip(run[0].parameters(), model.parameters(), strict=True):
        expected = run[1].state[old]["momentum_buffer"]
        assert torch.equal(optimiser.state[new]["momentum_buffer"], expected)


def test_failed_write_leaves_the_previous_state(path, run):
    save_state(path, *run, FINGERPRINT, Progress(1, 1.0))
    state = path.read_bytes()
    with full_disk(), pytest.raises(InputError, match="cannot be written"):
        save_state(path, *run, FINGERPRINT, Progress(2, 2.0))
    assert path.read_bytes() == state


def test_partial_file_of_a_killed_process_is_replaced(path, run):
    code = """
import os, sys
from pathlib import Path
from segviz.runtime.files import write_atomically
write_atomically(Path(sys.argv[1]), lambda file: os.kill(os.getpid(), 9))
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(path.parent.iterdir())) == 1 and not path.exists()
    save_state(path, *run, FINGERPRINT, Progress(1, 1.0))
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({"ids": "xyz"}, "other ids"),
        ({"recipe": '{"batch": 4, "seed": 0}'}, r"other batch \(2, now 4\)"),
        ({"recipe": '{"batch": 2}'}, r"other seed \(0, now None\)"),
    ],
)
def test_another_fingerprint_is_refused(path, run, changes, pattern):
    save_state(path, *run, FINGERPRINT, Progress(1, 1.0))
    model, optimiser = fresh()
    before = model[0].weight.clone()
    with pytest.raises(InputError, match=pattern + ".*same options or choose another --out"):
        load_state(path, model, optimiser, {**FINGERPRINT, **changes})
    assert torch.equal(model[0].weight, before)


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"iteration": "1"},
        {"iteration": "x", "seconds": "1"},
        {"iteration": "-1", "seconds": "1"},
        {"iteration": "1", "seconds": "1", "recipe": "{"},
    ],
)
def test_damaged_metadata(path, metadata):
    save_file({"a": torch.zeros(1)}, path, metadata=metadata)
    with pytest.raises(InputError, match=r"is damaged .*; train without --resume"):
        load_state(path, *fresh(), FINGERPRINT)


@pytest.mark.parametrize("content", [b"", b"no tensors"])
def test_damaged_file(path, content):
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"is damaged .*; train without --resume"):
        load_state(path, *fresh(), FINGERPRINT)

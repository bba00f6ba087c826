"""Networks of a server: loaded once, bounded, warmed up in the background."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from segviz.errors import InputError
from segviz.jobs.networks import Networks
from segviz.jobs.queue import Job, Slot
from segviz.network import checkpoint

ROOT = Path(__file__).parents[2]


@pytest.fixture
def loads(trained, monkeypatch):
    """The names that were loaded; loading waits for the event `loads.gate`."""

    class Loads(list):
        gate = threading.Event()

    loads = Loads()

    def load(name, device):
        loads.append(name)
        assert loads.gate.wait(10)
        return trained

    monkeypatch.setattr(checkpoint, "load", load)
    monkeypatch.setenv("SEGVIZ_NETWORKS", "a, b,c")
    return loads


def test_a_network_is_loaded_once(trained, loads):
    networks = Networks()
    assert networks.ready("a") is None
    threads = [threading.Thread(target=networks.load, args="a") for _ in range(3)]
    for thread in threads:
        thread.start()
    loads.gate.set()
    for thread in threads:
        thread.join(10)
    assert networks.ready("a") is trained and loads == ["a"]


def test_the_latest_two_are_kept(trained, loads):
    loads.gate.set()
    networks = Networks()
    for name in "abac":
        networks.load(name)
    assert networks.ready("a") is trained and networks.ready("c") is trained
    assert networks.ready("b") is None and loads == ["a", "b", "c"]


def test_warm_up_loads_the_default_network_first(trained, loads):
    networks, ready = Networks(), threading.Event()
    found = []

    def then():
        found.append(networks.ready(checkpoint.DEFAULT))
        ready.set()

    networks.warm_up(then)
    assert networks.ready(checkpoint.DEFAULT) is None
    loads.gate.set()
    assert ready.wait(10) and found == [trained]


def test_a_failed_warm_up_is_reported_to_those_who_load(monkeypatch):
    def load(name, device):
        raise InputError("the file is damaged; fetch it again.")

    monkeypatch.setattr(checkpoint, "load", load)
    networks, ready = Networks(), threading.Event()
    networks.warm_up(ready.set)
    assert ready.wait(10)
    with pytest.raises(InputError, match="damaged"):
        networks.load()


def test_a_warm_up_ends_before_the_interpreter():
    code = """
import time
from types import SimpleNamespace
import torch
from segviz.jobs.networks import Networks
from segviz.jobs.queue import Job, Slot
from segviz.network import checkpoint

checkpoint.load = lambda name, device: time.sleep(0.5) or SimpleNamespace(network=None)
Networks().warm_up(lambda: print("warmed up"))
print("end")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split("\n")) == (0, ["end", "warmed up", ""]), done.stderr


def test_an_exit_during_the_import_of_torch_is_silent():
    code = "from segviz.jobs.networks import Networks; Networks().warm_up()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stop_reaches_the_engine(checkpoint_path, monkeypatch, tmp_path):
    """A job that is stopped ends in the middle of OpenVINO's work."""
    pytest.importorskip("openvino")
    import torch

    from segviz.network.engines import encoders, openvino_encoder

    monkeypatch.setattr(openvino_encoder, "POLL", 1)
    monkeypatch.setenv("SEGVIZ_CACHE", str(tmp_path))
    monkeypatch.setenv("SEGVIZ_ENGINE", "openvino")
    loaded = checkpoint.load(str(checkpoint_path))
    monkeypatch.setattr(checkpoint, "load", lambda *_: loaded)
    network = Networks().load().network
    for thread in threading.enumerate():
        if thread.name == "segviz engine":
            thread.join(60)
    encoder = encoders.encoder_of(network)
    assert encoder.name == "openvino"
    began = threading.Event()
    x = torch.randn(1, 3, 1300, 1500)

    def work():
        yield 0
        while True:
            began.set()
            encoder.encode(network, x, "float32")

    job = Job(work(), Slot()).start()
    assert began.wait(10)
    job.stop()
    assert job.join(10)
    assert (job.state, job.items) == ("stopped", 1)

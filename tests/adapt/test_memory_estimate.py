import gc
import os
import subprocess
import sys
import weakref
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from segviz.adapt import Settings
from segviz.adapt.memory_estimate import BASE, estimate
from segviz.adapt.meta_memory import Live
from segviz.network import Segmenter

SETTINGS = Settings(scale=1.0, steps=4)


def of(network, height=56, width=72, truth=True, **values):
    return estimate(network, height, width, replace(SETTINGS, **values), truth)


# Tensors alive


def test_the_peak_of_tensors_alive():
    with Live() as live:
        a = torch.empty(1000, device="meta")
        b = (a + 1) * 2  # a, a + 1 and b at once
        assert (live.now, live.peak) == (8000, 12000)
        b += a
        a = a.view(10, 100)
        assert (live.now, live.peak) == (8000, 12000)
        del a
        assert live.now == 4000
        live.peak = 0
        assert b.sum().item() == 1.0 and live.peak == 4004


def test_what_depends_on_values_is_taken_to_be_all():
    with Live():
        assert (torch.empty(4, 5, device="meta") > 0).nonzero().shape == (20, 2)


@pytest.mark.parametrize("function", ["upsample", "norm"])
def test_what_is_followed_faster_has_the_same_size(function):
    x = torch.randn(1, 3, 5, 6)

    def apply(x):
        if function == "norm":
            zeros = x.new_zeros(3)
            return torch.nn.functional.batch_norm(x, zeros, zeros + 1)
        return torch.nn.functional.interpolate(x, (9, 7), mode="bilinear")

    with Live():
        followed = apply(x.to("meta"))
    assert followed.shape == apply(x).shape and followed.dtype == x.dtype


# Runs


def test_more_of_everything_takes_more(network):
    scales = [of(network, scale=scale) for scale in (0.5, 1, 1.5, 2, 3, 4)]
    for smaller, larger in pairwise(scales):
        for key in ("forward", "kept", "steps", "record", "total"):
            assert getattr(smaller, key) < getattr(larger, key), key
    assert of(network, steps=32).total > of(network, steps=4).total > of(network, steps=0).total
    assert of(network, steps=32).steps == of(network, steps=4).steps
    assert of(network, variables="all").total > 2 * of(network).total - of(network, steps=0).total
    at_1x = of(network, steps=0)  # what stands in for the truth
    assert of(network, scale=0.25, truth=False).forward == max(at_1x.forward, at_1x.steps)


def test_settings_without_weight(network):
    first = of(network)
    assert first == of(network) == of(network, learning_rate=0.1, tolerance=0.5)
    assert of(network, objective="entropy") == of(network, centred=False) == first
    assert of(network, 40, 60).total < first.total


def test_the_record_is_what_is_kept(trained, photo, truth):
    from segviz.runs.run import Run

    record = Run(trained, photo, SETTINGS, truth).all()
    found = of(trained.network)
    kept = record._arrays().values()
    assert abs(found.record - sum(array.nbytes for array in kept)) < 2000  # positions


def test_nothing_is_computed_and_nothing_kept(tiny_architecture):
    network = Segmenter(tiny_architecture).freeze()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    of(network, 2000, 2000, scale=1.0)  # seconds, if it were computed
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert network._frozen and all(p.device.type == "cpu" for p in network.parameters())
    gone = weakref.ref(network)
    del network
    gc.collect()
    assert gone() is None


def test_bfloat16_takes_less_where_the_backbone_is_the_peak(network):
    values = {"height": 400, "width": 400, "steps": 0}
    assert of(network, precision="bfloat16", **values).forward < of(network, **values).forward


def test_a_network_that_asks_for_values(network):
    class Odd(type(network)):
        def encode(self, x):
            return super().encode(torch.from_numpy(x.cpu().numpy()))

    odd = Odd(network.architecture).freeze()
    assert of(odd) is None


@pytest.mark.parametrize("way", ["numpy", "a list", "a mask"])
def test_an_objective_that_asks_for_values(network, monkeypatch, trained, photo, way):
    from segviz.adapt import OBJECTIVES
    from segviz.runs.run import Run

    def loss(pixels):
        entropy = pixels.entropy.detach()
        if way == "numpy":
            weight = float(np.asarray(entropy).mean() > -1)
        elif way == "a list":
            weight = float(max(entropy.tolist()) > -1)
        else:
            weight = 1.0 if len(entropy[entropy > -1]) else 0.0
        return weight * pixels.entropy.sum()

    odd = replace(OBJECTIVES["entropy-all"], loss=loss)
    monkeypatch.setitem(OBJECTIVES, "entropy-odd", odd)
    settings = replace(SETTINGS, objective="entropy-odd")
    assert estimate(network, 56, 72, settings) is None
    record = Run(trained, photo, settings).all()  # nothing is refused
    assert record.complete


MEASURE = """
import ctypes
from segviz.data import images, samples
from segviz.adapt import Settings
from segviz.runs.run import Run
from segviz.network.checkpoint import load

import torch
torch.set_num_threads(1)
def status(key):
    with open("/proc/self/status") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(key))
photo, truth, _ = images.fit(*samples.load("cat"))
trained = load()
Run(trained, photo, Settings(scale=0.5, steps=1), truth).all()  # kernels
ctypes.CDLL(None).malloc_trim(0)
before = status("VmRSS")
run = Run(trained, photo, Settings(scale=2.0, steps=8), truth)
expected = run.memory().bytes
run.all()
print(expected, status("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_estimate_and_measured_peak():
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE],
        cwd=Path(__file__).parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    expected, measured = map(int, done.stdout.split())
    assert 0.9 * measured < expected < 1.4 * measured + BASE

import json
from types import SimpleNamespace

import psutil
import pytest

from segviz.adapt.memory import MemoryBudget
from segviz.adapt.settings import Settings
from segviz.errors import InputError
from segviz.network.checkpoint import tensor_hash
from segviz.network.engines.encoders import TorchEncoder
from segviz.profiling import timing
from segviz.profiling.timing import RATIOS, measure_times
from segviz.profiling.workload import benchmark_photo


@pytest.fixture(scope="module")
def small():
    return benchmark_photo()[::6, ::6]


@pytest.fixture(scope="module")
def measured(trained, small):
    before = tensor_hash(trained.network)
    rounds = []
    found = measure_times(trained.network, small, 1.0, repeats=2, on_round=lambda: rounds.append(1))
    assert tensor_hash(trained.network) == before
    assert len(rounds) == 3  # one warms up
    return found


def test_times(measured):
    for name, ms in measured["times"].items():
        assert ms["least"] <= ms["median"] <= ms["most"], name
    times = {name: ms["median"] for name, ms in measured["times"].items()}
    parts = ("backbone", "aggregation", "scale space", "maps", "step: score", "step: backward")
    assert all(times[part] > 0 for part in parts)
    assert times["episode"] > times["forward"] and times["whole"] > times["whole step"] * 32
    assert not [name for name in times if "warm" in name]
    json.dumps(measured, allow_nan=False)


def test_ratios(measured):
    plain = {name: pair for name, pair in RATIOS.items() if "engine" not in name}
    assert measured["ratios"].keys() == measured["ratio_spreads"].keys() == plain.keys()
    for name, (above, below) in plain.items():
        least, most = measured["ratio_spreads"][name]
        assert least <= measured["ratios"][name] <= most
        first, second = measured["times"][above], measured["times"][below]
        low, high = first["least"] / second["most"], first["most"] / second["least"]
        assert low - 1e-9 <= measured["ratios"][name] <= high + 1e-9
    assert 0 < measured["selected"] < 1


def test_without_baselines(trained, small):
    found = measure_times(trained.network, small, 0.5, repeats=1, with_baselines=False)
    assert found["ratios"].keys() == {"step / forward", "episode / feedforward"}
    assert not [name for name in found["times"] if name.startswith(("whole", "partial", "multi"))]


def test_an_engine_is_timed_beside_pytorch(trained, small):
    class Counting(TorchEncoder):
        name = "counting"
        inputs = 0

        def encode(self, network, x, precision):
            self.inputs += 1
            return super().encode(network, x, precision)

    engine = Counting()
    found = measure_times(
        trained.network, small, 1.0, repeats=1, with_baselines=False, encoder=engine
    )
    assert engine.inputs == 2 * (1 + 3)  # in two rounds an episode, and a pyramid of three sizes
    times = {name: ms["median"] for name, ms in found["times"].items()}
    assert times["engine episode"] > times["engine forward"] > 0 < times["engine pyramid"]


def test_sizes_that_do_not_fit_are_left_out(trained, small, monkeypatch):
    monkeypatch.setattr(timing, "STEPS", 1)
    budget = MemoryBudget(trained.network, *small.shape[:2])
    episode, multi_scale = (
        budget.estimate(settings).total
        for settings in (
            Settings(scale=1.0, steps=timing.STEPS),
            Settings(scale=1.0, method="multi-scale"),
        )
    )
    assert episode < multi_scale
    available = SimpleNamespace(available=(episode + multi_scale) // 2)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: available)
    found = measure_times(trained.network, small, 1.0, repeats=1)
    assert "multi-scale" not in found["times"] and "partial" in found["times"]
    assert "six sizes, mirrored / episode" not in found["ratios"]


def test_a_network_of_another_library_has_no_parts(foreign, small):
    before = tensor_hash(foreign.network)
    found = measure_times(foreign.network, small, 1.0, repeats=1, with_baselines=False)
    assert set(found["times"]) == {"episode", "forward", "feedforward", "step", "maps"}
    assert found["ratios"].keys() == {"step / forward", "episode / feedforward"}
    assert tensor_hash(foreign.network) == before
    with pytest.raises(InputError, match="without baselines"):
        measure_times(foreign.network, small, 1.0, repeats=1)


@pytest.mark.parametrize(
    ("scale", "repeats", "pattern"),
    [(1.0, 0, "repeats must be at least 1, got 0"), (9.0, 1, "scale must be .* got 9.0")],
)
def test_impossible(trained, small, scale, repeats, pattern):
    with pytest.raises(InputError, match=pattern):
        measure_times(trained.network, small, scale, repeats)

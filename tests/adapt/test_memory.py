"""The estimate of a run's memory, and the refusal of runs that do not fit."""

import gc
import re
import sys
import weakref
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import segviz
from segviz.adapt import METHODS, OBJECTIVES, Settings, memory
from segviz.adapt.memory import BASE, MAX_INPUT, MemoryBudget, TensorCounter, most_demanding
from segviz.adapt.method import END_TO_END
from segviz.adapt.settings import PRECISIONS
from segviz.errors import InputError
from segviz.evaluation.measured_method import MeasuredMethod
from segviz.evaluation.measurement import measure_image, plan_measurements
from segviz.network import Segmenter
from segviz.runs import describe
from segviz.runs.batch import Batch
from segviz.runs.run import Run
from tests.forked import ForkedProcess, run_code

SETTINGS = Settings(scale=1.0, steps=4)


def estimate(network, height=56, width=72, truth=True, **values):
    return MemoryBudget(network, height, width, truth).estimate(replace(SETTINGS, **values))


# Tensors alive


def test_the_peak_of_tensors_alive():
    with TensorCounter() as counter:
        a = torch.empty(1000, device="meta")
        b = (a + 1) * 2  # a, a + 1 and b at once
        assert (counter.now, counter.peak) == (8000, 12000)
        b += a
        a = a.view(10, 100)
        assert (counter.now, counter.peak) == (8000, 12000)
        del a
        assert counter.now == 4000
        counter.peak = 0
        assert b.sum().item() == 1.0 and counter.peak == 4004


def test_what_depends_on_values_is_taken_to_be_all():
    with TensorCounter():
        assert (torch.empty(4, 5, device="meta") > 0).nonzero().shape == (20, 2)


def test_a_resized_map_has_the_size_asked_for():
    x = torch.randn(1, 3, 5, 6)
    with TensorCounter():
        traced = torch.nn.functional.interpolate(x.to("meta"), (9, 7), mode="bilinear")
    assert traced.shape == (1, 3, 9, 7) and traced.dtype == x.dtype


# Runs


def test_more_of_anything_takes_more(network):
    scales = [estimate(network, scale=scale) for scale in (0.5, 1, 1.5, 2, 3, 4)]
    for smaller, larger in pairwise(scales):
        for key in ("forward", "encoding", "steps", "record", "total"):
            assert getattr(smaller, key) < getattr(larger, key), key
    assert (
        estimate(network, steps=32).total
        > estimate(network, steps=4).total
        > estimate(network, steps=0).total
    )
    assert estimate(network, steps=32).steps == estimate(network, steps=4).steps
    assert (
        estimate(network, variables="all").total
        > estimate(network, variables="norm").total
        > 2 * estimate(network).total - estimate(network, steps=0).total
    )
    at_1x = estimate(network, steps=0)  # what stands in for the truth
    assert estimate(network, scale=0.25, truth=False).forward == max(at_1x.forward, at_1x.steps)


def test_settings_without_weight(network):
    first = estimate(network)
    assert first == estimate(network) == estimate(network, learning_rate=0.1, tolerance=0.5)
    assert estimate(network, method="entropy") == estimate(network, centred=False) == first
    assert estimate(network, 40, 60).total < first.total


def test_the_record_is_what_is_kept(trained, photo, truth):
    record = Run(trained, photo, SETTINGS, truth).all()
    found = estimate(trained.network)
    maps = [record.photo, record.truth, record.labels, record.selected]
    maps += [record.entropy.codes, record.sigma.codes, record.log_probabilities.codes]
    assert found.record == sum(array.nbytes for array in maps)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_an_estimate(network, name):
    settings = Settings(method=name, scale=1.0, steps=2)
    found = MemoryBudget(network, 56, 72).estimate(settings)
    plain = estimate(network, steps=0)
    assert found.total >= plain.total
    if settings.joins:
        assert found.record > plain.record
    if settings.info.combination:
        assert found.forward > plain.forward
    if settings.variables in END_TO_END:
        assert found.steps > plain.steps


def test_the_record_of_several_sizes(trained, photo, truth):
    settings = Settings(method="pyramid:rule:entropy", scale=1.0, steps=2)
    record = Run(trained, photo, settings, truth).all()
    maps = [record.photo, record.truth, record.labels, record.selected, record.sizes.codes]
    maps += [record.entropy.codes, record.sigma.codes, record.log_probabilities.codes]
    found = MemoryBudget(trained.network, *photo.shape[:2]).estimate(settings)
    assert found.record == sum(array.nbytes for array in maps)


def test_views_that_a_batch_has_not_read_yet_count(trained, photo, truth, free):
    settings = Settings(method="pyramid:rule", scale=1.0)
    budget = MemoryBudget(trained.network, *photo.shape[:2])
    assert budget.estimate(settings).total > budget.estimate(Settings(steps=0, scale=1.0)).total
    free(budget.needs(Settings(steps=0, scale=1.0))[0].bytes)
    batch = Batch(trained, photo, [Settings(scale=1.0, steps=0), settings], truth)
    with pytest.raises(InputError, match="of memory"):
        list(batch)
    assert batch.record(0).complete and batch.record(1) is None


def test_nothing_is_computed_and_nothing_kept(tiny_architecture):
    network = Segmenter(tiny_architecture).freeze()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    estimate(network, 2000, 2000, scale=1.0)  # seconds, if it were computed
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert network.fast_backbone is not network.backbone and all(
        p.device.type == "cpu" for p in network.parameters()
    )
    gone = weakref.ref(network)
    del network
    gc.collect()
    assert gone() is None


def test_bfloat16_takes_less_where_the_backbone_is_the_peak(network):
    values = {"height": 400, "width": 400, "steps": 0}
    assert (
        estimate(network, precision="bfloat16", **values).forward
        < estimate(network, **values).forward
    )


def test_a_network_that_asks_for_values(network):
    class Odd(type(network)):
        def encode(self, x):
            return super().encode(torch.from_numpy(x.cpu().numpy()))

    odd = Odd(network.architecture).freeze()
    assert estimate(odd) is None


@pytest.mark.parametrize("way", ["numpy", "a list", "a mask"])
def test_an_objective_that_asks_for_values(network, monkeypatch, trained, photo, way):
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
    info = replace(METHODS["entropy"], objective="entropy-odd")
    monkeypatch.setitem(METHODS, "entropy-odd", info)
    settings = replace(SETTINGS, method="entropy-odd")
    assert MemoryBudget(network, 56, 72).estimate(settings) is None
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
run = Run(trained, photo, Settings(scale=2.0, steps=2), truth)
expected = run.memory().bytes
run.all()
print(expected, status("VmHWM") - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_estimate_and_measured_peak():
    program = ForkedProcess(run_code, MEASURE)
    out, err = program.communicate()
    assert program.returncode == 0, err
    expected, measured = map(int, out.split())
    assert 0.9 * measured < expected < 1.4 * measured + BASE


# Refusals


@pytest.fixture
def free(monkeypatch):
    """Set the bytes that are free."""

    def free(count):
        monkeypatch.setattr(memory, "available_bytes", lambda *_: count)

    return free


def needed(network, **values):
    values = {"scale": 2.0, "steps": 8, **values}
    return MemoryBudget(network, 56, 72).estimate(Settings(**values))


def refusal(network, **values):
    values = {"scale": 2.0, "steps": 8, **values}
    with pytest.raises(InputError) as error:
        MemoryBudget(network, 56, 72).check(Settings(**values))
    return str(error.value)


def test_a_run_that_just_fits(network, free):
    settings, total = Settings(scale=2.0, steps=8), needed(network).total
    free(total)
    MemoryBudget(network, 56, 72).check(settings)
    free(total - 1)
    with pytest.raises(InputError):
        MemoryBudget(network, 56, 72).check(settings)
    free(None)
    MemoryBudget(network, 56, 72).check(settings)


def test_what_is_offered_is_true(network, free):
    count = (needed(network, scale=1.5).total + needed(network, scale=2.0).total) // 2
    free(count)
    text = refusal(network)
    assert re.match(
        r"a 72 x 56 photo at scale 2 needs about \d+ MB of memory, but \d+ MB are", text
    )
    scale = float(re.search(r"a scale up to ([\d.]+),", text)[1])
    assert 1.5 <= scale < 2
    MemoryBudget(network, 56, 72).check(Settings(scale=scale, steps=8))
    assert needed(network, scale=scale + 0.01).total > count
    assert text.endswith("or close other programs.")


def test_fewer_steps(network, free):
    free(needed(network, steps=300).total)
    assert "at most 300 steps," in refusal(network, steps=400)
    MemoryBudget(network, 56, 72, recorded=False).check(Settings(scale=2.0, steps=400))


def test_other_variables_and_precision(network, free):
    free(needed(network).total)
    assert "other variables than all" in refusal(network, variables="all")
    half, single = (
        estimate(network, 200, 200, scale=4.0, steps=0, precision=precision).total
        for precision in PRECISIONS[::-1]
    )
    assert half < single
    free(half)
    with pytest.raises(InputError, match="--precision bfloat16 on the command line, or close"):
        MemoryBudget(network, 200, 200).check(Settings(scale=4.0, steps=0))


def test_nothing_fits(network, free):
    free(1000)
    text = refusal(network, precision="bfloat16")
    assert text.endswith("but 0 MB are free; close other programs.")


def test_large_inputs_are_refused_by_the_memory_that_they_take(network, free):
    budget, settings = MemoryBudget(network, 600, 1000), Settings(scale=8.0, steps=1)
    free(1000)
    with pytest.raises(InputError, match=r"needs about [\d.]+ GB of memory"):
        budget.check(settings)
    free(budget.estimate(settings).total)
    budget.check(settings)


def test_where_the_memory_is_unknown_inputs_are_limited(trained, free):
    free(None)
    pattern = (
        r"^a 1001 x 500 photo at scale 8 has 32\.0 million pixels, but without an estimate of the"
        r" memory the limit is 9 million; choose a scale up to ([\d.]+), tiles of 512 pixels or a"
        r" smaller photo\.$"
    )
    with pytest.raises(InputError, match=pattern) as caught:
        Run(trained, np.zeros((500, 1001, 3), np.uint8), Settings(scale=8.0)).all()
    remedy = float(re.match(pattern, str(caught.value))[1])
    assert remedy**2 * 500 * 1001 <= MAX_INPUT < (remedy + 0.02) ** 2 * 500 * 1001


def test_what_does_not_fit_is_read_in_tiles(free):
    """The largest tiles that fit are chosen, and the record names them."""
    body = nn.Conv2d(3, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 8, 16, 16), nn.ReLU()
    module = nn.Sequential(*body, nn.Conv2d(8, 4, 1))
    foreign = segviz.wrap(module, mean=(124, 116, 104), std=(58, 57, 57))
    photo = np.random.default_rng(0).integers(0, 255, (450, 750, 3), dtype=np.uint8)
    chosen = Settings(method="entropy", variables="score", scale=1.5, steps=1)
    budget = MemoryBudget(foreign.network, 450, 750, truth=False)
    needs = [budget.estimate(replace(chosen, tile=tile)).total for tile in (0, 1024, 512)]
    assert needs[0] > needs[1] > needs[2]
    for count, tile in zip(needs, (0, 1024, 512), strict=True):
        free(count)
        run = Run(foreign, photo, chosen)
        run.choose_tiles()
        assert run.settings == replace(chosen, tile=tile)
    record = run.all()
    assert record.settings.tile == 512 and "tiles of 512 px" in describe.run(record)
    free(1000)
    with pytest.raises(InputError, match="needs about"):
        Run(foreign, photo, chosen).all()


@pytest.fixture
def on_forward(trained):
    """Call a function at each forward pass of the tiny network, traces not counted."""
    handles = []

    def on_forward(call):
        def hook(_, inputs):
            if not inputs[0].is_meta:
                call()

        handles.append(trained.network.fast_backbone.register_forward_pre_hook(hook))

    yield on_forward
    for handle in handles:
        handle.remove()


def test_runs_are_refused_before_they_compute(trained, photo, truth, free, on_forward):
    free(1000)
    on_forward(lambda: pytest.fail("the network was run"))
    run = Run(trained, photo, Settings(scale=1.0), truth)
    with pytest.raises(InputError, match="of memory"):
        run.all()
    assert run.memory().lacks and not run.steps


def test_the_rest_of_a_batch_stays(trained, photo, truth, free):
    few = (
        MemoryBudget(trained.network, *photo.shape[:2]).needs(Settings(scale=1.0, steps=1))[0].bytes
    )
    free(few)
    batch = Batch(trained, photo, [Settings(scale=1.0, steps=1), Settings(scale=4.0)], truth)
    with pytest.raises(InputError, match="at scale 4"):
        list(batch)
    assert batch.record(0).complete and batch.record(1) is None


def test_a_forward_pass_that_was_made_counts_no_more(network):
    settings = Settings(scale=2.0, steps=8)
    made, not_yet = (
        MemoryBudget(network, 56, 72, encoded=encoded).needs(settings)[0]
        for encoded in (True, False)
    )
    assert made.bytes < not_yet.bytes


def test_images_of_an_evaluation(trained, photo, truth, free):
    cells = plan_measurements([1.0, 4.0], [MeasuredMethod.parse("entropy", steps=(2,))], 21)
    small = MemoryBudget(trained.network, *photo.shape[:2], recorded=False)
    free(small.needs(Settings(scale=1.0, steps=2))[0].bytes)
    rows = measure_image(trained, photo, truth, cells)
    assert len(next(rows)) == 1
    with pytest.raises(InputError, match="at scale 4 needs about"):
        next(rows)


def test_the_most_demanding():
    one, two, three, four = (
        Settings(steps=0, variables="all"),
        Settings(steps=8),
        Settings(steps=4, method="entropy-two-scales"),
        Settings(steps=1, variables="all"),
    )
    assert most_demanding([one, two]) is two and most_demanding([three, two]) is three
    assert most_demanding([one, four, three]) is four


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory"
        ),
    ],
)
def test_memory_that_runs_out_all_the_same(trained, photo, truth, on_forward, error):
    def run_out():
        raise error

    on_forward(run_out)
    with pytest.raises(InputError, match="needs more memory than is free; choose a smaller scale"):
        Run(trained, photo, Settings(scale=1.0), truth).all()


def test_other_errors_stay_what_they_are(trained, photo, truth, on_forward):
    def fail():
        raise RuntimeError("something else")

    on_forward(fail)
    with pytest.raises(RuntimeError, match="something else"):
        Run(trained, photo, Settings(scale=1.0), truth).all()

import re

import numpy as np
import pytest
import torch

from segviz.adapt import Settings, memory
from segviz.adapt.episode import Prepared
from segviz.adapt.memory import Room, hardest
from segviz.adapt.memory_estimate import estimate
from segviz.adapt.settings import PRECISIONS
from segviz.errors import InputError
from segviz.evaluation.evaluate import Method, measure, plan
from segviz.runs.batch import Batch
from segviz.runs.run import Run


@pytest.fixture
def free(monkeypatch):
    """Sets the bytes that are free."""

    def free(count):
        monkeypatch.setattr(memory, "available", lambda *_: count)

    return free


def needed(network, **values):
    values = {"scale": 2.0, "steps": 8, **values}
    return estimate(network, 56, 72, Settings(**values))


def said(network, **values):
    values = {"scale": 2.0, "steps": 8, **values}
    with pytest.raises(InputError) as error:
        Room(network, 56, 72).check(Settings(**values))
    return str(error.value)


def test_a_run_that_just_fits(network, free):
    settings, total = Settings(scale=2.0, steps=8), needed(network).total
    free(total)
    Room(network, 56, 72).check(settings)
    free(total - 1)
    with pytest.raises(InputError):
        Room(network, 56, 72).check(settings)
    free(None)
    Room(network, 56, 72).check(settings)


def test_what_is_offered_is_true(network, free):
    count = (needed(network, scale=1.5).total + needed(network, scale=2.0).total) // 2
    free(count)
    text = said(network)
    assert re.match(
        r"a 72 x 56 photo at scale 2 needs about \d+ MB of memory, but \d+ MB are", text
    )
    scale = float(re.search(r"a scale up to ([\d.]+),", text)[1])
    assert 1.5 <= scale < 2
    Room(network, 56, 72).check(Settings(scale=scale, steps=8))
    assert needed(network, scale=scale + 0.01).total > count
    assert text.endswith("or close other programs.")


def test_fewer_steps(network, free):
    free(needed(network, steps=300).total)
    assert "at most 300 steps," in said(network, steps=400)
    Room(network, 56, 72, record=False).check(Settings(scale=2.0, steps=400))


def test_other_variables_and_precision(network, free):
    free(needed(network).total)
    assert "other variables than all" in said(network, variables="all")
    half, single = (
        estimate(network, 200, 200, Settings(scale=4.0, steps=0, precision=precision)).total
        for precision in PRECISIONS[::-1]
    )
    assert half < single
    free(half)
    with pytest.raises(InputError, match="--precision bfloat16 on the command line, or close"):
        Room(network, 200, 200).check(Settings(scale=4.0, steps=0))


def test_nothing_fits(network, free):
    free(1000)
    text = said(network, precision="bfloat16")
    assert text.endswith("but 0 MB are free; close other programs.")


def test_too_large_an_input_is_refused_as_such(trained, free):
    free(1000)
    with pytest.raises(InputError, match="the limit is 9 million"):
        Run(trained, np.zeros((600, 600, 3), np.uint8), Settings(scale=8.0)).all()


def test_runs_are_refused_before_they_compute(trained, photo, truth, free, monkeypatch):
    free(1000)
    monkeypatch.setattr("segviz.runs.run.prepare", None)
    run = Run(trained, photo, Settings(scale=1.0), truth)
    with pytest.raises(InputError, match="of memory"):
        run.all()
    assert run.memory().lacks and not run.steps


def test_the_rest_of_a_batch_stays(trained, photo, truth, free):
    few = Room(trained.network, *photo.shape[:2]).needs(Settings(scale=1.0, steps=1))[0].bytes
    free(few)
    batch = Batch(trained, photo, [Settings(scale=1.0, steps=1), Settings(scale=4.0)], truth)
    with pytest.raises(InputError, match="at scale 4"):
        list(batch)
    assert batch.record(0).complete and batch.record(1) is None


def test_a_forward_pass_that_was_made_counts_no_more(network):
    settings = Settings(scale=2.0, steps=8)
    made, not_yet = (
        Room(network, 56, 72, ready=ready).needs(settings)[0] for ready in (True, False)
    )
    assert made.bytes < not_yet.bytes


def test_images_of_an_evaluation(trained, photo, truth, free):
    cells = plan([1.0, 4.0], [Method.parse("entropy", steps=(2,))], 21)
    small = Room(trained.network, *photo.shape[:2], record=False)
    free(small.needs(Settings(scale=1.0, steps=2))[0].bytes)
    rows = measure(trained, photo, truth, cells)
    assert len(next(rows)) == 1
    with pytest.raises(InputError, match="at scale 4 needs about"):
        next(rows)


def test_the_hardest():
    one, two, three, four = (
        Settings(steps=0, variables="all"),
        Settings(steps=8),
        Settings(steps=4, objective="entropy-two-scales"),
        Settings(steps=1, variables="all"),
    )
    assert hardest([one, two]) is two and hardest([three, two]) is three
    assert hardest([one, four, three]) is four


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
def test_memory_that_runs_out_all_the_same(trained, photo, truth, monkeypatch, error):
    def run_out(*_) -> Prepared:
        raise error

    monkeypatch.setattr("segviz.runs.run.prepare", run_out)
    with pytest.raises(InputError, match="needs more memory than is free; choose a smaller scale"):
        Run(trained, photo, Settings(scale=1.0), truth).all()


def test_other_errors_stay_what_they_are(trained, photo, truth, monkeypatch):
    def fail(*_):
        raise RuntimeError("something else")

    monkeypatch.setattr("segviz.runs.run.prepare", fail)
    with pytest.raises(RuntimeError, match="something else"):
        Run(trained, photo, Settings(scale=1.0), truth).all()

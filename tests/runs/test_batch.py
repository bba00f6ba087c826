"""Batches: equal to separate runs, cheaper, and stoppable."""

from dataclasses import replace
from types import SimpleNamespace

import psutil
import pytest

from segviz.adapt import Settings
from segviz.adapt.encoding_cache import EncodingCache
from segviz.adapt.methods import METHODS
from segviz.errors import InputError
from segviz.runs.batch import Batch
from segviz.runs.run import Run

SETTINGS = [
    Settings(scale=2.0, steps=3, method="entropy"),
    Settings(scale=1.0, steps=2, method="entropy-marginal", variables="score"),
    Settings(scale=2.0, steps=0),
    Settings(scale=2.0, steps=2, method="oracle", variables="scale", centred=True),
]


def timeless(record):
    """A record without what no two runs share."""
    steps = tuple({**step, "ms": 0.0} for step in record.steps)
    return replace(record, steps=steps, forward_ms=0.0)


@pytest.mark.parametrize("known", [True, False])
def test_equals_separate_runs(trained, photo, truth, known):
    labels = truth if known else None
    batch = Batch(trained, photo, SETTINGS, labels, "shapes")
    order = [(at, step.step) for at, step in batch]
    assert order == [(at, t) for at, s in enumerate(SETTINGS) for t in range(s.steps + 1)]
    for settings, record in zip(SETTINGS, batch.records(), strict=True):
        alone = Run(trained, photo, settings, labels, "shapes").all()
        assert record.complete and timeless(record) == timeless(alone)


def input_size(network, photo, scale):
    return tuple(network.grid.padded(round(scale * length)) for length in photo.shape[:2])


def test_one_forward_pass_for_each_scale(trained, photo, truth, backbone_inputs):
    for _ in Batch(trained, photo, SETTINGS, truth):
        pass
    assert backbone_inputs == [input_size(trained.network, photo, scale) for scale in (2, 1)]


def test_six_methods_read_each_distinct_view_once(trained, photo, truth, backbone_inputs):
    names = ("feedforward", "entropy", "pyramid:five", "pyramid:rule:entropy", "flip", "oracle")
    settings = [
        Settings(method=name, scale=8.0, steps=2 * (METHODS[name].objective is not None))
        for name in names
    ]
    for _ in Batch(trained, photo, settings, truth):
        pass
    # s/4 and s are read mirrored, too.
    scales = (8, 4, 8 / 8**0.5, 2, 2, 8)
    expected = [input_size(trained.network, photo, scale) for scale in scales]
    assert sorted(backbone_inputs) == sorted(expected)


def test_one_1x_prediction_for_all(trained, photo, backbone_inputs):
    for _ in Batch(trained, photo, [SETTINGS[0], SETTINGS[2]]):
        pass
    assert backbone_inputs == [input_size(trained.network, photo, scale) for scale in (1, 2)]


def test_batches_share_what_they_have_encoded(trained, photo, truth, backbone_inputs):
    cache = EncodingCache(2**30)
    alone = Batch(trained, photo, SETTINGS, truth)
    for _ in alone:
        pass
    for settings in ([SETTINGS[2]], SETTINGS, SETTINGS[::-1]):
        del backbone_inputs[:]
        batch = Batch(trained, photo, settings, truth, encodings=cache)
        for _ in batch:
            pass
        expected = {replace(each): alone.record(SETTINGS.index(each)) for each in settings}
        for each, record in zip(settings, batch.records(), strict=True):
            assert timeless(record) == timeless(expected[each])
    assert backbone_inputs == []


@pytest.mark.parametrize("other", ["photo", "precision", "tile", "network"])
def test_other_encodings_are_not_taken(trained, photo, backbone_inputs, other):
    cache, settings = EncodingCache(2**30), Settings(scale=2.0, steps=0)
    Run(trained, photo, settings, encodings=cache).all()
    if other == "photo":
        photo = photo.copy()
        photo[0, 0] ^= 1
    elif other == "precision":
        settings = replace(settings, precision="bfloat16")
    elif other == "tile":
        settings = replace(settings, tile=256)
    else:
        trained = replace(trained, sha256="0" * 64)
    before = len(backbone_inputs)
    Run(trained, photo, settings, encodings=cache).all()
    assert len(backbone_inputs) > before


def test_encodings_give_way_to_a_run_that_needs_their_memory(trained, photo, monkeypatch):
    cache = EncodingCache(2**30)
    Run(trained, photo, Settings(scale=2.0, steps=0), encodings=cache).all()
    assert cache.bytes > 0
    free = SimpleNamespace(available=2**20)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: free)
    with pytest.raises(InputError, match="memory"):
        Run(trained, photo, Settings(scale=8.0, steps=0), encodings=cache).all()
    assert cache.bytes == 0


def test_stopping_keeps_what_came(trained, photo, truth):
    batch = Batch(trained, photo, SETTINGS, truth)
    assert batch.records() == [None] * 4
    for at, step in batch:
        if (at, step.step) == (1, 1):
            break
    first, second, *others = batch.records()
    assert first.complete and first.last == 3
    assert not second.complete and second.last == 1
    assert others == [None, None] and batch.now == 1


def test_going_on_makes_only_the_rest(trained, photo, truth):
    batch = Batch(trained, photo, SETTINGS, truth)
    for at, _ in batch:
        if at == 1:
            break
    first = batch.record(0)
    assert {at for at, _ in batch} == {1, 2, 3}
    assert batch.record(0) is first and all(record.complete for record in batch.records())


def test_an_error_keeps_what_came(trained, photo, truth, monkeypatch):
    batch = Batch(trained, photo, [SETTINGS[0], Settings(scale=8.0)], truth[:-1])
    with pytest.raises(InputError, match="mask"):
        list(batch)
    large = photo.repeat(8, 0).repeat(8, 1)
    batch = Batch(trained, large, [Settings(scale=0.25, steps=0), Settings(scale=8.0)])
    available = SimpleNamespace(available=500_000_000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: available)
    with pytest.raises(InputError, match="of memory"):
        list(batch)
    assert batch.record(0).complete and batch.record(1) is None


def test_no_settings(trained, photo):
    with pytest.raises(InputError, match="0 runs"):
        Batch(trained, photo, [])

import dataclasses

import numpy as np
import pytest

import segviz
from pages.state.presets import PRESETS
from segviz.adapt.settings import Settings
from segviz.runs.collapse import class_shares, describe_collapse, find_collapse
from segviz.runs.run import Run


@pytest.fixture(scope="module")
def plain(trained, photo, truth):
    """A record whose labels and entropies tests replace."""
    return Run(trained, photo, Settings(scale=1.0, steps=1), truth).all()


def run_of(plain, shares, entropy=None, **settings):
    """A record with shares of the classes 0, 1, ... over the steps, in percent."""
    labels = [np.repeat(np.arange(len(row)), row).reshape(10, 10) for row in shares]
    entropy = entropy or [1 - 0.1 * step for step in range(len(shares))]
    return dataclasses.replace(
        plain,
        settings=Settings(**{"scale": 1.0, "steps": len(shares) - 1, **settings}),
        labels=np.stack(labels).astype(np.uint8),
        steps=tuple({**plain.steps[0], "step": t, "entropy": h} for t, h in enumerate(entropy)),
    )


def test_shares_of_the_classes(plain):
    record = run_of(plain, [(60, 40), (100, 0)])
    shares = class_shares(record)
    assert shares.shape == (2, 21)
    assert shares[:, :2].tolist() == [[0.6, 0.4], [1, 0]]


def test_a_class_that_is_eaten(plain):
    record = run_of(plain, [(20, 30, 50), (19, 29, 52), (15, 30, 55), (9, 31, 60), (2, 32, 66)])
    found = find_collapse(record)
    assert (found.eaten, found.since, found.step, found.back) == (0, 2, 3, 1)
    assert (found.before, found.after) == (0.2, 0.02)
    words = describe_collapse(record)
    eaten, eater = record.classes[0], record.classes[found.eater]
    assert f"since step 2, {eater} takes the pixels of {eaten}" in words
    assert "from 20 % to 2 %" in words and "step 3" in words and words.endswith("back to step 1.")


def test_the_eater_has_the_pixels_at_the_end(plain):
    record = run_of(plain, [(50, 50), (50, 50), (50, 50)])
    labels = record.labels.copy()
    labels[2][labels[0] == 1] = 7
    labels[1:2][:, 5:9] = 3
    labels[2][9, 9] = 4
    record = dataclasses.replace(record, labels=labels)
    assert (find_collapse(record).eaten, find_collapse(record).eater) == (1, 7)


@pytest.mark.parametrize(
    ("shares", "entropy"),
    [
        ([(20, 80), (18, 82), (11, 89)], None),  # more than half is left
        ([(4, 96), (0, 100)], None),  # a small class
        ([(20, 80), (2, 98), (19, 81)], None),  # it comes back
        ([(20, 80), (2, 98)], [0.3, 0.4]),  # entropy rises
        ([(20, 80)], None),
        ([(20, 80), (2, 98)], [None, None]),
    ],
)
def test_no_alarm(plain, shares, entropy):
    record = run_of(plain, shares, entropy)
    assert find_collapse(record) is None and describe_collapse(record) is None


def test_of_several_classes_the_one_that_loses_most(plain):
    assert find_collapse(run_of(plain, [(20, 30, 50), (1, 2, 97)])).eaten == 1


def test_shares_before_all_views_have_joined_do_not_count(plain):
    shares = [(40, 60), (2, 98), (10, 90), (9, 91)]
    pyramid = run_of(plain, shares, method="pyramid:rule:entropy", steps=1)
    assert find_collapse(pyramid) is None
    later = run_of(plain, [*shares, (1, 99)], method="pyramid:rule:entropy", steps=2)
    assert find_collapse(later).step == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "fires"), [("collapse", range(1, 7)), ("gain", None), ("nothing", None)]
)
def test_presets(name, fires):
    """The cat spreads from the first update on; the other presets go well."""
    preset = PRESETS[name]
    settings = dataclasses.replace(preset.settings, steps=12)
    values = {field.name: getattr(settings, field.name) for field in dataclasses.fields(settings)}
    found = find_collapse(segviz.run(f"sample:{preset.sample}", **values))
    if fires is None:
        assert found is None
    else:
        assert found.step in fires and found.back == 0
        assert found.after == 0

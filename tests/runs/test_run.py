import dataclasses
import math

import numpy as np
import pytest
import torch

import segviz
from segviz.adapt import Settings
from segviz.data.classes import CLASSES, IGNORE
from segviz.data.voc_palette import PALETTE
from segviz.errors import InputError
from segviz.network.checkpoint import tensor_hash
from segviz.runs.provenance import environment
from segviz.runs.record import LOG_PROBABILITIES, NUMBERS, Quantised, Record
from segviz.runs.run import Run


def settings(**values):
    return Settings(**{"scale": 1.5, "steps": 3, "learning_rate": 1e-2, **values})


def without_times(record):
    return [{k: v for k, v in step.items() if k != "ms"} for step in record.steps]


@pytest.mark.parametrize("name", ["pyramid:rule", "multi-scale"])
def test_record_of_several_sizes(trained, photo, truth, tmp_path, name):
    run = Run(trained, photo, Settings(method=name, scale=1.5), truth)
    steps = list(run)
    record = run.record()
    assert record.complete and record.last == record.settings.joins
    span = record.sizes.high - record.sizes.low
    for step in steps:
        assert record.steps[step.step]["weights"] == step.weights
        assert record.sizes.low - 1e-5 <= step.size_map.min()
        assert step.size_map.max() <= record.sizes.high + 1e-5
        assert np.abs(record.sizes[step.step] - step.size_map).max() < span / 500
    record.save(tmp_path / "run")
    assert Record.load(tmp_path / "run") == record


def test_record_of_a_run(trained, photo, truth):
    run = Run(trained, photo, settings(), truth, "two shapes")
    steps = list(run)
    record = run.record()
    assert record.title == "two shapes" and record.settings == settings() and record.complete
    assert np.array_equal(record.photo, photo) and np.array_equal(record.truth, truth)
    assert record.reference == "truth"
    assert record.stride == 16 and record.classes == CLASSES
    assert record.forward_ms > 0 and record.environment == environment(trained)
    assert record.last == 3 and record.numbers("step") == [0, 1, 2, 3]
    for step, numbers in zip(steps, record.steps, strict=True):
        assert tuple(numbers) == NUMBERS
        for key in NUMBERS:
            assert numbers[key] == getattr(step, key)
        t = step.step
        assert np.array_equal(record.labels[t], step.labels)
        assert np.array_equal(record.selected[t], step.selected_map)
        codes = Quantised.of(step.log_probability_map, *LOG_PROBABILITIES).codes
        assert np.array_equal(record.log_probabilities.codes[t], codes)
        # Half a code of ln 21 nats, half a code of 4 feature pixels = 64 input pixels.
        assert np.abs(record.entropy[t] - step.entropy_map).max() < math.log(21) / 500
        assert np.abs(record.sigma[t] - 16 * step.sigma_map).max() < 64 / 500
    rows, columns = record.positions
    assert rows.shape == (56,) and columns.shape == (72,)


def test_saved_run(trained, photo, truth, tmp_path):
    record = Run(trained, photo, settings(), truth).all()
    record.save(tmp_path / "run")
    assert Record.load(tmp_path / "run") == record


def test_same_again(trained, photo, truth):
    before = tensor_hash(trained.network)
    run = Run(trained, photo, settings(), truth)
    first, second = run.all(), run.all()
    other = Run(trained, photo, settings(), truth).all()
    assert tensor_hash(trained.network) == before
    for record in (second, other):
        assert without_times(record) == without_times(first)
        assert np.array_equal(record.labels, first.labels)
        assert np.array_equal(record.sigma.codes, first.sigma.codes)


def test_stopping_early(trained, photo, truth, tmp_path):
    run = Run(trained, photo, settings(steps=30), truth)
    for step in run:
        if step.step == 2:
            break
    record = run.record()
    assert not record.complete and record.last == 2 and len(record.labels) == 3
    record.save(tmp_path / "run")
    assert Record.load(tmp_path / "run") == record
    full = Run(trained, photo, settings(steps=2), truth).all()
    assert without_times(record) == without_times(full)


def test_record_while_running(trained, photo, truth):
    lengths = []
    run = Run(trained, photo, settings(), truth)
    for _ in run:
        lengths.append((run.record().last, run.record().complete))
    assert lengths == [(0, False), (1, False), (2, False), (3, False)]
    assert run.record().complete


def test_stopped_by_tolerance_is_complete(trained, photo):
    record = Run(trained, photo, settings(steps=30, tolerance=0.9)).all()
    assert record.complete and record.last < 30


def test_no_record_before_step_0(trained, photo):
    with pytest.raises(AssertionError, match="at least step 0"):
        Run(trained, photo, settings()).record()


def test_titles_are_made_fit_for_a_record(trained, photo, tmp_path):
    title = "line\nbreak " + "x" * 1000 + "\udc80"  # a file name that is not UTF-8
    record = Run(trained, photo, settings(steps=0), title=title).all()
    assert record.title.startswith("line break xx")
    record.save(tmp_path / "run")
    assert Record.load(tmp_path / "run") == record


# Without truth


def test_1x_prediction_stands_in(trained, photo):
    record = Run(trained, photo, settings(method="oracle")).all()
    assert record.reference == "1x prediction"
    assert record.numbers("iou") == record.numbers("accuracy") == [None] * 4
    assert all(0 <= value <= 1 for value in record.numbers("agreement"))
    at_1x = Run(trained, photo, settings(scale=1.0, steps=0)).all()
    assert at_1x.numbers("agreement") == [1.0]
    assert np.array_equal(at_1x.truth, record.truth)


def test_truth_that_ignores_everything(trained, photo, tmp_path):
    nothing = np.full(photo.shape[:2], IGNORE)
    record = Run(trained, photo, settings(method="oracle"), nothing).all()
    assert record.numbers("iou") == record.numbers("accuracy") == [None] * 4
    assert record.numbers("loss") == [0] * 4
    record.save(tmp_path / "run")
    assert "NaN" not in (tmp_path / "run.json").read_text()


# Bad input


def test_mask_of_another_size(trained, photo):
    with pytest.raises(InputError, match="give a mask of the photo's size"):
        Run(trained, photo, settings(), np.zeros((3, 4), np.int64)).all()


def test_too_large(trained):
    """A run of more than any computer has is refused before it begins."""
    photo = np.zeros((4096, 4096, 3), np.uint8)
    with pytest.raises(InputError, match=r"choose a scale up to|close other programs"):
        Run(trained, photo, settings(scale=8.0, steps=512)).all()


@pytest.mark.parametrize("size", [(16, 16), (17, 40), (40, 17)])
@pytest.mark.parametrize("scale", [0.25, 1.0, 2.3])
def test_smallest_photos(trained, size, scale):
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    record = Run(trained, photo, settings(scale=scale, steps=1)).all()
    assert record.labels.shape == (2, *size)
    assert all(math.isfinite(value) for value in record.numbers("entropy"))


def test_wild_learning_rates_leave_a_record(trained, photo, truth, tmp_path):
    record = Run(trained, photo, settings(learning_rate=1.0, variables="all"), truth).all()
    record.save(tmp_path / "run")
    assert Record.load(tmp_path / "run") == record
    assert "NaN" not in (tmp_path / "run.json").read_text()


# Wrapped modules


METHODS = (
    *("feedforward", "entropy", "entropy:centred", "entropy-two-scales", "oracle"),
    *("pyramid:rule", "pyramid:rule:entropy", "flip"),
)


@pytest.mark.parametrize("method", METHODS)
def test_methods_on_a_wrapped_module(foreign, photo, method):
    before = tensor_hash(foreign.network)
    truth = np.indices(photo.shape[:2])[0] // 20
    settings = Settings.parse(method, scale=1, groups=foreign.network.groups)
    if settings.steps:
        settings = dataclasses.replace(settings, steps=2)
    made = Run(foreign, photo, settings, truth).all()
    assert made.classes == ("road", "car", "tree", "sky") and made.sigma is None
    assert set(made.numbers("sigma")) == {None}
    with torch.no_grad():
        x = foreign.network.normalise(torch.tensor(photo).permute(2, 0, 1)[None].float())
        own = foreign.network(x.contiguous(memory_format=torch.channels_last))[0]
    assert (made.labels[0] == own.argmax(0).numpy()).mean() > 0.999  # step 0 is the module's own
    assert tensor_hash(foreign.network) == before and not foreign.network.module.training


def test_all_parameters_of_a_wrapped_module(foreign, photo):
    before = tensor_hash(foreign.network)
    made = Run(
        foreign, photo, Settings(scale=1, steps=2, variables="all", learning_rate=0.01)
    ).all()
    assert made.numbers("distance")[2] > 0 and made.numbers("changed")[2] >= 0
    assert made.numbers("entropy")[2] < made.numbers("entropy")[0]
    assert tensor_hash(foreign.network) == before


def test_runs_of_a_wrapped_module_that_are_stopped_or_fail(foreign, photo):
    before = tensor_hash(foreign.network)
    run = Run(foreign, photo, Settings(scale=1, steps=5, variables="score"))
    for step in run:
        if step.step == 2:
            break
    assert run.record().last == 2
    with pytest.raises(InputError, match=r"'both'.*score"):
        Run(foreign, photo, Settings(scale=1)).all()
    assert tensor_hash(foreign.network) == before
    assert not any(p.requires_grad for p in foreign.network.parameters())


def test_memory_of_a_run_of_a_wrapped_module(foreign, photo):
    needed = Run(foreign, photo, Settings(scale=1, variables="score")).memory().bytes
    larger = Run(foreign, photo, Settings(scale=8, variables="score")).memory().bytes
    assert needed is not None and larger is not None and needed < larger


def test_a_module_that_cannot_be_traced_has_no_estimate(photo):
    class Opaque(torch.nn.Conv2d):
        def forward(self, x):
            assert not x.is_meta, "this needs numbers"
            return super().forward(x)

    network = segviz.wrap(Opaque(3, 3, 8, 8), mean=(124, 116, 104), std=(58, 57, 57))
    run = Run(network, photo, Settings(scale=1, steps=1, variables="score"))
    assert run.memory().bytes is None
    assert run.all().last == 1


def test_records_of_a_wrapped_module(foreign, photo, tmp_path):
    made = Run(foreign, photo, Settings(scale=1, steps=1, variables="score")).all()
    made.save(tmp_path / "run")
    assert Record.load(tmp_path / "run") == made
    assert "srcdoc" in made._repr_html_() and len(repr(made)) < 500


def test_colours_of_a_record(foreign, trained, photo, tmp_path):
    settings = Settings(scale=1, method="feedforward")
    made, usual = (Run(each, photo, settings).all() for each in (foreign, trained))
    assert made.colours == foreign.class_list.colours and made.background is None
    assert (made.palette[:4] == PALETTE[1:5]).all() and (made.palette[4:] == PALETTE[4:]).all()
    assert usual.colours is None and usual.background == 0 and (usual.palette == PALETTE).all()
    made.save(tmp_path / "run")
    assert Record.load(tmp_path / "run").colours == made.colours


def test_a_photo_larger_than_records_hold_is_refused(trained):
    photo = np.zeros((300, 4097, 3), np.uint8)
    with pytest.raises(
        InputError, match=r"4097 x 300 pixels, .* at most 4096; .* --long-side 4096"
    ):
        Run(trained, photo, Settings(scale=0.25, steps=0)).all()

import json
import shutil
import signal
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from segviz import metrics
from segviz.adapt import OBJECTIVES
from segviz.adapt.methods import FEEDFORWARD
from segviz.adapt.settings import Settings
from segviz.data import voc
from segviz.errors import InputError
from segviz.evaluation.measured_method import MeasuredMethod, parse_methods
from segviz.evaluation.measurement import (
    MethodMeasurement,
    collect,
    measure_image,
    measure_images,
    plan_measurements,
    row_key,
)
from segviz.evaluation.row_store import EpisodeRow, RowKey, RowStore
from segviz.network.checkpoint import tensor_hash
from segviz.runs.run import Run
from segviz.runtime.distributed import TaskQueue
from tests.forked import ForkedProcess, run_code

IDS = ["2007_000007", "2007_000008", "2008_000009"]


def methods(*spellings, steps=(2,), variables="both", **defaults):
    defaults = {"learning_rate": 1e-2, **defaults}
    return [MeasuredMethod.parse(spelling, variables, steps, **defaults) for spelling in spellings]


def run(trained, root, folder, scales, chosen, ids=IDS, on_image=lambda: None):
    """Measure in one process and return the measurements and the failures."""
    measurements, data = plan_measurements(scales, chosen, 21), voc.VocImages(root, "val", ids)
    store = RowStore(folder, trained.sha256, 21)
    try:
        measure_images(trained, data, ids, measurements, store, TaskQueue(), on_image)
        return measurements, collect(store, data, ids, measurements)
    finally:
        store.close()


def totals(measurements):
    """The contents of a result file for these measurements, without the seconds."""
    results = [msgspec.structs.replace(each.result(), seconds=None) for each in measurements]
    return (
        results,
        [each.by_image() for each in measurements],
        [each.images for each in measurements],
    )


@pytest.fixture
def copy(voc_root, tmp_path):
    """A copy of the miniature VOC that may be changed."""
    root = tmp_path / "VOC2012"
    shutil.copytree(voc_root, root)
    return root


# Plans


def test_keys():
    method = MeasuredMethod.parse("entropy", "score", (0, 2))
    assert row_key(1.5, method, 2) == RowKey(1.5, "entropy", "score", 2)
    assert row_key(1.5, method, 0) == row_key(1.5, MeasuredMethod.parse(FEEDFORWARD), 0)


def test_plan():
    chosen = [MeasuredMethod.parse(FEEDFORWARD), *methods("entropy", "oracle", steps=(2, 5))]
    measurements = plan_measurements([1.0, 3.0], chosen, 21)
    lr = "lr=0.01"
    assert [measurement.key for measurement in measurements] == [
        RowKey(scale, *rest)
        for scale in (1.0, 3.0)
        for rest in (
            (FEEDFORWARD, "", 0),
            (f"entropy:{lr}", "both", 2),
            (f"entropy:{lr}", "both", 5),
            (f"oracle:{lr}", "both", 2),
            (f"oracle:{lr}", "both", 5),
        )
    ]
    assert all(
        measurement.matrix.shape == (21, 21) and not measurement.matrix.any()
        for measurement in measurements
    )


def test_nothing_is_planned_twice():
    chosen = [
        MeasuredMethod.parse(FEEDFORWARD),
        MeasuredMethod.parse("entropy", "score", (0, 2)),
        MeasuredMethod.parse("entropy", "scale", (0, 2)),
        MeasuredMethod.parse("entropy:steps=2", "score"),
    ]
    measurements = plan_measurements([1.0, 1.0], chosen, 21)
    assert [
        (measurement.key.method, measurement.key.variables, measurement.step)
        for measurement in measurements
    ] == [
        (FEEDFORWARD, "", 0),
        ("entropy", "score", 2),
        ("entropy", "scale", 2),
    ]
    row = plan_measurements([1.0], [MeasuredMethod.parse("entropy", "score", (0, 2))], 21)[
        0
    ].result()
    assert (row.method, row.variables, row.steps) == (FEEDFORWARD, None, 0)


def test_plan_checks_scales():
    with pytest.raises(InputError, match=r"scale must be .* got 9\.0"):
        plan_measurements([1.0, 9.0], [MeasuredMethod.parse(FEEDFORWARD)], 21)


# Cells


def test_every_measurement_equals_runs_of_its_length(trained, voc_root, tmp_path):
    """Image by image; the steps of one episode equal episodes of that length."""
    chosen = [
        MeasuredMethod.parse(FEEDFORWARD),
        *methods("entropy", steps=(0, 1, 3)),
        *methods("oracle:centred", variables="score"),
    ]
    before = tensor_hash(trained.network)
    measurements, failed = run(trained, voc_root, tmp_path, [1.0, 1.5], chosen)
    assert tensor_hash(trained.network) == before and failed == {}
    assert [measurement.step for measurement in measurements] == 2 * [0, 1, 3, 2]
    for measurement in measurements:
        settings = Settings.of(measurement.method.at(measurement.step), measurement.scale)
        matrix, entropy, sigma, iou, accuracy = np.zeros((21, 21), int), [], [], [], []
        for name in IDS:
            photo, truth = voc.read_photo(voc_root, name), voc.read_truth(voc_root, name)
            *_, last = Run(trained, photo, settings, truth)
            assert last.step == measurement.step
            for t, y in zip(truth.flat, last.labels.flat, strict=True):
                if t != 255:
                    matrix[t, y] += 1
            entropy.append(last.entropy)
            sigma.append(last.sigma)
            iou.append(round(last.iou, 4))
            accuracy.append(round(last.accuracy, 4))
        assert np.array_equal(measurement.matrix, matrix), measurement.key
        result, each = measurement.result(), measurement.by_image()
        assert result.miou == metrics.mean_iou(matrix)
        assert result.accuracy == metrics.accuracy(matrix)
        assert result.entropy == pytest.approx(np.mean(entropy), rel=1e-12)
        assert result.sigma == pytest.approx(np.mean(sigma), rel=1e-12)
        assert result.seconds > 0
        assert measurement.images == IDS
        assert each.iou == tuple(iou) and each.accuracy == tuple(accuracy)
        assert each.entropy == tuple(round(value, 4) for value in entropy)


def test_result(trained, voc_root, tmp_path):
    measurements, _ = run(
        trained, voc_root, tmp_path, [1.0], methods("feedforward", "oracle"), ids=IDS[:1]
    )
    feedforward, oracle = (measurement.result() for measurement in measurements)
    assert (oracle.scale, *oracle.variant) == (1.0, "oracle:lr=0.01", "both", 2)
    assert (oracle.learning_rate, oracle.centred) == (1e-2, False)
    assert feedforward.variant == (FEEDFORWARD, None, 0)
    assert feedforward.learning_rate is None and feedforward.centred is None
    assert len(feedforward.class_iou) == len(oracle.class_iou) == 21
    assert feedforward.entropy != oracle.entropy


def test_a_measurement_without_images_has_no_numbers():
    empty = MethodMeasurement(
        2.0, MeasuredMethod.parse("entropy"), 32, np.zeros((21, 21), int)
    ).result()
    assert (empty.miou, empty.accuracy, empty.entropy, empty.seconds) == 4 * (None,)
    assert empty.class_iou == 21 * (None,)


def test_nan_of_an_image_is_none():
    (measurement,) = plan_measurements([1.0], [MeasuredMethod.parse(FEEDFORWARD)], 21)
    for name, entropy in (("a", float("nan")), ("b", 0.5)):
        matrix = np.eye(21, dtype=np.int64)
        measurement.add(name, EpisodeRow(measurement.key, matrix, entropy, 9.0, 0.1))
    assert measurement.result().entropy is None and measurement.result().miou == 1
    assert measurement.by_image().entropy == (None, 0.5)


def test_seconds_grow_with_the_steps_of_one_episode(trained, voc_root, tmp_path):
    chosen = methods("feedforward", "entropy", steps=(1, 3, 8))
    measurements, _ = run(trained, voc_root, tmp_path, [1.0], chosen)
    for index in range(3):
        seconds = [measurement.seconds[index] for measurement in measurements[1:]]
        assert seconds == sorted(seconds) and seconds[0] > 0


@pytest.fixture
def losses(monkeypatch):
    """The names of the objectives whose loss was computed on an image, in order."""
    calls = []
    for name, objective in OBJECTIVES.items():

        def loss(pixels, name=name, compute=objective.loss):
            value = compute(pixels)
            if value.device.type != "meta":  # of the estimate of memory
                calls.append(name)
            return value

        monkeypatch.setitem(OBJECTIVES, name, replace(objective, loss=loss))
    return calls


@pytest.fixture
def encoded(trained, monkeypatch):
    """The sizes of the photos that the network encoded, in order."""
    calls, encode = [], trained.network.encode

    def counted(x):
        calls.append(tuple(x.shape[2:]))
        return encode(x)

    monkeypatch.setattr(trained.network, "encode", counted)
    return calls


def test_one_forward_pass_a_scale_and_one_episode_for_all_steps(
    trained, photo, truth, losses, encoded
):
    measurements = plan_measurements([1.0, 1.5], methods("oracle", "entropy", steps=(0, 1, 2)), 21)
    found = list(measure_image(trained, photo, truth, measurements))
    assert losses == 2 * (3 * ["oracle"] + 3 * ["entropy"])
    assert len(encoded) == len(set(encoded)) == 2
    assert [{row.key for row in rows} for rows in found] == [
        {each.key for each in measurements if each.scale == scale} for scale in (1.0, 1.5)
    ]


def test_methods_on_several_sizes(trained, photo, truth):
    """Steps count updates: those in which views join come before."""
    names = "feedforward", "pyramid:rule", "pyramid:rule:entropy"
    measurements = plan_measurements([1.0], parse_methods(names, steps=(0, 2)), 21)
    assert [each.key for each in measurements] == [
        RowKey(1.0, "feedforward", "", 0),
        RowKey(1.0, "pyramid:rule", "", 0),
        RowKey(1.0, "pyramid:rule:entropy", "gate", 2),
    ]
    (rows,) = measure_image(trained, photo, truth, measurements)
    for row, each in zip(rows, measurements, strict=True):
        assert row.key == each.key and row.seconds > 0
        *_, last = Run(trained, photo, Settings.of(each.method.at(each.step), 1.0), truth)
        assert np.array_equal(row.matrix, metrics.confusion(truth, last.labels, 21))
        assert row.entropy == last.entropy


def test_episode_that_its_tolerance_ended(trained, photo, truth):
    """The last state stands for all later steps."""
    chosen = methods("entropy", steps=(0, 1, 5), tolerance=0.99)
    (rows,) = measure_image(trained, photo, truth, plan_measurements([1.0], chosen, 21))
    steps = list(Run(trained, photo, Settings.of(chosen[0].method, 1.0), truth))
    assert [step.step for step in steps] == [0, 1]
    by_step = {row.key.step: row for row in rows}
    assert by_step.keys() == {0, 1, 5}
    assert np.array_equal(by_step[5].matrix, by_step[1].matrix)
    assert by_step[5].entropy == by_step[1].entropy == steps[1].entropy
    assert by_step[1].entropy != by_step[0].entropy


# Failures


def test_unreadable_image_is_left_out_everywhere(trained, copy, tmp_path):
    path = copy / "JPEGImages" / "2007_000008.jpg"
    photo = path.read_bytes()
    path.write_bytes(b"no photo")
    chosen = methods("feedforward", "entropy")
    measurements, failed = run(trained, copy, tmp_path / "a", [1.0, 2.0], chosen)
    expected, _ = run(trained, copy, tmp_path / "b", [1.0, 2.0], chosen, ids=[IDS[0], IDS[2]])
    assert totals(measurements) == totals(expected)
    assert list(failed) == ["2007_000008"] and "2007_000008" in failed["2007_000008"]
    assert "\n" not in failed["2007_000008"]

    path.write_bytes(photo)  # the next run tries it again
    measurements, failed = run(trained, copy, tmp_path / "a", [1.0, 2.0], chosen)
    whole, _ = run(trained, copy, tmp_path / "c", [1.0, 2.0], chosen)
    assert failed == {} and totals(measurements) == totals(whole) and measurements[0].images == IDS


def test_mask_of_another_size_is_a_failure(trained, copy, tmp_path):
    masks = copy / "SegmentationClass"
    shutil.copy(masks / "2008_000005.png", masks / "2007_000008.png")
    (measurement,), failed = run(trained, copy, tmp_path, [1.0], methods("feedforward"))
    assert measurement.images == [IDS[0], IDS[2]] and "the mask is 72 x 96" in failed["2007_000008"]


def test_missing_image(trained, voc_root, tmp_path):
    (measurement,), failed = run(
        trained, voc_root, tmp_path, [1.0], methods("feedforward"), ids=["2007_999999"]
    )
    assert measurement.images == [] and "2007_999999" in failed["2007_999999"]


@pytest.mark.parametrize("error", [RuntimeError("no\nmemory"), MemoryError()])
def test_image_that_fails_at_one_scale_counts_at_none(
    trained, voc_root, tmp_path, monkeypatch, error
):
    calls, encode = [], trained.network.encode

    def fail(x):
        calls.append(1)
        if len(calls) == 4:  # the second image at 2x
            raise error
        return encode(x)

    with monkeypatch.context() as patch:
        patch.setattr(trained.network, "encode", fail)
        chosen = methods("feedforward")
        measurements, failed = run(trained, voc_root, tmp_path, [1.0, 2.0], chosen)
    assert [each.images for each in measurements] == 2 * [[IDS[0], IDS[2]]]
    assert failed == {IDS[1]: "no memory" if str(error) else "MemoryError"}
    (measurement,), failed = run(trained, voc_root, tmp_path, [1.0], chosen)
    assert measurement.images == IDS and failed == {}  # all rows of this evaluation exist


def test_only_images_that_all_measurements_have(trained, voc_root, tmp_path):
    run(trained, voc_root, tmp_path, [1.0], methods("feedforward"))
    run(trained, voc_root, tmp_path, [1.0], methods("entropy"), ids=IDS[1:])
    store = RowStore(tmp_path, trained.sha256, 21)
    measurements = plan_measurements([1.0], methods("feedforward", "entropy"), 21)
    assert collect(store, voc.VocImages(voc_root, "val", IDS), IDS, measurements) == {}
    store.close()
    assert [measurement.images for measurement in measurements] == 2 * [IDS[1:]]


# Stops


def test_stopped_after_any_image_and_resumed(trained, voc_root, tmp_path):
    chosen = methods("feedforward", "entropy")
    whole, _ = run(trained, voc_root, tmp_path / "whole", [1.0, 1.5], chosen)
    assert whole[0].images == IDS
    for last in (1, 2, 3):
        seen = []

        def stop(seen=seen, last=last):
            seen.append(1)
            if len(seen) == last:
                raise KeyboardInterrupt

        folder = tmp_path / f"after-{last}"
        with pytest.raises(KeyboardInterrupt):
            run(trained, voc_root, folder, [1.0, 1.5], chosen, on_image=stop)
        store = RowStore(folder, trained.sha256, 21)
        far = plan_measurements([1.0, 1.5], chosen, 21)
        collect(store, voc.VocImages(voc_root, "val", IDS), IDS, far)
        store.close()
        assert [measurement.images for measurement in far] == 4 * [IDS[:last]]
        assert len({measurement.matrix.sum() for measurement in far}) == 1
        measurements, failed = run(trained, voc_root, folder, [1.0, 1.5], chosen)
        assert totals(measurements) == totals(whole) and failed == {}


@pytest.mark.parametrize("label", [1, 2, 5, 7])
def test_stopped_in_an_image_and_resumed(trained, voc_root, tmp_path, monkeypatch, label):
    """An image has four predictions, two a scale; finished scales are kept."""
    chosen = methods("feedforward", "entropy")
    confusion, calls = metrics.confusion, []

    def press(*arguments):
        calls.append(1)
        if len(calls) == label:
            raise KeyboardInterrupt
        return confusion(*arguments)

    monkeypatch.setattr(metrics, "confusion", press)
    with pytest.raises(KeyboardInterrupt):
        run(trained, voc_root, tmp_path / "cut", [1.0, 1.5], chosen)
    calls[:] = 99 * [1]
    measurements, _ = run(trained, voc_root, tmp_path / "cut", [1.0, 1.5], chosen)
    assert len(calls) - 99 == 12 - 2 * ((label - 1) // 2)
    whole, _ = run(trained, voc_root, tmp_path / "whole", [1.0, 1.5], chosen)
    assert totals(measurements) == totals(whole)


def test_nothing_is_measured_twice(trained, voc_root, tmp_path, losses):
    run(trained, voc_root, tmp_path, [1.0], methods("entropy"))
    first, _ = run(trained, voc_root, tmp_path, [1.0, 1.5], methods("entropy", "oracle"))
    losses.clear()
    second, _ = run(trained, voc_root, tmp_path, [1.5, 1.0], methods("oracle", "entropy"))
    assert losses == []
    assert totals(sorted(second, key=lambda measurement: measurement.key)) == totals(
        sorted(first, key=lambda measurement: measurement.key)
    )
    run(trained, voc_root, tmp_path, [1.0], methods("entropy", steps=(2, 4)))
    assert losses == 5 * len(IDS) * ["entropy"]


KILLS = """
import os, sys
from segviz import metrics
from segviz.cli.main import main
from segviz.data import voc
from segviz.evaluation.row_store import RowStore

def die(owner, name, call):
    real, calls = getattr(owner, name), []
    def counted(*arguments):
        calls.append(1)
        if len(calls) == call:
            os.kill(os.getpid(), 9)
        return real(*arguments)
    setattr(owner, name, counted)

# While reading the first image, in the middle of the second one's episodes, before a commit.
for moment in ((voc, "read_truth", 1), (metrics, "confusion", 7), (RowStore, "add", 5)):
    child = os.fork()
    if child == 0:
        die(*moment)
        os._exit(main(sys.argv[1:]))
    print(f"\\nended by {os.WTERMSIG(os.waitpid(child, 0)[1])}", file=sys.stderr, flush=True)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_three_kills(cli, voc_root, checkpoint_path, tmp_path):
    """After three SIGKILLs of a whole process, the result is that of an undisturbed one."""
    arguments = [
        "evaluate", "--voc-root", str(voc_root), "--scales", "1,1.5", "--methods",
        "feedforward,entropy,oracle", "--steps", "1,3", "--by-image", "--threads", "1", "--json",
    ]  # fmt: skip
    fixed = ["--checkpoint", str(checkpoint_path), "--device", "cpu"]
    program = ForkedProcess(run_code, KILLS, *arguments, *fixed, "--out", str(tmp_path / "cut"))
    cut, err = program.communicate()
    assert program.returncode == 0, err
    assert err.splitlines().count(f"ended by {signal.SIGKILL:d}") == 3
    code, out, _ = cli(*arguments, "--out", tmp_path / "whole")
    assert code == 0
    results = [json.loads(text) for text in (cut, out)]
    for result in results:
        assert result["images"] == 4 and result["complete"] is True
        for row in result["results"]:
            assert row.pop("seconds") > 0
        for key in ("command", "environment"):
            del result[key]
    assert results[0] == results[1]

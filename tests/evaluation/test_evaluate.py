import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import segviz
from segviz import metrics
from segviz.adapt import Settings
from segviz.data import voc
from segviz.errors import InputError
from segviz.evaluation import evaluate as module
from segviz.evaluation.evaluate import FEEDFORWARD, Cell, Method, collect, evaluate, measure, plan
from segviz.evaluation.row_store import Key, Store
from segviz.network.checkpoint import tensor_hash
from segviz.runs.run import Run
from segviz.runtime.distributed import TaskQueue

ROOT = Path(segviz.__file__).parents[1]
IDS = ["2007_000007", "2007_000008", "2008_000009"]


def methods(*spellings, steps=(2,), variables="both", **defaults):
    defaults = {"learning_rate": 1e-2, **defaults}
    return [Method.parse(spelling, variables, steps, **defaults) for spelling in spellings]


def run(trained, root, folder, scales, chosen, ids=IDS, on_image=lambda: None):
    """What one process finds: the cells and the failures."""
    cells = plan(scales, chosen, 21)
    store = Store(folder, trained.sha256, 21)
    try:
        evaluate(trained, root, ids, cells, store, TaskQueue(), on_image)
        return cells, collect(store, ids, cells)
    finally:
        store.close()


def told(cells):
    """All that a result file says of cells, but for the seconds."""
    results = [{k: v for k, v in cell.result().items() if k != "seconds"} for cell in cells]
    return results, [cell.by_image() for cell in cells], [cell.images for cell in cells]


@pytest.fixture
def copy(voc_root, tmp_path):
    """The miniature VOC, to be written to."""
    root = tmp_path / "VOC2012"
    shutil.copytree(voc_root, root)
    return root


# Methods


def test_methods():
    feedforward = Method.parse("feedforward")
    assert feedforward.settings == Settings(steps=0) and feedforward.at == (0,)
    assert Method.parse("entropy").settings == Settings() and Method.parse("entropy").at == (32,)
    assert Method.parse("oracle", "score", steps=(5,), tolerance=0.1).settings == Settings(
        objective="oracle", variables="score", steps=5, tolerance=0.1
    )
    assert Method.parse("entropy-marginal:centred:lr=3e-4:steps=7", "scale").settings == Settings(
        objective="entropy-marginal",
        variables="scale",
        steps=7,
        learning_rate=3e-4,
        centred=True,
    )


def test_steps_of_a_method():
    several = Method.parse("entropy", steps=(128, 0, 32, 32))
    assert several.at == (0, 32, 128) and several.settings.steps == 128
    assert Method.parse("entropy:steps=3", steps=(9, 12)).at == (3,)
    assert Method.parse("feedforward", steps=(9, 12)).at == (0,)
    with pytest.raises(InputError, match=r"no steps to measure at; give at least one.*\.$"):
        Method.parse("entropy", steps=())


def test_names():
    """One name for one way to adapt, however it was asked for; never one name for two."""
    assert Method.parse(" entropy ").name == "entropy"
    assert Method.parse("entropy:lr=1e-3:steps=7", "score").name == "entropy"
    assert Method.parse("entropy", steps=(0,)).name == FEEDFORWARD
    spelt = Method.parse("entropy:lr=3e-4:centred", steps=(1, 2))
    given = Method.parse("entropy", steps=(1, 2), centred=True, learning_rate=3e-4)
    assert spelt.name == given.name == "entropy:centred:lr=0.0003"
    assert Method.parse(spelt.name, steps=(1, 2)) == spelt
    tolerant = Method.parse("oracle", tolerance=0.01)
    assert tolerant.name == "oracle:tolerance=0.01" and Method.parse(tolerant.name) == tolerant
    rates = ("0.00012345678", "0.00012345679")
    assert len({Method.parse(f"entropy:lr={rate}").name for rate in rates}) == 2


def test_keys():
    method = Method.parse("entropy", "score", (0, 2))
    assert method.key(1.5, 2) == Key(1.5, "entropy", "score", 2)
    assert method.key(1.5, 0) == Method.parse(FEEDFORWARD).key(1.5, 0)


@pytest.mark.parametrize(
    ("spelling", "pattern"),
    [
        ("", "no objective ''; choose one of entropy"),
        ("entropia", "no objective 'entropia'; choose one of entropy"),
        ("feedforward:steps=3", "'feedforward:steps=3': feedforward takes no options"),
        (
            "entropy:fast",
            "'fast' in 'entropy:fast' is not an option.*lr=RATE, tolerance=PART and steps=T",
        ),
        ("entropy:", "'' in 'entropy:' is not an option"),
        ("entropy:lr", "'lr' in 'entropy:lr' is not an option"),
        ("entropy:lr=quick", "'lr=quick' in"),
        ("entropy:steps=2.5", r"'steps=2\.5' in"),
        ("entropy:centred=no", "'centred=no' in"),
        ("entropy:lr=7", "learning rate must be .* got 7.0"),
        ("entropy:lr=nan", "learning rate must be .* got nan"),
        ("entropy:steps=-1", "steps must be .* got -1"),
    ],
)
def test_misspelt_methods(spelling, pattern):
    with pytest.raises(InputError, match=pattern) as caught:
        Method.parse(spelling)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


# Plans


def test_plan():
    chosen = [Method.parse(FEEDFORWARD), *methods("entropy", "oracle", steps=(2, 5))]
    cells = plan([1.0, 3.0], chosen, 21)
    lr = "lr=0.01"
    assert [cell.key for cell in cells] == [
        Key(scale, *rest)
        for scale in (1.0, 3.0)
        for rest in (
            (FEEDFORWARD, "both", 0),
            (f"entropy:{lr}", "both", 2),
            (f"entropy:{lr}", "both", 5),
            (f"oracle:{lr}", "both", 2),
            (f"oracle:{lr}", "both", 5),
        )
    ]
    assert all(cell.matrix.shape == (21, 21) and not cell.matrix.any() for cell in cells)


def test_nothing_is_planned_twice():
    chosen = [
        Method.parse(FEEDFORWARD),
        Method.parse("entropy", "score", (0, 2)),
        Method.parse("entropy", "scale", (0, 2)),
        Method.parse("entropy:steps=2", "score"),
    ]
    cells = plan([1.0, 1.0], chosen, 21)
    assert [(cell.key.method, cell.key.variables, cell.step) for cell in cells] == [
        (FEEDFORWARD, "both", 0),
        ("entropy", "score", 2),
        ("entropy", "scale", 2),
    ]
    row = plan([1.0], [Method.parse("entropy", "score", (0, 2))], 21)[0].result()
    assert (row["method"], row["variables"], row["steps"]) == (FEEDFORWARD, None, 0)


def test_plan_checks_scales():
    with pytest.raises(InputError, match=r"scale must be .* got 9\.0"):
        plan([1.0, 9.0], [Method.parse(FEEDFORWARD)], 21)


# Cells


def test_every_cell_against_the_apps_runs(trained, voc_root, tmp_path):
    """Image by image; the steps of one episode equal episodes of that length."""
    chosen = [
        Method.parse(FEEDFORWARD),
        *methods("entropy", steps=(0, 1, 3)),
        *methods("oracle:centred", variables="score"),
    ]
    before = tensor_hash(trained.network)
    cells, failed = run(trained, voc_root, tmp_path, [1.0, 1.5], chosen)
    assert tensor_hash(trained.network) == before and failed == {}
    assert [cell.step for cell in cells] == 2 * [0, 1, 3, 2]
    for cell in cells:
        settings = replace(cell.method.settings, scale=cell.scale, steps=cell.step)
        matrix, entropy, sigma, iou, accuracy = np.zeros((21, 21), int), [], [], [], []
        for name in IDS:
            photo, truth = voc.read_photo(voc_root, name), voc.read_truth(voc_root, name)
            *_, last = Run(trained, photo, settings, truth)
            assert last.step == cell.step
            for t, y in zip(truth.flat, last.labels.flat, strict=True):
                if t != 255:
                    matrix[t, y] += 1
            entropy.append(last.entropy)
            sigma.append(last.sigma)
            iou.append(round(last.iou, 4))
            accuracy.append(round(last.accuracy, 4))
        assert np.array_equal(cell.matrix, matrix), cell.key
        result, each = cell.result(), cell.by_image()
        assert result["miou"] == metrics.mean_iou(matrix)
        assert result["accuracy"] == metrics.accuracy(matrix)
        assert result["entropy"] == pytest.approx(np.mean(entropy), rel=1e-12)
        assert result["sigma"] == pytest.approx(np.mean(sigma), rel=1e-12)
        assert result["seconds"] > 0
        assert cell.images == IDS
        assert each["iou"] == iou and each["accuracy"] == accuracy
        assert each["entropy"] == [round(value, 4) for value in entropy]


def test_result_row(trained, voc_root, tmp_path):
    cells, _ = run(
        trained, voc_root, tmp_path, [1.0], methods("feedforward", "oracle"), ids=IDS[:1]
    )
    feedforward, oracle = (cell.result() for cell in cells)
    contract = ["scale", "method", "variables", "steps", "miou", "accuracy", "entropy", "seconds"]
    for row in (feedforward, oracle):
        assert set(contract) <= row.keys()
        assert len(row["class_iou"]) == 21
        json.dumps(row, allow_nan=False)
    assert (oracle["scale"], oracle["method"]) == (1.0, "oracle:lr=0.01")
    assert (oracle["variables"], oracle["steps"]) == ("both", 2)
    assert (oracle["learning_rate"], oracle["centred"]) == (1e-2, False)
    assert (feedforward["method"], feedforward["steps"]) == (FEEDFORWARD, 0)
    for key in ("variables", "learning_rate", "centred"):
        assert feedforward[key] is None


def test_empty_cell_has_no_numbers():
    row = Cell(2.0, Method.parse("entropy"), 32, np.zeros((21, 21), int)).result()
    assert [row[key] for key in ("miou", "accuracy", "entropy", "seconds")] == 4 * [None]
    assert row["class_iou"] == [None] * 21
    json.dumps(row, allow_nan=False)


def test_seconds_grow_with_the_steps_of_one_episode(trained, voc_root, tmp_path):
    chosen = methods("feedforward", "entropy", steps=(1, 3, 8))
    cells, _ = run(trained, voc_root, tmp_path, [1.0], chosen)
    for index in range(3):
        seconds = [cell.seconds[index] for cell in cells[1:]]
        assert seconds == sorted(seconds) and seconds[0] > 0


def test_one_episode_for_all_steps(trained, photo, truth, monkeypatch):
    calls = []
    optimise = module.optimise
    monkeypatch.setattr(module, "optimise", lambda *a: calls.append(a[2].objective) or optimise(*a))
    encoded = []
    encode_photo = module.encode_photo
    monkeypatch.setattr(module, "encode_photo", lambda *a: encoded.append(a[2]) or encode_photo(*a))
    cells = plan([1.0, 1.5], methods("oracle", "entropy", steps=(0, 1, 2)), 21)
    found = list(measure(trained, photo, truth, cells))
    assert calls == 2 * ["oracle", "entropy"] and encoded == [1.0, 1.5]
    assert [{row.key for row in rows} for rows in found] == [
        {cell.key for cell in cells if cell.scale == scale} for scale in (1.0, 1.5)
    ]


def test_episode_that_its_tolerance_ended(trained, photo, truth):
    """It stays as it is: later steps have its last state."""
    chosen = methods("entropy", steps=(0, 1, 5), tolerance=0.99)
    (rows,) = measure(trained, photo, truth, plan([1.0], chosen, 21))
    steps = list(Run(trained, photo, replace(chosen[0].settings, scale=1.0), truth))
    assert [step.step for step in steps] == [0, 1]
    by_step = {row.key.step: row for row in rows}
    assert by_step.keys() == {0, 1, 5}
    assert np.array_equal(by_step[5].matrix, by_step[1].matrix)
    assert by_step[5].entropy == by_step[1].entropy == steps[1].entropy
    assert by_step[1].entropy != by_step[0].entropy


def test_what_is_no_number_does_not_end_the_table(trained, voc_root, tmp_path, monkeypatch):
    entropies = iter([float("nan"), 0.5])
    measured = module.measure

    def broken(*arguments):
        for rows in measured(*arguments):
            yield [replace(row, entropy=next(entropies)) for row in rows]

    monkeypatch.setattr(module, "measure", broken)
    (cell,), _ = run(trained, voc_root, tmp_path, [1.0], methods("feedforward"), ids=IDS[:2])
    assert cell.result()["entropy"] is None
    assert cell.by_image()["entropy"] == [None, 0.5]


# Failures


def test_unreadable_image_is_left_out_everywhere(trained, copy, tmp_path):
    path = copy / "JPEGImages" / "2007_000008.jpg"
    photo = path.read_bytes()
    path.write_bytes(b"no photo")
    chosen = methods("feedforward", "entropy")
    cells, failed = run(trained, copy, tmp_path / "a", [1.0, 2.0], chosen)
    expected, _ = run(trained, copy, tmp_path / "b", [1.0, 2.0], chosen, ids=[IDS[0], IDS[2]])
    assert told(cells) == told(expected)
    assert list(failed) == ["2007_000008"] and "2007_000008" in failed["2007_000008"]
    assert "\n" not in failed["2007_000008"]

    path.write_bytes(photo)  # the next run tries it again
    cells, failed = run(trained, copy, tmp_path / "a", [1.0, 2.0], chosen)
    whole, _ = run(trained, copy, tmp_path / "c", [1.0, 2.0], chosen)
    assert failed == {} and told(cells) == told(whole) and cells[0].images == IDS


def test_mask_of_another_size_is_a_failure(trained, copy, tmp_path):
    masks = copy / "SegmentationClass"
    shutil.copy(masks / "2008_000005.png", masks / "2007_000008.png")
    (cell,), failed = run(trained, copy, tmp_path, [1.0], methods("feedforward"))
    assert cell.images == [IDS[0], IDS[2]] and "the mask is 72 x 96" in failed["2007_000008"]


def test_missing_image(trained, voc_root, tmp_path):
    (cell,), failed = run(
        trained, voc_root, tmp_path, [1.0], methods("feedforward"), ids=["2007_999999"]
    )
    assert cell.images == [] and "2007_999999" in failed["2007_999999"]


@pytest.mark.parametrize("error", [RuntimeError("no\nmemory"), MemoryError()])
def test_image_that_fails_at_one_scale_counts_at_none(
    trained, voc_root, tmp_path, monkeypatch, error
):
    encode_photo = module.encode_photo

    def narrow(network, photo, scale, reference):
        if scale == 2.0 and encoded.append(scale) is None and len(encoded) == 2:
            raise error
        return encode_photo(network, photo, scale, reference)

    encoded = []
    monkeypatch.setattr(module, "encode_photo", narrow)
    chosen = methods("feedforward")
    cells, failed = run(trained, voc_root, tmp_path, [1.0, 2.0], chosen)
    assert [cell.images for cell in cells] == 2 * [[IDS[0], IDS[2]]]
    assert failed == {IDS[1]: "no memory" if str(error) else "MemoryError"}
    (cell,), failed = run(trained, voc_root, tmp_path, [1.0], chosen)
    assert cell.images == IDS and failed == {}  # what was asked for now is there


def test_only_images_that_all_cells_have(trained, voc_root, tmp_path):
    run(trained, voc_root, tmp_path, [1.0], methods("feedforward"))
    run(trained, voc_root, tmp_path, [1.0], methods("entropy"), ids=IDS[1:])
    store = Store(tmp_path, trained.sha256, 21)
    cells = plan([1.0], methods("feedforward", "entropy"), 21)
    assert collect(store, IDS, cells) == {}
    store.close()
    assert [cell.images for cell in cells] == 2 * [IDS[1:]]


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
        store = Store(folder, trained.sha256, 21)
        far = plan([1.0, 1.5], chosen, 21)
        collect(store, IDS, far)
        store.close()
        assert [cell.images for cell in far] == 4 * [IDS[:last]]
        assert len({cell.matrix.sum() for cell in far}) == 1
        cells, failed = run(trained, voc_root, folder, [1.0, 1.5], chosen)
        assert told(cells) == told(whole) and failed == {}


@pytest.mark.parametrize("label", [1, 2, 5, 7])
def test_stopped_in_an_image_and_resumed(trained, voc_root, tmp_path, monkeypatch, label):
    """An image has four predictions, two a scale; scales that were finished stay."""
    chosen = methods("feedforward", "entropy")
    labels, calls = module.photo_labels, []

    def press(*arguments):
        calls.append(1)
        if len(calls) == label:
            raise KeyboardInterrupt
        return labels(*arguments)

    monkeypatch.setattr(module, "photo_labels", press)
    with pytest.raises(KeyboardInterrupt):
        run(trained, voc_root, tmp_path / "cut", [1.0, 1.5], chosen)
    calls[:] = 99 * [1]
    cells, _ = run(trained, voc_root, tmp_path / "cut", [1.0, 1.5], chosen)
    assert len(calls) - 99 == 12 - 2 * ((label - 1) // 2)
    whole, _ = run(trained, voc_root, tmp_path / "whole", [1.0, 1.5], chosen)
    assert told(cells) == told(whole)


def test_nothing_is_measured_twice(trained, voc_root, tmp_path, monkeypatch):
    run(trained, voc_root, tmp_path, [1.0], methods("entropy"))
    first, _ = run(trained, voc_root, tmp_path, [1.0, 1.5], methods("entropy", "oracle"))
    calls = []
    optimise = module.optimise
    monkeypatch.setattr(module, "optimise", lambda *a: calls.append(1) or optimise(*a))
    second, _ = run(trained, voc_root, tmp_path, [1.5, 1.0], methods("oracle", "entropy"))
    assert calls == []
    assert told(sorted(second, key=lambda cell: cell.key)) == told(
        sorted(first, key=lambda cell: cell.key)
    )
    run(trained, voc_root, tmp_path, [1.0], methods("entropy", steps=(2, 4)))
    assert len(calls) == len(IDS)


KILLS = """
import os, sys
from segviz.data import voc
from segviz.evaluation import evaluate
from segviz.__main__ import main

def die(owner, name, call):
    real, calls = getattr(owner, name), []
    def counted(*arguments):
        calls.append(1)
        if len(calls) == call:
            os.kill(os.getpid(), 9)
        return real(*arguments)
    setattr(owner, name, counted)

# While reading the first image, in the middle of the second one's episodes, before a commit.
for moment in ((voc, "read_truth", 1), (evaluate, "photo_labels", 7), (evaluate.Store, "add", 5)):
    child = os.fork()
    if child == 0:
        die(*moment)
        os._exit(main(sys.argv[1:]))
    print(f"\\nended by {os.WTERMSIG(os.waitpid(child, 0)[1])}", file=sys.stderr, flush=True)
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_three_kills(cli, voc_root, checkpoint_path, tmp_path):
    """SIGKILL of a whole process, three times: the table is that of one which nothing happened."""
    arguments = [
        "evaluate", "--voc-root", str(voc_root), "--scales", "1,1.5", "--methods",
        "feedforward,entropy,oracle", "--steps", "1,3", "--by-image", "--threads", "1", "--json",
    ]  # fmt: skip
    fixed = ["--checkpoint", str(checkpoint_path), "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, "-c", KILLS, *arguments, *fixed, "--out", str(tmp_path / "cut")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines().count(f"ended by {signal.SIGKILL:d}") == 3
    code, out, _ = cli(*arguments, "--out", tmp_path / "whole")
    assert code == 0
    results = [json.loads(text) for text in (done.stdout, out)]
    for result in results:
        assert result["images"] == 4 and result["complete"] is True
        for row in result["results"]:
            assert row.pop("seconds") > 0
        for key in ("command", "environment"):
            del result[key]
    assert results[0] == results[1]

"""Evaluations as jobs: checked, resumed, stopped, and fair to the runs of others."""

import json
import shutil
import threading
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from PIL import Image

from segviz.adapt.methods import FEEDFORWARD
from segviz.data.dataset_folder import find_images
from segviz.errors import InputError
from segviz.jobs.evaluation_job import Evaluation, rows_folder
from segviz.jobs.evaluation_plan import EvaluationPlan, check_plan, folder_data, voc_data
from segviz.jobs.queue import Job, Slot
from segviz.network import checkpoint
from segviz.network.architecture import GROUPS
from tests import own_images
from tests.miniature import SPLITS

PLAN = EvaluationPlan(4, ("entropy",), ("score",), (1.0, 1.5), (1, 2))
SMALL = replace(PLAN, scales=(1.0,), steps=(1,))


@pytest.fixture(autouse=True)
def rows(tmp_path, monkeypatch):
    """Rows are stored below a folder of the test."""
    monkeypatch.setenv("SEGVIZ_RUNS", str(tmp_path / "runs"))


def test_rows_are_those_of_the_command_line(trained, voc_root, cli):
    evaluation = Evaluation(trained, voc_data(voc_root, "val"), PLAN)
    list(evaluation)
    command = evaluation.command.replace("DIR", str(voc_root)).split()[3:]
    code, out, _ = cli(*command)
    assert code == 0
    ours, theirs = json.loads(msgspec.json.encode(evaluation.result())), json.loads(out)
    assert ours.keys() == theirs.keys() and ours["complete"]
    for row in (*ours["results"], *theirs["results"]):
        row.pop("seconds")
    for key in ("images", "ids", "by_image", "results", "split", "failed"):
        assert ours[key] == theirs[key]


def test_a_stopped_evaluation_is_resumed(trained, voc_root):
    first = Evaluation(trained, voc_data(voc_root, "val"), PLAN)
    assert first.result() is None
    work = iter(first)
    while first.progress.images < 2:
        next(work)
    work.close()
    assert first.result().images == 2 and not first.result().complete
    assert first.result() is first.result()  # the page asks at every rerun
    second = Evaluation(trained, voc_data(voc_root, "val"), PLAN)
    list(second)
    assert (second.progress.images, second.progress.reused) == (4, 2)
    assert second.progress.images_per_second > 0 and second.progress.seconds_left == 0
    assert dict(second.progress.miou).keys() == {"feedforward at 1.5x", "entropy at 1.5x"}


def test_each_image_waits_for_runs_before_it(trained, voc_root):
    slot = Slot()
    other = slot.enqueue()
    evaluation = Evaluation(trained, voc_data(voc_root, "val"), SMALL, slot)
    waiting = threading.Event()

    def work():
        for _ in evaluation:
            if evaluation.progress.position:
                waiting.set()
            yield

    job = Job(work(), Slot()).start()
    assert waiting.wait(30)
    assert (evaluation.progress.position, evaluation.progress.images) == (1, 0)
    other.release()
    assert job.join(60) and job.state == "finished" and not len(slot)
    assert (evaluation.progress.position, evaluation.progress.images) == (0, 4)


def test_an_image_that_fails_is_named(trained, voc_root, tmp_path):
    root = tmp_path / "VOC2012"
    shutil.copytree(voc_root, root)
    broken = root / "JPEGImages" / f"{SPLITS['val'][1]}.jpg"
    data = broken.read_bytes()
    broken.write_bytes(b"nothing")
    evaluation = Evaluation(trained, voc_data(root, "val"), SMALL)
    list(evaluation)
    result = evaluation.result()
    assert result.images == 3 and result.failed[0].startswith(f"{SPLITS['val'][1]}: ")
    broken.write_bytes(data)
    again = Evaluation(trained, voc_data(root, "val"), SMALL)
    list(again)
    assert again.result().images == 4 and again.result().failed == ()


def test_another_root_has_other_rows(voc_root, tmp_path):
    assert rows_folder(voc_root) != rows_folder(tmp_path)


def test_feedforward_is_always_measured():
    assert [method.method.spelling for method in check_plan(PLAN, GROUPS)] == [
        FEEDFORWARD,
        "entropy",
    ]
    assert PLAN.episodes == 2


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        ({"methods": ()}, "no methods are chosen"),
        ({"variables": ()}, "no variables are chosen"),
        ({"scales": ()}, "no scales are chosen"),
        ({"steps": ()}, "no steps are chosen"),
        ({"scales": (8.0,)}, "scale must be from 0.5 to 4, got 8"),
        ({"steps": (500,)}, "steps must be from 0 to 128, got 500"),
        ({"methods": ("entropy:steps=500",)}, "steps must be from 0 to 128, got 500"),
        ({"methods": ("magic",)}, "'magic'"),
        ({"methods": ("entropy:lr=9",)}, "learning rate must be .* got 9"),
        ({"methods": ("entropy:centred",), "variables": ("all",)}, "centred"),
        ({"methods": tuple(f"entropy:lr=0.{i}" for i in range(1, 40))}, "episodes .* 60, got 78"),
    ],
)
def test_plans_are_checked(change, pattern):
    with pytest.raises(InputError, match=pattern):
        check_plan(replace(PLAN, **change), GROUPS)


@pytest.mark.parametrize("images", [0, 5])
def test_the_number_of_images_is_checked(trained, voc_root, images):
    with pytest.raises(InputError, match=f"images of val must be from 1 to 4, got {images}"):
        Evaluation(trained, voc_data(voc_root, "val"), replace(PLAN, images=images))


# === Other networks, other data


def test_variables_that_a_network_does_not_have_are_refused(foreign):
    with pytest.raises(InputError, match=r"no variables 'both'; choose among .* score, .*all"):
        check_plan(replace(PLAN, variables=("both",)), foreign.network.groups)
    assert check_plan(PLAN, foreign.network.groups)[1].method.variables == "score"


def test_a_network_without_the_classes_of_the_data_is_refused(voc_root):
    """It is wrapped from a module, and names other things than VOC does."""
    from torch import nn

    import segviz

    module = nn.Conv2d(3, 3, 3, 8, 1)
    network = segviz.wrap(module, ["wall", "roof", "door"], mean=(124,) * 3, std=(58,) * 3)
    evaluation = Evaluation(network, voc_data(voc_root, "val"), SMALL)
    with pytest.raises(InputError, match=r"no class of the data .* \(wall, roof, door\)"):
        list(evaluation)


def test_a_folder_is_measured_as_by_the_command_line(tmp_path, cli):
    own_images.write(tmp_path, 7)
    trained = checkpoint.load(str(own_images.network(tmp_path / "own.safetensors")))
    (tmp_path / "classes.txt").write_text("\n".join(own_images.NAMES))
    folder = find_images(tmp_path)
    evaluation = Evaluation(trained, folder_data("mine", folder), replace(SMALL, images=7))
    list(evaluation)
    command = evaluation.command.replace("DIR", str(tmp_path)).split()[3:]
    code, out, _ = cli(*command, trained=False)
    assert code == 0
    result = json.loads(out)
    ours = evaluation.result()
    assert [row.miou for row in ours.results] == [row["miou"] for row in result["results"]]
    assert ours.images == 7 and ours.split == "data:mine"


def test_a_folder_has_other_names_for_the_classes(tmp_path, cli):
    own_images.write(tmp_path, 2)
    trained = checkpoint.load(str(own_images.network(tmp_path / "own.safetensors")))
    plan = replace(SMALL, images=2)
    plain = Evaluation(trained, folder_data("mine", find_images(tmp_path)), plan)
    (tmp_path / "classes.txt").write_text("\n".join(f"my {name}" for name in own_images.NAMES))
    names = {f"my {name}": name for name in own_images.NAMES}
    (tmp_path / "class-map.json").write_text(json.dumps(names))
    mapped = Evaluation(trained, folder_data("mine", find_images(tmp_path)), plan)
    for evaluation in (plain, mapped):
        list(evaluation)
    assert "--class-map DIR/class-map.json" in mapped.command
    assert any("my road -> road" in note for note in mapped.notes)
    rows = [evaluation.result().results for evaluation in (plain, mapped)]
    assert [row.miou for row in rows[0]] == [row.miou for row in rows[1]]


def test_binary_masks_are_refused(tmp_path, trained):
    _, masks = own_images.write(tmp_path, 2)
    for path in masks.rglob("*.png"):
        Image.fromarray(np.uint8(255) * (np.arange(4800).reshape(60, 80) % 2 == 0)).save(path)
    evaluation = Evaluation(
        trained, folder_data("mine", find_images(tmp_path)), replace(SMALL, images=2)
    )
    with pytest.raises(InputError, match="only 0 and 255"):
        list(evaluation)

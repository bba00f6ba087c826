"""Evaluation over a data set from Python."""

import json

import msgspec
import pytest

from segviz.data.splits import voc_images
from segviz.errors import InputError
from segviz.evaluation.evaluate import choose_images, evaluate_dataset
from segviz.evaluation.results import EvaluationResult
from tests.miniature import SPLITS


def evaluate(trained, root, **options):
    options = {"scales": (1,), "steps": (1,), **options}
    return evaluate_dataset(trained, root, **options)


def without_seconds(results):
    return [{**row, "seconds": None} for row in results]


def test_the_same_as_on_the_command_line(trained, cli, voc_root):
    found = evaluate(trained, voc_root, limit=2, methods=("feedforward", "oracle:centred"))
    code, out, _ = cli(
        "evaluate", "--voc-root", voc_root, "--limit", 2, "--scales", "1", "--steps", "1",
        "--methods", "feedforward,oracle:centred", "--by-image", "--json",
    )  # fmt: skip
    printed = json.loads(out)
    assert code == 0 and found.keys() == printed.keys() and found["complete"] is True
    assert without_seconds(found["results"]) == without_seconds(printed["results"])
    for key in ("images", "ids", "by_image", "split", "failed", "mean_gains"):
        assert found[key] == printed[key]


def test_the_result_is_plain_json_of_the_schema(trained, voc_root):
    found = evaluate(trained, voc_root, limit=1, methods=("feedforward",))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    result = msgspec.convert(found, EvaluationResult)
    assert result.images == 1 and result.sha256 == trained.sha256
    assert "by_image" not in evaluate(
        trained, voc_root, limit=1, methods=("feedforward",), by_image=False
    )


def test_rows_are_kept_where_asked(trained, voc_root, tmp_path):
    options = {"methods": ("feedforward",), "limit": 2, "rows": tmp_path / "rows"}
    first = evaluate(trained, voc_root, **options)
    assert [path.name for path in (tmp_path / "rows").iterdir()] == ["rows-0.sqlite"]
    again = evaluate(trained, voc_root, **options)
    assert again["results"] == first["results"]  # durations too: nothing was measured again


def test_progress(trained, voc_root):
    seen = []
    evaluate(
        trained,
        voc_root,
        methods=("feedforward",),
        limit=2,
        on_progress=lambda progress: seen.append((progress.done, progress.total, progress.miou())),
    )
    assert [done for done, _, _ in seen] == sorted(done for done, _, _ in seen)
    assert seen[0][:2] == (0, 2) and seen[-1][:2] == (2, 2) and 0 <= seen[-1][2] <= 1


def test_ctrl_c_returns_the_images_so_far(trained, voc_root):
    calls = []

    def press(progress):
        calls.append(progress.measuring)
        if len(calls) > 1 and not progress.measuring:  # after the first image
            raise KeyboardInterrupt

    found = evaluate(trained, voc_root, methods=("feedforward",), on_progress=press)
    assert found["complete"] is False and found["ids"] == SPLITS["val"][:1]
    assert calls == ["", "feedforward at 1x", ""]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scales": (9,)}, ("scale", "9")),
        ({"methods": ("magic",)}, ("magic", "entropy")),
        ({"variables": ("weights",)}, ("weights", "score")),
        ({"steps": ()}, ("no steps", "32")),
        ({"limit": 0}, ("limit", "1", "0")),
        ({"split": "vall"}, ("vall",)),
        ({"learning_rate": 7}, ("learning rate", "7")),
        ({"network": "absent"}, ("absent",)),
    ],
)
def test_invalid_arguments(trained, voc_root, options, words):
    with pytest.raises(InputError) as caught:
        evaluate(options.pop("network", trained), voc_root, **options)
    assert all(word in str(caught.value) for word in words)


def test_chosen_images(voc_root, tmp_path):
    val = voc_images(voc_root, "val")
    every = choose_images(val, None)
    assert every == list(dict.fromkeys(SPLITS["val"])) == choose_images(val, 99)
    assert set(choose_images(val, 2)) < set(choose_images(val, 3)) < set(every)
    (tmp_path / "ids.txt").write_text("b\na\nb\n")
    assert choose_images(voc_images(voc_root, str(tmp_path / "ids.txt")), None) == ["b", "a"]


def test_a_wrapped_module(foreign, voc_root):
    notes = []
    found = evaluate(
        foreign, voc_root, limit=3, methods=("feedforward", "entropy"), on_note=notes.append
    )
    feedforward, entropy = found["results"]
    assert (feedforward["variables"], entropy["variables"]) == (None, "score")
    assert feedforward["sigma"] is None and entropy["entropy"] <= feedforward["entropy"]
    assert len(feedforward["class_iou"]) == 4 and any("car" in note for note in notes)


def test_calibration_is_measured_where_asked(trained, voc_root, tmp_path):
    options = {"methods": ("entropy",), "limit": 2, "rows": tmp_path / "rows", "steps": (0, 1)}
    plain = evaluate(trained, voc_root, **options)
    assert all(row["calibration"] is None for row in plain["results"])
    found = evaluate(trained, voc_root, calibration=True, **options)
    for before, row in zip(plain["results"], found["results"], strict=True):
        assert row["miou"] == before["miou"] and row["entropy"] == before["entropy"]
        calibration = row["calibration"]
        assert 0 < calibration["ece"] < 1 and calibration["nll"] > 0
        assert 0 <= calibration["aurc"] <= 1
    again = evaluate(trained, voc_root, calibration=True, **options)
    assert again["results"] == found["results"], "nothing was measured again"

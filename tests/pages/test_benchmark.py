"""The page Benchmark without a browser."""

import json
import time

import pytest

from segviz.adapt import Settings
from segviz.errors import InputError
from segviz.evaluation.evaluate import FEEDFORWARD
from segviz.evaluation.paper_tables import OURS
from segviz.jobs.evaluation_job import Evaluation, Plan, methods, rows_folder
from segviz.jobs.queue import SLOT, Job, Slot
from segviz.network import checkpoint
from tests.miniature import SPLITS
from tests.outcomes import part, table

IDS = [*SPLITS["val"], "2010_000099"]
KIND = ("entropy", "both", 32)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of results, Table 3 in it, of which the last image is in no VOC folder."""
    monkeypatch.setenv("SEGVIZ_RESULTS", str(tmp_path))
    monkeypatch.setenv("SEGVIZ_RUNS", str(tmp_path / "runs"))
    (tmp_path / "table-3.json").write_text(json.dumps(table("3", IDS)))
    return tmp_path


@pytest.fixture
def rooted(monkeypatch, voc_root):
    monkeypatch.setenv("SEGVIZ_VOC_ROOT", str(voc_root))


@pytest.fixture
def bench(app, folder):
    """The page, at a table."""

    def open(name="3"):
        app.open("iterate", scale="1", steps="1").go("benchmark")
        control = app.at.segmented_control if hasattr(app.at, "segmented_control") else None
        (control or app.at.button_group)(key="bench_table").set_value(name).run()
        assert not app.at.exception, app.at.exception
        return app

    return open


def _tables(app):
    return [frame.value for frame in app.at.table]


# === Tables


def test_a_table_beside_the_papers(bench):
    app = bench()
    (frame,) = _tables(app)
    rows = {row["Method"].replace("\\", ""): row for row in frame.to_dict("records")}
    assert len(rows) == 13 and f"**{OURS[0]} (ours), {OURS[1]}**" in rows
    data = part("3", "w/ aug", IDS)
    for one in data["results"]:
        if (one["method"], one["variables"], one["scale"]) == ("entropy", "both", 3.0):
            row = rows["entropy, both"]
            assert row["3x"] == f"**{100 * one['miou']:.1f}** :green[+2.0] :gray[±\u00a01.2]"
            assert row["3x, paper"] == ":gray[62.3 +2.5]"
            assert row["3x, difference"] == f":gray[*{100 * one['miou'] - 62.3:+.1f}*]"
    assert "on 5 of the 1,449 images of val" in app.said
    assert "Not the whole of val" in app.said
    assert "python -m segviz tables 3" in app.at.code[0].value


def test_mean_gains_with_errors(bench, folder):
    (folder / "table-1.json").write_text(json.dumps(table("1", IDS)))
    app = bench("1")
    assert "its standard error over resampled images" in app.said
    means = next(one for one in app.said.splitlines() if "Mean gain from 2.5x on" in one)
    means = means.replace("\\", "").replace("\u00a0", " ")
    assert "entropy, both, 32 steps +2.0 :gray[± 0.9] (paper +2.2); " in means
    assert f"{OURS[0]} (ours), both, 32 steps 0.0 :gray[± 0.9]; oracle" in means


def test_a_damaged_file_is_one_sentence(bench, folder):
    (folder / "table-3.json").write_text('{"table": "3", "models"')
    app = bench()
    (error,) = app.at.error
    assert "The file table-3.json is damaged" in error.value.replace("\\", "") and not app.at.table


def test_a_foreign_file_is_one_sentence(bench, folder):
    (folder / "table-3.json").write_text('{"photos": 3}')
    app = bench()
    assert "is not a result file of segviz" in app.at.error[0].value and not app.at.table


def test_a_missing_file_names_the_command(bench):
    app = bench("2")
    assert "`python -m segviz tables 2 --voc-root DIR` measures it" in app.said
    assert not app.at.table and not app.at.error


def test_a_missing_model_names_the_command(bench, folder):
    (folder / "table-1.json").write_text(json.dumps(table("1", IDS, ["w/o aug"])))
    app = bench("1")
    assert "The model “w/ aug”" in app.said and "segviz tables 1 --voc-root DIR" in app.said


def test_a_changed_file_is_read_again(bench, folder):
    app = bench()
    (folder / "table-3.json").write_text(json.dumps(table("3", IDS[:4])))
    app.at.run()
    assert "on 4 of the 1,449 images" in app.said


def test_whole_tables_say_so(bench, folder):
    data = table("3", IDS)
    data["split"] = "train"
    (folder / "table-3.json").write_text(json.dumps({**data, "complete": False}))
    app = bench()
    assert "on 5 images of train" in app.said and "Stopped early" in app.said
    assert "Not the whole of val" not in app.said


# === Images


def test_without_a_voc_folder_images_stay_closed(bench):
    app = bench()
    assert "The images cannot be opened" in app.said and "set SEGVIZ_VOC_ROOT" in app.said
    buttons = [button for button in app.at.button if str(button.key).startswith("bench_open_")]
    assert len(buttons) == len(IDS) and all(button.disabled for button in buttons)


def test_an_image_is_opened_at_its_setting(bench, rooted, trained, monkeypatch):
    monkeypatch.setattr(checkpoint, "names", lambda: [checkpoint.DEFAULT])
    app = bench()
    app.at.selectbox(key="bench_kind_3_w/ aug").set_value(KIND).run()
    closed = {b.label for b in app.at.button if str(b.key).startswith("bench_open_") and b.disabled}
    assert closed == {"2010_000099"}
    app.click(f"bench_open_{IDS[0]}").rest()
    assert app.record.title == IDS[0]
    assert app.record.settings == Settings(scale=3.0, objective="entropy", variables="both")
    app.go("iterate")  # AppTest does not follow a page that switches by itself
    assert app.address["photo"] == f"voc:{IDS[0]}"


def test_a_foreign_checkpoint_is_not_opened(bench, folder, rooted):
    data = table("3", IDS, checkpoint="elsewhere")
    (folder / "table-3.json").write_text(json.dumps(data))
    assert "the checkpoint elsewhere is not on this server" in bench().said


# === Evaluations

ASKED = Plan("val", 4, ("entropy",), ("score",), (1.0, 1.5), (1, 2))


def _finish(app, seconds=60):
    end = time.monotonic() + seconds
    while not app.session.evaluated.over:
        assert time.monotonic() < end
        time.sleep(0.05)
    app.at.run()
    assert not app.at.exception, app.at.exception


def test_without_a_voc_folder_nothing_runs(bench):
    app = bench("own")
    assert "set SEGVIZ_VOC_ROOT before the start" in app.said
    assert not any(button.key == "bench_run" for button in app.at.button)
    app.at.text_input(key="pick_voc_root").set_value("/nowhere").run()
    assert "does not exist" in app.at.error[0].value


def test_an_evaluation_is_stopped_and_goes_on(bench, rooted, voc_root, trained):
    app = bench("own")
    for key, value in {"bench_steps": [1, 2], "bench_scales": [1.0], "bench_images_val": 4}.items():
        app.at.session_state[key] = value
    app.at.run()
    assert "4 images, 1 episode each" in app.said
    with SLOT.queue():  # somebody's run is at work
        app.click("bench_run")
        job = app.session.evaluated
        assert not job.over and not _tables(app)
        app.click("bench_stop")
        _finish(app)
    assert job.state == "stopped" and "Stopped after 0 of 4 images" in app.said
    app.click("bench_run")
    _finish(app)
    assert app.session.evaluated.state == "finished"
    (frame,) = _tables(app)
    names = [name.replace("\\", "") for name in frame["Method"]]
    assert names == ["feedforward", "entropy, both, 1 step", "entropy, both, 2 steps"]
    assert "evaluate --voc-root DIR --split val --limit 4" in app.at.code[0].value
    app.click("bench_run")
    _finish(app)
    assert app.session.evaluated.work.state.kept == 4


def test_rows_are_those_of_the_command_line(trained, voc_root, cli, tmp_path, monkeypatch):
    monkeypatch.setenv("SEGVIZ_RUNS", str(tmp_path))
    evaluation = Evaluation(trained, voc_root, ASKED)
    for _ in evaluation:
        pass
    command = ASKED.command.replace("DIR", str(voc_root)).split()[3:]
    code, out, _ = cli(*command)
    assert code == 0
    ours, theirs = evaluation.result(), json.loads(out)
    assert ours.keys() == theirs.keys() and ours["complete"]
    for one in (*ours["results"], *theirs["results"]):
        one.pop("seconds")
    for key in ("images", "ids", "by_image", "results", "split", "failed"):
        assert ours[key] == theirs[key]


def test_stopping_keeps_images_and_the_rest_follows(trained, voc_root, tmp_path, monkeypatch):
    monkeypatch.setenv("SEGVIZ_RUNS", str(tmp_path))
    first = Evaluation(trained, voc_root, ASKED)
    assert first.result() is None
    work = iter(first)
    while first.state.done < 2:
        next(work)
    work.close()
    assert first.result()["images"] == 2 and not first.result()["complete"]
    assert first.result() is first.result()  # the page asks at every rerun
    second = Evaluation(trained, voc_root, ASKED)
    list(second)
    assert (second.state.done, second.state.kept) == (4, 2)
    assert dict(second.state.miou).keys() == {"feedforward at 1.5x", "entropy at 1.5x"}


def test_runs_of_others_come_between(trained, voc_root, tmp_path, monkeypatch):
    monkeypatch.setenv("SEGVIZ_RUNS", str(tmp_path))
    monkeypatch.setattr("segviz.jobs.evaluation_job.LOOK", 0.02)
    slot = Slot()
    other = slot.queue()
    evaluation = Evaluation(trained, voc_root, ASKED, slot)
    job = Job(evaluation, Slot()).start()
    end = time.monotonic() + 30
    while not evaluation.state.ahead:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert evaluation.state.done == 0
    other.leave()
    assert job.join(60) and job.state == "finished" and not len(slot)


def test_an_image_that_fails_is_named(trained, voc_root, tmp_path, monkeypatch):
    import shutil

    monkeypatch.setenv("SEGVIZ_RUNS", str(tmp_path / "runs"))
    root = tmp_path / "VOC2012"
    shutil.copytree(voc_root, root)
    broken = root / "JPEGImages" / f"{SPLITS['val'][1]}.jpg"
    data = broken.read_bytes()
    broken.write_bytes(b"nothing")
    evaluation = Evaluation(trained, root, ASKED)
    list(evaluation)
    result = evaluation.result()
    assert result["images"] == 3 and result["failed"][0].startswith(f"{SPLITS['val'][1]}: ")
    broken.write_bytes(data)
    again = Evaluation(trained, root, ASKED)
    list(again)
    assert again.result()["images"] == 4 and again.result()["failed"] == []


def test_folders_of_other_images_have_other_rows(voc_root, tmp_path):
    assert rows_folder(voc_root) != rows_folder(tmp_path)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"methods": ()}, "no methods are chosen"),
        ({"variables": ()}, "no variables are chosen"),
        ({"scales": ()}, "no scale is chosen"),
        ({"steps": ()}, "no step is chosen"),
        ({"scales": (8.0,)}, "scale must be from 0.5 to 4, got 8"),
        ({"steps": (500,)}, "steps must be from 0 to 128, got 500"),
        ({"methods": ("entropy:steps=500",)}, "steps must be from 0 to 128, got 500"),
        ({"methods": ("magic",)}, "there is no objective 'magic'"),
        ({"methods": ("entropy:lr=9",)}, "learning rate must be .* got 9"),
        ({"methods": ("entropy:centred",), "variables": ("all",)}, "centred updates are defined"),
        ({"methods": tuple(f"entropy:lr=0.{i}" for i in range(1, 40))}, "make 78 episodes"),
    ],
)
def test_choices_are_checked(change, what):
    with pytest.raises(InputError, match=what):
        methods(Plan(**{**vars(ASKED), **change}))
    assert [method.name for method in methods(ASKED)] == [FEEDFORWARD, "entropy"]


@pytest.mark.parametrize("images", [0, 5])
def test_the_number_of_images_is_checked(trained, voc_root, images):
    with pytest.raises(InputError, match=f"{images} images are asked for, but val has 4"):
        Evaluation(trained, voc_root, Plan(**{**vars(ASKED), "images": images}))


def test_a_wrong_choice_disables_the_button(bench, rooted):
    app = bench("own")
    app.at.session_state["bench_methods"] = ["magic"]
    app.at.run()
    assert "There is no objective" in app.at.error[0].value
    assert app.at.button(key="bench_run").disabled

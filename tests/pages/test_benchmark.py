"""The page Benchmark without a browser."""

import json

import pytest

from segviz.adapt import Settings
from segviz.evaluation.paper_tables import OURS
from segviz.evaluation.results import Variant
from segviz.jobs.queue import SLOT
from segviz.network import checkpoint
from tests.miniature import SPLITS
from tests.outcomes import part, table

IDS = [*SPLITS["val"], "2010_000099"]
KIND = Variant("entropy", "both", 32)


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
        app.control("bench_table").set_value(name).run()
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
    (miou,) = (
        result["miou"]
        for result in data["results"]
        if (result["method"], result["variables"], result["scale"]) == ("entropy", "both", 3.0)
    )
    row = rows["entropy, both"]
    assert row["3x"] == f"**{100 * miou:.1f}** :green[+2.0] :gray[±\u00a01.2]"
    assert row["3x, paper"] == ":gray[62.3 +2.5]"
    assert row["3x, difference"] == f":gray[*{100 * miou - 62.3:+.1f}*]"
    assert "on 5 of the 1,449 images of val" in app.said
    assert "Not the whole of val" in app.said
    assert any("python -m segviz tables 3" in code.value for code in app.at.code)


def test_mean_gains_with_errors(bench, folder):
    (folder / "table-1.json").write_text(json.dumps(table("1", IDS)))
    app = bench("1")
    assert "its standard error over resampled images" in app.said
    means = next(line for line in app.said.splitlines() if "Mean gain from 2.5x on" in line)
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
    app.control("bench_kind_3_w/ aug").set_value(KIND).run()
    closed = {b.label for b in app.at.button if str(b.key).startswith("bench_open_") and b.disabled}
    assert {label.replace("\\", "") for label in closed} == {"2010_000099"}
    app.click(f"bench_open_{IDS[0]}").rest()
    assert app.record.title == IDS[0]
    assert app.record.settings == Settings(scale=3.0, method="entropy", variables="both")
    app.go("iterate")  # AppTest does not follow a page that switches by itself
    assert app.address["photo"] == f"voc:{IDS[0]}"


def test_a_foreign_checkpoint_is_not_opened(bench, folder, rooted):
    data = table("3", IDS, checkpoint="elsewhere")
    (folder / "table-3.json").write_text(json.dumps(data))
    assert "The checkpoint elsewhere is not on this server" in bench().said


# === Evaluations


def _finish(app):
    app.session.visit.evaluation.join(60)
    assert app.session.visit.evaluation.done
    app.at.run()
    assert not app.at.exception, app.at.exception


def test_without_a_voc_folder_nothing_runs(bench):
    app = bench("own")
    assert "set SEGVIZ_VOC_ROOT before the start" in app.said
    assert not any(button.key == "bench_run" for button in app.at.button)
    app.control("voc_folder").set_value("/nowhere").run()
    assert "does not exist" in app.at.error[0].value


def test_an_evaluation_is_stopped_and_goes_on(bench, rooted, voc_root, trained):
    app = bench("own")
    for key, value in {"bench_steps": [1, 2], "bench_scales": [1.0], "bench_images_val": 4}.items():
        app.control(key).set_value(value)
    app.at.run()
    assert "4 images, 1 episode each" in app.said
    with SLOT.enqueue():  # somebody's run is at work
        app.click("bench_run")
        job = app.session.visit.evaluation
        assert not job.done and not _tables(app)
        app.click("bench_stop")
        _finish(app)
    assert job.state == "stopped" and "Stopped after 0 of 4 images" in app.said
    app.click("bench_run")
    _finish(app)
    assert app.session.visit.evaluation.state == "finished"
    (frame,) = _tables(app)
    names = [name.replace("\\", "") for name in frame["Method"]]
    assert names == ["feedforward", "entropy, both, 1 step", "entropy, both, 2 steps"]
    command = "evaluate --voc-root DIR --split val --limit 4"
    assert any(command in code.value for code in app.at.code)
    app.click("bench_run")
    _finish(app)
    assert app.session.visit.evaluation.work.progress.reused == 4


def test_a_wrong_choice_disables_the_button(bench, rooted):
    app = bench("own")
    app.control("bench_methods").set_value(["magic"])
    app.at.run()
    assert "There is no method" in app.at.error[0].value
    assert app.at.button(key="bench_run").disabled


# === Address and thumbnails


def test_a_table_and_its_model_have_an_address(app, folder):
    app.open("benchmark", table="3")
    assert app.control("bench_table").value == "3" and app.address == {"table": "3"}
    app.control("bench_table").set_value("1").run()
    assert app.address == {}
    app.control("bench_model").set_value("w/o aug").run()
    assert app.address == {"model": "noaug"}
    assert not app.at.exception


def test_images_that_gained_or_lost_are_shown_in_small(bench, rooted):
    app = bench()
    opened = [b for b in app.at.button if str(b.key).startswith("bench_open_") and not b.disabled]
    pictures = app.at.get("image") or app.at.get("imgs")
    assert len(pictures) == len(opened) > 0

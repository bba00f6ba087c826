"""Compare, Scales, Ablate, Runs and Model without a browser."""

import json
import sys

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.runs_table import TABLE
from pages.state.session import Session
from segviz.adapt import METHODS, OBJECTIVES, Settings
from segviz.export.formats import record_zip
from segviz.profiling import timing
from segviz.runs.run import Run

uploads = pytest.mark.skipif(
    not hasattr(AppTest, "file_uploader"), reason="this Streamlit's AppTest cannot upload"
)
QUICK = {"scale": "1", "steps": "2"}

# === Compare


def test_compare_shows_the_pyramid_beside_the_methods_of_the_paper(app):
    app.open("compare", **QUICK)
    records = app.records("compare")
    assert list(records) == ["feedforward", "entropy", "pyramid", "oracle", "adversary"]
    assert [record.last for record in records.values()] == [0, 2, 2, 2, 2]
    assert records["pyramid"].sizes is not None and records["entropy"].sizes is None
    assert app.address == QUICK
    (table,) = app.at.dataframe
    frame = table.value
    assert frame["class"].iloc[0] == "mean"
    for name, record in records.items():
        assert frame[name].iloc[0] == pytest.approx(100 * record.steps[-1]["iou"])
    change = records["oracle"].steps[-1]["iou"] - records["feedforward"].steps[0]["iou"]
    assert frame["± oracle"].iloc[0] == pytest.approx(100 * change)


def test_compare_takes_any_objective(app):
    chosen = [name for name in OBJECTIVES if "norm" not in METHODS[name].variables[:1]][-12:]
    app.open("compare", methods="_".join(chosen), **QUICK)
    assert list(app.records("compare")) == chosen


def test_compare_shares_runs_with_iterate(app):
    app.open("iterate", **QUICK)
    record = app.record
    app.go("compare").rest()
    assert app.records("compare")["entropy"] is record
    assert app.records("compare")["feedforward"].settings == Settings(
        method="feedforward", scale=1.0
    )


def test_the_table_follows_the_step(app):
    app.open("compare", methods="feedforward_oracle", step="1", **QUICK)
    oracle = app.records("compare")["oracle"]
    assert app.at.dataframe[0].value["oracle"].iloc[0] == pytest.approx(
        100 * oracle.steps[1]["iou"]
    )
    assert "at step 1" in app.said


@pytest.mark.parametrize(
    ("vary", "query", "names"),
    [
        ("learning_rate", {"grid_rates": "0.0001_0.01"}, ["rate 0.0001", "rate 0.01"]),
        ("variables", {"grid_variables": "score_both"}, ["score", "both"]),
    ],
)
def test_compare_shows_settings_of_one_method_side_by_side(app, vary, query, names):
    app.open("compare", vary=vary, method="entropy-few", **query, **QUICK)
    records = app.records("compare")
    assert list(records) == names
    assert {record.settings.method for record in records.values()} == {"entropy-few"}
    values = [getattr(record.settings, vary) for record in records.values()]
    assert len(set(values)) == 2
    assert app.address == {"vary": vary, "method": "entropy-few", **query, **QUICK}


def test_settings_of_a_method_without_updates_are_refused(app):
    app.open("compare", vary="learning_rate", method="feedforward", **QUICK)
    assert "updates nothing" in app.said and app.at.button(key="compare_run").disabled


def test_compare_without_methods_is_refused(app):
    app.open("compare", **QUICK)
    app.control("methods").set_value([]).run()
    assert "0 methods are chosen" in app.said and app.at.button(key="compare_run").disabled


@uploads
def test_compare_without_truth_has_no_table(app, noise, png):
    app.open("compare", **QUICK)
    app.session.controls["photo_source"] = "Upload"
    app.click("choose_photo").at.file_uploader(key="pick_photo").upload("n.png", png(noise))
    app.click("choose_photo").click("pick_use").click("compare_run").rest()
    assert not app.at.dataframe and "there is no IoU by class" in app.said
    assert {record.reference for record in app.records("compare").values()} == {"1x prediction"}


# === Scales


def test_scales_runs_each_scale(app):
    app.open("scales", scales="1_2_1.5", steps="2")
    records = app.records("scales")
    assert list(records) == ["1x", "1.5x", "2x"]
    assert [record.settings.scale for record in records.values()] == [1.0, 1.5, 2.0]
    assert app.address == {"scales": "1_2_1.5", "steps": "2"}
    assert "the paper's Figure 4" in app.said


def test_scales_without_scales_is_refused(app):
    app.open("scales", scales="1", steps="1")
    app.control("scales").set_value([])
    app.at.run()
    assert "0 scales are chosen" in app.said and app.at.button(key="scales_run").disabled


def test_a_bad_scale_in_the_address_is_named(app):
    app.open("scales", scales="1_40", steps="0", scale="1")
    assert "scales = '1_40'" in app.said


# === Ablate

GRID = {
    "scale": "1",
    "grid_variables": "score_both",
    "grid_rates": "0.001_0.01",
    "grid_steps": "1_3",
}


def test_one_run_serves_every_number_of_steps(app):
    app.open("ablate", **GRID)
    records = app.records("ablate")
    assert list(records) == ["score, 0.001", "score, 0.01", "both, 0.001", "both, 0.01"]
    assert {record.last for record in records.values()} == {3}
    assert app.address == GRID
    assert "Change of IoU against step 0" in app.said


def test_a_cell_opens_its_run_on_iterate(app):
    app.open("ablate", **GRID)
    record = app.records("ablate")["both, 0.01"]
    app.at.selectbox(key="grid_run").set_value("both, 0.01")
    app.at.selectbox(key="grid_at").set_value(1)
    app.click("grid_open")
    app.rest()
    assert app.record is record
    assert app.address == {"scale": "1", "steps": "3", "rate": "0.01", "step": "1"}
    assert app.control("learning_rate").value == "0.01"
    assert app.control("steps").value == 3


def test_a_cell_whose_run_was_let_go_is_run_again(app):
    app.open("ablate", **GRID)
    for _, id in app.session.shown["ablate"].runs:
        app.session.history.remove(id)
    app.at.run()
    assert "4 of 4 runs were let go" in app.said
    assert "Change of IoU against step 0" in app.said
    app.at.selectbox(key="grid_run").set_value("score, 0.01")
    app.at.selectbox(key="grid_at").set_value(3)
    app.click("grid_open").rest()
    assert app.record.settings == Settings(
        scale=1.0, steps=3, variables="score", learning_rate=0.01
    )


def test_too_large_a_grid_is_refused(app):
    app.open("ablate", **GRID)
    app.session.controls["grid_learning_rates"] = [
        "0.1",
        "0.01",
        "0.001",
        "0.0001",
        "2e-05",
        "3",
        "1e-5",
    ]
    app.session.generation += 1
    app.at.run()
    assert "make 14 runs" in app.said and app.at.button(key="ablate_run").disabled


# === Runs


def table_of_runs(app):
    (table,) = (each for each in app.at.dataframe if (each.key or "").startswith(TABLE))
    return table.value


def test_runs_lists_those_of_the_visit(app):
    app.open("iterate", **QUICK)
    app.run(method="oracle")
    app.go("runs")
    assert "2 runs of this visit" in app.said.replace("**", "")
    table = table_of_runs(app)
    assert list(table["Method"]) == ["oracle, both", "entropy, both"]
    records = [app.session.history.record(run.id) for run in app.session.history.runs]
    assert list(table["IoU"]) == [record.steps[-1]["iou"] for record in records]
    changes = [record.steps[-1]["iou"] - record.steps[0]["iou"] for record in records]
    assert list(table["Change"]) == changes
    assert all(url.startswith("data:image/webp;base64,") for url in table["Picture"])
    oldest = app.session.history.runs[-1]
    app.choose_runs(oldest.id).click("runs_show").rest()
    assert app.record is app.session.history.record(oldest.id)
    assert app.control("method").value == "entropy"


def test_a_run_is_named(app):
    app.open("iterate", **QUICK).go("runs")
    (run,) = app.session.history.runs
    app.choose_runs(run.id)
    app.at.text_input(key=f"name_{run.id}").set_value("  before\nlunch ").run()
    assert list(table_of_runs(app)["Name"]) == ["before lunch"]


def test_chosen_runs_are_compared(app):
    app.open("iterate", **QUICK)
    app.run(method="oracle")
    app.go("runs").choose_runs(*(run.id for run in app.session.history.runs))
    assert not app.at.exception
    assert list(app.records("runs")) == ["entropy, both, 1x", "oracle, both, 1x"]


def test_pinned_runs_are_compared(app):
    app.open("iterate", **QUICK)
    app.run(method="oracle")
    app.go("runs").choose_runs(*(run.id for run in app.session.history.runs))
    app.click("runs_pin").go("iterate").go("runs")
    assert not app.at.exception and all(table_of_runs(app)["Pinned"])
    assert list(app.records("runs")) == ["entropy, both, 1x", "oracle, both, 1x"]


def test_only_photos_of_one_size_share_panels(app):
    app.open("iterate", photo="sample:rocket", **QUICK)
    app.session.controls["photo_source"] = "Samples"
    app.click("choose_photo").click("pick_sample:cat").run()
    app.go("runs").choose_runs(*(run.id for run in app.session.history.runs))
    assert "Only runs on photos of equal size can be compared" in app.said


def test_evicted_and_deleted_runs(app):
    app.open("iterate", **QUICK)
    app.session.history.max_runs = 2
    app.run(method="oracle").run(method="adversary")
    app.go("runs")
    assert "1 older run was let go" in app.said
    newest, oldest = app.session.history.runs
    app.choose_runs(newest.id).click("runs_delete")
    assert app.session.history.runs == [oldest] and len(table_of_runs(app)) == 1


@uploads
def test_a_record_is_opened_without_computing(app, trained, photo, truth):
    record = Run(trained, photo, Settings(scale=8.0, steps=1), truth, "<b>mine</b>").all()
    app.open("iterate", **QUICK).go("runs")
    app.at.file_uploader(key="record_file").upload("run.zip", record_zip(record))
    app.at.run()
    app.click("record_show").rest()
    assert app.record == record
    assert "<b>mine</b>" in app.said and "This view has no link" in app.said
    # A scale of the command line does not fit the control, which stays as it was.
    assert app.control("scale").value == 1.0


@uploads
def test_the_folder_of_a_run_is_opened(app, trained, photo, tmp_path):
    record = Run(trained, photo, Settings(scale=1.0, steps=1)).all()
    record.save(tmp_path / "record")
    app.open("iterate", **QUICK).go("runs")
    uploader = app.at.file_uploader(key="record_folder")
    for path in tmp_path.iterdir():
        uploader.upload(f"out/{path.name}", path.read_bytes())
    app.at.run()
    app.click("record_show").rest()
    assert app.record == record


@uploads
@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no archive", b"x" * 1000])
def test_damaged_records_are_refused_in_one_sentence(app, data):
    app.open("iterate", **QUICK).go("runs")
    app.at.file_uploader(key="record_file").upload("run.zip", data)
    app.at.run()
    assert not app.at.exception and len(app.at.error) == 1
    assert len(app.session.history) == 1


# === Model


def test_a_visit_may_begin_anywhere(app):
    """The first page of a visit is that of its address; here it is one without a photo."""
    app.at.run()
    app.at.session_state["session"] = Session()
    app.go("model").go("runs").go("iterate").rest()
    assert app.record.complete and "photo" not in app.address


def test_model_shows_card_and_limits(app, trained):
    app.open("iterate", **QUICK).go("model")
    tables = "\n".join(str(table.value.to_dict()) for table in app.at.table).replace("\\", "")
    assert trained.sha256 in tables.replace(" ", "") and "the need of a run is estimated" in tables
    (adapted,) = (frame.value for frame in app.at.dataframe if "Variables" in frame.value)
    counts = dict(zip(adapted["Variables"], adapted["Parameters"], strict=True))
    assert counts["all"] == trained.card["parameters"]
    assert counts["both"] == counts["score"] + counts["scale"] < counts["all"]


@pytest.mark.parametrize("page", ["model", "runs"])
def test_every_column_of_numbers_is_explained(app, page):
    """Each has a "?" with a sentence."""
    app.open("iterate", **QUICK)
    app.go(page).rest()
    columns = {
        name: column
        for table in app.at.dataframe
        for name, column in json.loads(table.proto.columns).items()
        if (column.get("type_config") or {}).get("type") == "number"
    }
    assert len(columns) >= 2
    assert {name for name, column in columns.items() if not column.get("help")} == set()


def test_model_measures_in_the_queue(app, monkeypatch):
    monkeypatch.setattr(timing, "STEPS", 2)
    app.open("iterate", **QUICK).go("model")
    app.click("model_measure")
    app.session.measurement.join(60)
    app.at.run()
    names = [metric.label for metric in app.at.metric]
    assert names == ["Forward pass, ms", "One step, ms", "2 steps, ms"]
    assert not app.at.button(key="model_measure").disabled


@pytest.mark.parametrize("page", ["compare", "scales", "ablate", "runs", "model"])
def test_bad_addresses_never_break_a_page(app, page):
    bad = {"scale": "x", "photo": "upload:1", "scales": "", "methods": "_", "grid_rates": "nan"}
    app.open(page, steps="1", grid_steps="1", what="?", **bad)
    assert not app.at.exception


def test_runs_of_the_script_do_not_change_the_module_path(app, monkeypatch):
    """A thread that imports a module while a folder is taken off the path can miss the next one."""
    changes = []

    class RecordedPath(list):
        def insert(self, *arguments):
            changes.append(arguments)
            super().insert(*arguments)

        def remove(self, *arguments):
            changes.append(arguments)
            super().remove(*arguments)

    path = RecordedPath(sys.path)
    monkeypatch.setattr(sys, "path", path)
    app.open("iterate", **QUICK).go("runs")
    assert sys.path is path and changes == []

"""Every page with a network of the user's own, and with the photos of a folder of theirs."""

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages.actions import server
from segviz.network import checkpoint, loaders
from segviz.network.checkpoint import tensor_hash
from tests import own_images
from tests.foreign_network import NAMES, write_network

uploads = pytest.mark.skipif(
    not hasattr(AppTest, "file_uploader"), reason="this Streamlit's AppTest cannot upload"
)
QUICK = {"scale": "1", "steps": "2"}
IDS = ("north side/p04", "p00", "p01", "p02", "p03", "p05")


@pytest.fixture(scope="module")
def spelling(tmp_path_factory):
    return write_network(tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of six images with masks, whose classes are those of the network in part."""
    root = tmp_path_factory.mktemp("street")
    own_images.write(root, 6)
    (root / "classes.txt").write_text("\n".join(own_images.NAMES))
    return root


@pytest.fixture(autouse=True)
def offered(monkeypatch, trained, spelling, folder, tmp_path):
    """The server offers the network and the folder."""

    def load(name, device="cpu"):
        return loaders.load_foreign(name, device) if checkpoint.is_foreign(name) else trained

    monkeypatch.setattr(checkpoint, "load", load)
    monkeypatch.setenv("SEGVIZ_NETWORKS", spelling)
    monkeypatch.setenv("SEGVIZ_DATA", f"street={folder}")
    monkeypatch.setenv("SEGVIZ_RUNS", str(tmp_path / "runs"))


@pytest.fixture
def own(app, spelling):
    """Opens a page with the network."""

    def open(page="iterate", **query):
        return app.open(page, checkpoint=spelling, **{**QUICK, **query})

    return open


def assert_of_the_network(record):
    """Check that a record is one of the user's network, and opens without it."""
    assert record.classes == NAMES and record.sigma is None
    assert record.settings.variables in ("", "score", "norm", "all")
    assert record.complete and record.environment["checkpoint"].startswith("py:")


# === The network on each page


def test_iterate_runs_it_from_an_address(own, spelling):
    app = own(photo="data:street/p00")
    assert_of_the_network(app.record)
    assert app.record.reference == "truth" and app.record.settings.variables == "score"
    assert app.control("checkpoint").value == spelling
    assert app.address == {
        "photo": "data:street/p00",
        "checkpoint": spelling,
        "variables": "score",
        **QUICK,
    }
    assert "own_network.py:build" in app.said


def test_what_it_does_not_have_is_not_offered_and_says_why(own):
    app = own()
    assert app.control("variables").options == ["score", "norm", "all"]
    assert "does not have `scale` and `both`: it has no dynamic receptive field" in app.said
    assert not [name for name in app.control("method").options if "gate" in name.lower()]
    app.set(method="pyramid:rule:entropy")
    assert app.control("variables").options == ["gate", "score"]


def test_it_is_chosen_in_the_sidebar_and_left_again(app, spelling):
    app.open(**QUICK)
    assert app.control("checkpoint").options[-1] == "py:own_network.py:build"
    app.set(checkpoint=spelling)
    app.click("iterate_run").rest()
    assert_of_the_network(app.record)
    # The sample's truth has classes of VOC, of which it knows people.
    assert set(np.unique(app.record.truth)) <= {4, 255}
    app.set(checkpoint=checkpoint.DEFAULT)
    app.click("iterate_run").rest()
    assert len(app.record.classes) == 21 and app.record.sigma is not None
    assert set(np.unique(app.record.truth)) >= {0, 15}


@pytest.mark.parametrize("method", ["feedforward", "entropy", "tent", "pyramid", "oracle"])
def test_methods(own, method):
    app = own(method=method, photo="data:street/p01")
    assert_of_the_network(app.record)


def test_all_of_it_is_adapted_and_the_network_is_not_written_to(own, spelling):
    network = server.networks().load(spelling).network
    before = tensor_hash(network)
    app = own(variables="all", steps="1")
    assert app.record.settings.variables == "all" and app.record.last == 1
    assert tensor_hash(network) == before


def test_compare(own):
    app = own("compare", photo="data:street/p02")
    records = app.records("compare")
    assert list(records) == ["feedforward", "entropy", "pyramid", "oracle", "adversary"]
    for record in records.values():
        assert_of_the_network(record)
    (table,) = app.at.dataframe
    assert set(table.value["class"]) <= {"mean", *NAMES}


def test_scales(own):
    app = own("scales", scales="1_1.5")
    for record in app.records("scales").values():
        assert_of_the_network(record)
    assert "sigma" not in app.said


def test_ablate_varies_the_variables_that_there_are(own):
    app = own("ablate", grid_rates="0.001", grid_steps="1_2")
    assert list(app.records("ablate")) == ["score, 0.001"]
    assert app.control("grid_variables").options == ["score", "gate", "norm", "all"]


def test_runs_are_kept_and_pinned_beside_those_of_other_networks(own, app):
    app.open(photo="data:street/p00", **QUICK)
    own(photo="data:street/p00")
    app.go("runs").choose_runs(*(run.id for run in app.session.history.runs))
    app.click("runs_pin")
    assert not app.at.exception
    assert len(app.records("runs")) == 2


def test_model_shows_what_is_known_of_it(own):
    app = own().go("model")
    tables = "\n".join(str(table.value.to_dict()) for table in app.at.table).replace("\\", "")
    assert "road, car, tree, sky, person" in tables and "there is no sigma" in tables
    (adapted,) = (frame.value for frame in app.at.dataframe if "Variables" in frame.value)
    assert dict(zip(adapted["Variables"], adapted["Parameters"], strict=True)) == {
        "score": 45,
        "norm": 16,
        "all": 285,
    }


def test_its_cost_is_measured(own, monkeypatch):
    from segviz.profiling import timing

    monkeypatch.setattr(timing, "STEPS", 2)
    app = own().go("model")
    app.click("model_measure")
    app.session.measurement.join(60)
    app.at.run()
    assert next(metric.label for metric in app.at.metric) == "Forward pass, ms"
    assert not app.at.error


# === Evaluations


def evaluate(app, **chosen):
    """Choose what to measure, measure it, and return the job's work."""
    app.go("benchmark")
    app.control("bench_table").set_value("own").run()
    for name, value in chosen.items():
        app.control(name).set_value(value).run()
    app.click("bench_run")
    app.session.visit.evaluation.join(60)
    app.at.run()
    assert not app.at.exception
    return app.session.visit.evaluation.work


def test_it_is_evaluated_on_the_folder(own, folder):
    app = own(photo="data:street/p00").go("benchmark")
    app.control("bench_table").set_value("own").run()
    assert app.control("bench_source").value == "folder street"  # as there is no VOC
    work = evaluate(
        app,
        bench_source="folder street",
        bench_steps=[1],
        bench_scales=[1.0],
        **{"bench_images_data:street": 5},
    )
    result = work.result()
    assert result.images == 5 and result.split == "data:street" and not result.failed
    assert {row.variables for row in result.results} == {None, "score"}
    assert result.classes == NAMES
    assert any("the network does not know 1 of the 5 classes" in note for note in work.notes)
    assert "5 images of street" in app.said
    opened = next(b for b in app.at.button if b.key.startswith("bench_open_"))
    app.click(opened.key).rest()
    assert app.record.environment["checkpoint"].startswith("py:")
    assert app.session.photo.key.startswith("data:street/")


def test_classes_in_common_are_evaluated_on_voc(own, monkeypatch, voc_root):
    monkeypatch.setenv("SEGVIZ_VOC_ROOT", str(voc_root))
    work = evaluate(own(), bench_steps=[1], bench_scales=[1.0], bench_images_val=2)
    assert work.result().images == 2
    assert any("car -> car, person -> person" in note for note in work.notes)


# === Only what the operator offers


@pytest.mark.parametrize("name", ["py:/tmp/evil.py:build", "hf:somebody/something", "../x"])
def test_an_address_cannot_name_other_networks(app, name):
    app.open(checkpoint=name, **QUICK)
    assert "a network that this server offers" in app.said
    assert len(app.record.classes) == 21


def test_a_browser_cannot_name_other_networks(app, spelling):
    app.open(**QUICK)
    app.session.controls["checkpoint"] = spelling.replace("own_network", "other")
    app.session.generation += 1
    app.at.run()
    assert "There is no network" in app.said
    assert app.control("checkpoint").value == checkpoint.DEFAULT


def test_a_network_that_fails_gives_way_to_the_default(app, monkeypatch, tmp_path):
    (tmp_path / "broken.py").write_text("def build(): raise RuntimeError('no weights')")
    broken = f"py:{tmp_path / 'broken.py'}:build"
    monkeypatch.setenv("SEGVIZ_NETWORKS", broken)
    app.open(checkpoint=broken, **QUICK)
    assert "no weights" in app.said and not app.at.exception
    assert app.control("checkpoint").value == checkpoint.DEFAULT
    assert len(app.record.classes) == 21


# === Photos of a folder


def choose(app):
    app.at.button(key="choose_photo").click().run()


def browse(app, name="street"):
    app.session.controls["photo_source"] = f"folder {name}"
    choose(app)
    return app


def test_the_folder_is_browsed_and_a_photo_chosen(own):
    app = browse(own())
    keys = [button.key for button in app.at.button if button.key.startswith("pick_data:")]
    assert keys == [f"pick_data:street/{id}" for id in IDS]
    assert "road -> road" in app.said and "does not know ground: ignored" in app.said
    app.click("pick_data:street/north side/p04").click("iterate_run").rest()
    assert app.record.reference == "truth" and app.record.title == "north side/p04"
    assert app.address["photo"] == "data:street/north side/p04"


def test_masks_are_shown_with_the_names_of_their_classes(own):
    app = browse(own())
    app.control("data_masks").set_value(True)
    choose(app)
    assert all(f"{name} " in app.said for name in ("road", "sky", "tree", "car"))


def test_a_folder_of_other_classes_says_so_once(own, monkeypatch, tmp_path):
    own_images.write(tmp_path, 2)
    (tmp_path / "classes.txt").write_text("\n".join("abcde"))
    monkeypatch.setenv("SEGVIZ_DATA", f"letters={tmp_path}")
    app = browse(own(), "letters")
    app.control("data_masks").set_value(True)
    choose(app)
    assert app.said.count("none of the classes of the masks (a, b, c, d, e)") == 1
    assert "class-map.json" in app.said and "--class-map" not in app.said


def test_a_search_in_the_folder(own):
    app = browse(own())
    app.control("data_query").set_value("p03")
    choose(app)
    assert "1 of 6 photos of street" in app.said
    app.control("data_query").set_value("elephant")
    choose(app)
    assert "None of the 6 photos" in app.said


def test_a_network_without_the_classes_of_the_masks_runs_without_truth(app):
    """The tiny network has VOC's classes: of the folder's it knows the car alone."""
    app.open(photo="data:street/p00", **QUICK)
    assert app.record.reference == "truth" and set(np.unique(app.record.truth)) <= {7, 255}


@pytest.mark.parametrize("photo", ["data:street/absent", "data:other/p00", "data:street/../x"])
def test_photos_that_are_not_there(app, photo):
    app.open(photo=photo, **QUICK)
    assert "There is no" in app.said and app.session.photo.key.startswith("sample:")


@uploads
def test_an_uploaded_mask_has_the_classes_of_the_network(own, noise, png):
    app = own()
    app.session.controls["photo_source"] = "Upload"
    choose(app)
    mask = np.full(noise.shape[:2], 255, np.uint8)
    mask[10:40, 20:60] = 4
    mask[50:] = 0
    app.at.file_uploader(key="pick_photo").upload("photo.png", png(noise))
    app.at.file_uploader(key="pick_mask").upload("mask.png", png(mask))
    choose(app)
    assert "person 22.2 %" in app.said and "road 16.7 %" in app.said and not app.at.warning
    app.click("pick_use").click("iterate_run").rest()
    assert (app.record.truth == mask).all() and app.record.classes == NAMES


@uploads
def test_a_mask_that_another_network_cannot_read_is_left_out(app, noise, png, spelling):
    app.open(**QUICK)
    app.session.controls["photo_source"] = "Upload"
    choose(app)
    mask = np.zeros(noise.shape[:2], np.uint8)
    mask[10:40, 20:60] = 15
    app.at.file_uploader(key="pick_photo").upload("photo.png", png(noise))
    app.at.file_uploader(key="pick_mask").upload("mask.png", png(mask))
    choose(app)
    app.click("pick_use")
    assert "with truth" in app.said
    app.set(checkpoint=spelling)
    assert "no truth" in app.said and "class ids 15" in app.said
    app.set(checkpoint=checkpoint.DEFAULT)
    assert "with truth" in app.said


def test_palette_masks_keep_their_meaning(own, folder):
    mask = np.array(Image.open(folder / "masks" / "p00.png"))
    app = own(photo="data:street/p00")
    names = [*own_images.NAMES]
    expected = {names[id] for id in np.unique(mask) if id != 255} - {"ground"}
    found = {NAMES[id] for id in np.unique(app.record.truth) if id != 255}
    assert found == expected

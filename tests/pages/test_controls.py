"""Settings are the visit's: every page shows and uses those that another left."""

import pytest

from segviz.adapt import Settings

CHANGED = {"scale": 1.0, "steps": 2, "variables": "score", "learning_rate": "0.01", "centred": True}
HIDDEN = {
    "iterate": (),
    "compare": ("method",),
    "scales": ("scale",),
    "ablate": ("variables", "learning_rate", "steps"),
}

# One run a page.
SHORT_LISTS = {
    "methods": "entropy",
    "scales": "1",
    "grid_variables": "score",
    "grid_rates": "0.001",
    "grid_steps": "1",
}


def shown(app, page, names):
    return {name: app.control(name).value for name in names if name not in HIDDEN[page]}


def expected(page, values):
    return {name: value for name, value in values.items() if name not in HIDDEN[page]}


DEFAULTS = {
    "scale": 3.0,
    "steps": 32,
    "method": "entropy",
    "variables": "both",
    "learning_rate": "0.001",
    "centred": False,
    "tolerance": 0.0,
    "stop": "",
    "optimiser": None,
    "momentum": None,
    "alpha": None,
}


def test_untouched_settings_survive_every_change_of_page(app):
    app.at.run()
    for page in ("benchmark", "scales", "model", "ablate", "runs", "compare", "iterate"):
        app.go(page)
        if page in HIDDEN:
            assert shown(app, page, DEFAULTS) == expected(page, DEFAULTS), page


@pytest.mark.parametrize("first", ["iterate", "compare", "scales", "ablate"])
def test_changed_settings_survive_every_order_of_pages(app, first):
    app.open(first, scale="1", steps="1", **SHORT_LISTS)
    app.set(**expected(first, CHANGED))
    for page in ("runs", "ablate", "compare", "model", "scales", "iterate"):
        app.go(page)
        if page in HIDDEN:
            known = expected(first, CHANGED)
            assert shown(app, page, known) == expected(page, known), page
    app.rest()


def test_a_setting_changed_on_one_page_is_that_of_all(app):
    app.open(scale="1", steps="1", **SHORT_LISTS).go("compare").rest()
    app.set(scale=1.5, steps=2).go("scales").set(steps=3).go("iterate").rest()
    assert (app.control("scale").value, app.control("steps").value) == (1.5, 3)
    app.click("iterate_run").rest()
    assert app.record.settings == Settings(scale=1.5, steps=3)


def test_lists_survive_a_change_of_page(app):
    app.open("compare", methods="entropy_oracle", scale="1", steps="1").go("iterate")
    app.go("compare")
    assert app.control("methods").value == ["entropy", "oracle"]
    app.control("methods").set_value(["adversary"]).run()
    app.go("scales").control("scales").set_value([1.0]).run()
    app.go("model").go("compare")
    assert app.control("methods").value == ["adversary"]
    assert app.go("scales").control("scales").value == [1.0]


def test_choices_of_benchmark_survive_a_change_of_page(app, voc_root, monkeypatch):
    monkeypatch.setenv("SEGVIZ_VOC_ROOT", str(voc_root))
    app.open(scale="1", steps="1").go("benchmark")
    app.control("bench_table").set_value("own").run()
    app.set(bench_methods=["oracle"], bench_variables=["score"], bench_steps=[4, 8])
    app.go("model").go("benchmark")
    assert app.control("bench_table").value == "own"
    assert app.control("bench_methods").value == ["oracle"]
    assert app.control("bench_variables").value == ["score"]
    assert app.control("bench_steps").value == [4, 8]
    assert app.control("voc_folder").value == str(voc_root)


def test_the_voc_folder_of_benchmark_is_that_of_the_picker(app, voc_root):
    app.open(scale="1", steps="1").go("benchmark")
    app.control("bench_table").set_value("own").run()
    app.control("voc_folder").set_value(str(voc_root)).run()
    app.go("iterate").session.controls["photo_source"] = "PASCAL VOC"
    app.click("choose_photo")
    assert app.control("voc_folder").value == str(voc_root)


def test_an_address_sets_controls_that_were_drawn_already(app):
    app.open(scale="1", steps="1").set(steps=5)
    app.at.query_params["scale"] = "1.5"
    app.at.query_params["steps"] = "2"
    app.at.run()
    app.rest()
    assert (app.control("scale").value, app.control("steps").value) == (1.5, 2)
    assert app.record.settings == Settings(scale=1.5, steps=2)


def test_two_visits_have_settings_of_their_own(app):
    app.open(scale="1", steps="1").set(steps=5)
    other = type(app)().open()
    assert other.control("steps").value == 32 and app.control("steps").value == 5


def test_a_method_on_norms_brings_its_own_variables_and_steps(app):
    app.open(scale="1", steps="1", centred="1", optimiser="sgd")
    app.set(method="tent")
    values = [app.control(name).value for name in ("variables", "steps", "centred", "optimiser")]
    assert values == ["norm", 8, False, None]
    app.set(alpha=0.5, stop="drift").set(steps=1)
    app.click("iterate_run").rest()
    settings = app.record.settings
    assert (settings.method, settings.variables, settings.alpha) == ("tent", "norm", 0.5)
    assert (settings.stop, settings.steps) == ("drift", 1) and app.record.last <= 2

"""Addresses: what is written is read again, and nothing else gets through."""

import pytest

from pages.state import query_params
from segviz.adapt import Settings

VIEW = {
    "photo": "voc:2007_000123",
    "long_side": 750,
    "scale": 1.5,
    "steps": 7,
    "method": "entropy-few",
    "variables": "norm",
    "learning_rate": 0.00025,
    "centred": False,
    "tolerance": 0.01,
    "stop": "drift",
    "optimiser": "sgd",
    "momentum": 0.5,
    "alpha": 0.25,
    "methods": ("feedforward", "adversary"),
    "scales": (1.0, 3.5),
    "grid_variables": ("all",),
    "grid_learning_rates": (1e-5, 0.1),
    "grid_steps": (0, 128),
    "vary": "variables",
    "bench_table": "own",
    "bench_model": "w/o aug",
    "step": 0,
    "pins": ((12, 0), (499, 374)),
    "panels": ("photo", "right-wrong"),
    "solo": "entropy",
    "overlay": 0,
    "zoom": (2.5, 0.0, 0.125),
    "isolated": 0,
    "threshold": 75,
    "against": (1, None),
    "wipe": (50, ("prediction", 0, 4), ("right-wrong", 11, None)),
    "cell": (8, 12),
}


RUN = {"photo", "scale", "steps", "method", "variables", "rate", "centred", "tolerance"}
RUN |= {"stop", "optimiser", "momentum", "alpha", "long_side"}
VIEWER = {"step", "pins", "panels", "solo", "overlay", "zoom", "class", "threshold"}
VIEWER |= {"against", "wipe", "cell"}
GRID = {"grid_variables", "grid_rates", "grid_steps"}


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("iterate", RUN | VIEWER),
        ("compare", RUN - {"variables"} | {"vary", "grid_variables"} | VIEWER),
        ("scales", RUN - {"scale"} | {"scales"} | VIEWER),
        ("ablate", RUN - {"variables", "rate", "steps"} | GRID),
        ("benchmark", {"table", "model"}),
    ],
)
def test_what_is_written_is_read_again(page, names):
    query = query_params.write(page, {**query_params.defaults(), **VIEW})
    assert set(query) == names - {"centred"}
    expected = len(names - {"centred"})
    values, notices = query_params.read(query)
    assert notices == []
    assert values == {name: VIEW[name] for name in values} and len(values) == expected


def test_centred_updates_have_an_address():
    values = {**query_params.defaults(), "centred": True}
    query = query_params.write("iterate", values)
    assert query == {"centred": "1"} and query_params.read(query) == ({"centred": True}, [])


def test_addresses_abbreviate_the_learning_rate():
    values = {**query_params.defaults(), "learning_rate": 0.01}
    assert query_params.write("iterate", values) == {"rate": "0.01"}
    assert query_params.read({"rate": "0.01"}) == ({"learning_rate": 0.01}, [])
    assert query_params.read({"learning_rate": "0.01"})[0] == {}


def test_addresses_of_earlier_versions_name_the_objective():
    assert query_params.read({"objective": "oracle"}) == ({"method": "oracle"}, [])


@pytest.mark.parametrize("page", ["iterate", "compare", "scales", "ablate", "model", "runs"])
def test_defaults_are_left_out(page):
    assert query_params.write(page, query_params.defaults()) == {}
    assert query_params.read({}) == ({}, [])


def test_every_value_of_a_view_has_an_address():
    assert set(VIEW) | {"checkpoint"} == set(query_params.PARAMETERS)
    assert (
        query_params.write("iterate", {**query_params.defaults(), **VIEW})["pins"] == "12x0_499x374"
    )


def test_uploads_have_no_address():
    assert (
        query_params.write("iterate", {**query_params.defaults(), **VIEW, "photo": "upload:abc"})
        == {}
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("photo", "../../etc/passwd"),
        ("photo", "voc:../x"),
        ("photo", "upload:1"),
        ("photo", "<script>alert(1)</script>"),
        ("checkpoint", "../secret"),
        ("scale", "4.5"),
        ("scale", "nan"),
        ("scale", "-inf"),
        ("scale", "large"),
        ("scale", ""),
        ("steps", "129"),
        ("steps", "3.5"),
        ("steps", "-1"),
        ("steps", "9" * 5000),
        ("method", "Entropy"),
        ("objective", "Entropy"),
        ("variables", "none"),
        ("rate", "0"),
        ("rate", "2"),
        ("centred", "yes"),
        ("centred", "01"),
        ("tolerance", "1"),
        ("methods", "entropy_nothing"),
        ("methods", ""),
        ("scales", "1_99"),
        ("scales", "_".join(f"{1 + n / 100}" for n in range(13))),
        ("grid_rates", "0.1_x"),
        ("step", "-3"),
        ("pins", "5"),
        ("pins", "1x2_3x4_5x6_7x8_9x10_11x12"),
        ("pins", "-1x2"),
        ("panels", "photo_<b>"),
        ("vary", "scale"),
        ("table", "9"),
        ("model", "w/ aug"),
        ("solo", "<b>"),
        ("overlay", "101"),
        ("zoom", "2x0.5"),
        ("zoom", "25x0x0"),
        ("zoom", "2x1.5x0"),
        ("class", "255"),
        ("threshold", "-1"),
        ("against", "x"),
        ("against", "12x3"),
        ("wipe", "50"),
        ("wipe", "50_prediction.0"),
        ("wipe", "50_prediction_entropy.0"),
        ("wipe", "500_prediction.0_entropy.0"),
        ("cell", "8"),
    ],
)
def test_invalid_values_are_named_and_left_out(name, text):
    values, (notice,) = query_params.read(
        {name: text, "scale" if name != "scale" else "steps": "2"}
    )
    assert len(values) == 1 and not values.keys() & {name, "method"}
    assert name in notice and text[:40] in notice and "must be" in notice
    assert len(notice) < 400


def test_unknown_names_are_named():
    values, notices = query_params.read({"colour": "red", "scale": "2"})
    assert values == {"scale": 2.0} and "'colour'" in notices[0]


def test_values_that_do_not_go_together():
    values, (notice,) = query_params.read({"variables": "all", "centred": "1"})
    assert values == {"variables": "all"} and "centred updates" in notice


def test_lists_are_read_with_commas_and_without_repeats():
    assert query_params.read({"scales": "1,2,2,3"}) == ({"scales": (1.0, 2.0, 3.0)}, [])


def test_settings_of_values():
    settings = query_params.settings_of({**query_params.defaults(), **VIEW})
    assert (settings.scale, settings.steps, settings.learning_rate) == (1.5, 7, 0.00025)


def test_settings_as_values_leave_out_what_is_the_method_s_own():
    own = query_params.values_of(Settings(method="tent"))
    assert [own[name] for name in ("alpha", "optimiser", "momentum")] == [None] * 3
    settings = Settings(method="tent", alpha=0.25, optimiser="sgd", momentum=0.5)
    values = query_params.values_of(settings)
    assert (values["alpha"], values["optimiser"], values["momentum"]) == (0.25, "sgd", 0.5)
    for chosen in (settings, Settings(method="tent"), Settings(optimiser="sgd")):
        assert query_params.settings_of(query_params.values_of(chosen)) == chosen


@pytest.mark.parametrize(
    ("text", "against"),
    [("8", (None, 8)), ("1x8", (1, 8)), ("0x", (0, None))],
)
def test_references_of_differences_go_round(text, against):
    assert query_params.read({"against": text}) == ({"against": against}, [])
    values = {**query_params.defaults(), "against": against}
    assert query_params.write("compare", values) == {"against": text}


@pytest.mark.parametrize(
    ("vary", "names"),
    [
        ("method", {"methods", "rate", "variables"}),
        ("learning_rate", {"method", "vary", "variables", "grid_rates"}),
        ("variables", {"method", "vary", "rate", "grid_variables"}),
    ],
)
def test_compare_has_the_address_of_what_its_runs_differ_in(vary, names):
    query = query_params.write("compare", {**query_params.defaults(), **VIEW, "vary": vary})
    lists = {"methods", "grid_rates", "grid_variables", "vary", "method", "rate", "variables"}
    assert set(query) & lists == names
    other = {**query_params.defaults(), "vary": vary, "methods": ("oracle",)}
    assert query_params.differing("compare", other, {**query_params.defaults(), "vary": vary}) == (
        ["methods"] if vary == "method" else []
    )

"""segviz figures: pages made of records and of a result file."""

import io
import json
import re
from importlib import import_module

import numpy as np
import pytest
from PIL import Image

from segviz.adapt import Settings
from segviz.data.classes import CLASSES, PALETTE
from segviz.evaluation.paper_tables import MODELS, OURS, PAPER, TABLES
from segviz.evaluation.results import parse
from segviz.figures import cells
from segviz.figures.page_layout import DPI, FORMATS, MARGIN, WIDTH, Page
from segviz.figures.paper import FIGURES, Pair, shown_steps
from segviz.figures.scales import scale_figure
from segviz.pictures import maps
from segviz.pictures.few_colours import few_colours
from segviz.runs.batch import Batch

SETTINGS = Settings(scale=1.5, steps=4, learning_rate=0.01)


def made(trained, photo, truth, title="shapes"):
    batch = Batch(trained, photo, [Settings(scale=1.0, steps=0), SETTINGS], truth, title)
    for _ in batch:
        pass
    return Pair(*batch.records())


@pytest.fixture(scope="module")
def pair(trained, photo, truth):
    return made(trained, photo, truth)


@pytest.fixture(scope="module")
def unjudged_pair(trained, photo):
    return made(trained, photo[:, ::-1], None, "no $truth$ for it")


def on(page):
    return " ".join(page.words())


def drawn(data):
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_a_png_and_a_pdf(name, pair, unjudged_pair):
    kind = FIGURES[name]
    page = kind.draw([pair, unjudged_pair] if kind.several else [pair])
    png, pdf = page.bytes("png", "figure"), page.bytes("pdf", "figure")
    picture = drawn(png)
    assert picture.shape[1] == round(WIDTH * DPI) and len(np.unique(picture)) > 50
    edge = round(MARGIN * DPI) - 2  # nothing runs over the margins
    for border in (picture[:edge], picture[-edge:], picture[:, :edge], picture[:, -edge:]):
        assert (border == 255).all()
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
    assert b"/Subtype /Image" in pdf and b"/FontFile2" in pdf  # maps as images, text as text


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_page_gives_the_same_bytes(pair, format):
    page = FIGURES["5"].draw([pair])
    assert page.bytes(format, "figure") == page.bytes(format, "figure")


@pytest.mark.parametrize("name", FIGURES)
def test_captions_state_the_settings(name, pair, trained):
    text = on(FIGURES[name].draw([pair]))
    assert f"Figure {name}." in text and "shapes" in text
    settings = "scale 1.5, entropy on both, 4 steps, learning rate 0.01"
    assert f"Settings: {settings}." in text
    assert f"Checkpoint tiny.safetensors ({trained.sha256[:8]})." in text
    assert ("nats" in text) == (name in "13")


@pytest.mark.parametrize("name", ["1", "3", "5"])
def test_without_truth_there_is_agreement_and_no_iou(name, pair, unjudged_pair):
    text = on(FIGURES[name].draw([unjudged_pair]))
    assert "IoU" not in text and "agreement" in text and "1x prediction" in text
    assert "no $truth$ for it" in text  # as it stands, not as a formula
    assert "truth" not in FIGURES[name].draw([unjudged_pair]).words()
    text = on(FIGURES[name].draw([pair]))
    assert "IoU" in text and "agreement" not in text


def test_measures_are_those_of_the_steps_shown(pair):
    words = FIGURES["1"].draw([pair]).words()
    steps = pair.near.steps[0], pair.far.steps[0], pair.far.steps[-1]
    for step in steps:
        assert f"IoU {step['iou']:.3f}" in words
        assert f"mean {step['entropy']:.3f} nats" in words
    words = FIGURES["3"].draw([pair]).words()
    for number in (0, 1, 4):
        assert f"step {number}" in words
        assert f"IoU {pair.far.steps[number]['iou']:.3f}" in words
    assert "step 2" not in words and "step 3" not in words


def test_steps_shown_double_and_quadruple():
    assert shown_steps(32) == [0, 2, 8, 32] and shown_steps(128) == [0, 8, 32, 128]
    assert shown_steps(1) == [0, 1] and shown_steps(0) == [0]


def test_names_are_those_of_the_classes_shown(pair):
    page = FIGURES["5"].draw([pair])
    present = set(np.unique(pair.near.labels[0])) | set(np.unique(pair.far.truth))
    present |= {c for step in (0, 4) for c in np.unique(pair.far.labels[step])}
    words = page.words()
    assert {word for word in words if word in CLASSES} == {CLASSES[c] for c in present - {255}}
    assert "ignored in truth" in words
    picture = drawn(page.bytes("png"))
    colours = set(map(tuple, np.unique(picture.reshape(-1, 3), axis=0).tolist()))
    assert all(tuple(PALETTE[c].tolist()) in colours for c in present)


def test_receptive_fields_share_one_range_on_one_bar(pair, unjudged_pair):
    pairs = [pair, unjudged_pair]
    page = FIGURES["4"].draw(pairs)
    views = [view for one in pairs for view in cells.views_of(one)]
    sizes = [cells.extents(view.record, view.step) for view in views]
    low, high = min(map(np.min, sizes)), max(map(np.max, sizes))
    words = page.words()
    assert words.count("receptive field size") == 1
    assert f"{low:.0f}" in words and f"{high:.0f} input px" in words
    for size in sizes:
        assert f"mean {size.mean():.0f} px" in words
    limits = np.log2(low), np.log2(high + 1e-3)
    expected = [
        maps.coloured(np.log2(maps.to_photo(size, view.record)), limits, "sigma")
        for view, size in zip(views, sizes, strict=True)
    ]
    shown = [image.get_array() for axes in page.figure.axes for image in axes.images]
    for picture in expected:
        assert sum(np.array_equal(picture, one) for one in shown) == 1
    assert "1.5 times" in on(page) and "IoU" not in on(page)


def test_few_colours_keep_those_of_labels(pair):
    png = FIGURES["5"].draw([pair]).bytes("png")
    small = few_colours(png)
    before, after = drawn(png), drawn(small)
    assert Image.open(io.BytesIO(small)).mode == "P" and len(small) < len(png)
    colours, counts = np.unique(after.reshape(-1, 3), axis=0, return_counts=True)
    assert 100 < len(colours) <= 192 and counts.sum() == before.size // 3
    for label in np.unique(pair.far.labels[-1]).tolist():
        where = (before == PALETTE[label]).all(-1)
        assert where.sum() > 64 and (after[where] == PALETTE[label]).all()
    assert (after[(before == 255).all(-1)] == 255).all()
    assert np.abs(after.astype(int) - before).mean() < 3


def test_few_colours_of_a_picture_of_few():
    picture = np.zeros((9, 9, 3), np.uint8)
    picture[3:, 4:] = 7, 77, 177
    assert (drawn(few_colours(maps.png(picture))) == picture).all()


def test_extents_are_in_input_pixels(pair):
    record, stride = pair.far, pair.far.stride
    sigma = record.sigma[2].astype(np.float64) / stride
    expected = stride * (2 * np.maximum(sigma, 1) + 4 * sigma + 1)
    np.testing.assert_allclose(cells.extents(record, 2), expected, rtol=1e-5)


def test_words_stay_on_the_page():
    page = Page()
    page.paragraph("settings " * 60 + "w" * 150)
    lines = page.words()
    assert len(lines) > 3 and all(page.width(line) <= page.room for line in lines)
    assert lines[-1].endswith("w…")


# A result file


def result(models=("w/o aug", "w/ aug"), miou=0.5):
    def row(scale, method):
        feedforward = method.name == "feedforward"
        return {
            "scale": scale,
            "method": method.name,
            "variables": None if feedforward else method.settings.variables,
            "steps": method.at[-1],
            "miou": miou if feedforward else 0.6,
            "class_iou": [None] * 21,
        }

    plan = TABLES["1"].plan()
    part = {
        "images": 7,
        "failed": ["2007_000001: damaged"],
        "environment": {"sha256": "0123456789"},
        "results": [row(scale, method) for scale in (1.0, 2.0, 3.0) for method in plan],
    }
    parts = {
        model: part | {"environment": {"checkpoint": MODELS[model], "sha256": "0123456789"}}
        for model in models
    }
    return {
        "table": "1", "title": "t", "images": 7, "split": "val", "command": "COMMAND",
        "models": parts,
    }  # fmt: skip


@pytest.mark.parametrize("models", [("w/ aug",), ("w/o aug", "w/ aug")])
def test_scales_ours_solid_the_papers_dashed(models):
    page = scale_figure(parse(result(models), "it"))
    charts = [axes for axes in page.figure.axes if axes.lines]
    assert len(charts) == 2 * len(models)
    dashed = [line for line in charts[0].lines if line.get_linestyle() == "--"]
    paper = PAPER["1"][models[0], "oracle", "both", 32]
    assert [paper[2.0], paper[3.0]] in [list(line.get_ydata()) for line in dashed]
    solid = [list(line.get_ydata()) for line in charts[0].lines if line.get_linestyle() == "-"]
    assert [50.0] * 3 in solid and [60.0] * 3 in solid
    gains = [line.get_ydata() for line in charts[1].lines if line.get_linestyle() == "-"]
    assert any(np.allclose(gain, 10) for gain in gains)
    text = on(page)
    assert "on 7 images of val" in text and "COMMAND" in text and "(01234567)" in text
    assert f"{OURS[0]} (ours), {OURS[1]}" in text and "images could not be measured" in text
    assert drawn(page.bytes("png")).shape[1] == round(WIDTH * DPI)
    assert page.bytes("pdf").startswith(b"%PDF-")


def test_scales_with_errors_of_gains():
    data = result(("w/ aug",))
    assert "standard errors" not in on(scale_figure(parse(data, "it")))
    for row in data["models"]["w/ aug"]["results"]:
        row["gain_error"] = None if row["method"] == "feedforward" or row["scale"] == 1 else 0.015
    page = scale_figure(parse(data, "it"))
    assert "Whiskers: standard errors" in on(page)
    mious, gains = (axes for axes in page.figure.axes if axes.lines)
    assert not mious.collections
    whiskers = [bar.get_segments() for bar in gains.collections]
    assert len(whiskers) == 3  # a method each, but the oracle
    for segments in whiskers:
        assert np.allclose(segments, [[[2, 8.5], [2, 11.5]], [[3, 8.5], [3, 11.5]]])


def test_scales_without_a_number():
    page = scale_figure(parse(result(("w/ aug",), miou=None), "it"))
    assert page.bytes("png").startswith(b"\x89PNG")


# The command line


def test_all_figures_of_an_image_of_voc(cli, voc_root, tmp_path):
    code, out, err = cli(
        "figures", "--photos", "voc:2007_000002", "--voc-root", voc_root, "--scale", 1.5,
        "--steps", 2, "--results", tmp_path, "--formats", "png", "--out", tmp_path / "out",
        "--json",
    )  # fmt: skip
    assert code == 0 and err == ""
    made = {file["path"].rsplit("/", 1)[-1]: file for file in json.loads(out)["files"]}
    singles = [f"figure-{figure}-2007_000002.png" for figure in "13"]
    assert list(made) == [*singles, "figure-4.png", "figure-5.png"]
    for name, file in made.items():
        assert file["figure"] == name[7]
        data = (tmp_path / "out" / name).read_bytes()
        assert len(data) == file["bytes"] and drawn(data).shape[1] == round(WIDTH * DPI)


def test_photos_of_one_name_have_files_of_their_own(cli, files, tmp_path):
    code, out, _ = cli(
        "figures", 1, "--photos", f"{files}/photo.png, {files}/photo.png", "--scale", 1,
        "--steps", 1, "--formats", "png", "--out", tmp_path,
    )  # fmt: skip
    assert code == 0
    first, second = (tmp_path / f"figure-1-photo{end}.png" for end in ("", "-2"))
    assert out.split() == [str(first), str(second)]
    assert drawn(first.read_bytes()).shape == drawn(second.read_bytes()).shape


def test_settings_reach_the_run(cli, files, tmp_path, monkeypatch):
    seen = []
    kind = FIGURES["5"]
    spy = kind.__class__(kind.title, lambda pairs: seen.append(pairs) or kind.draw(pairs), True)
    monkeypatch.setitem(FIGURES, "5", spy)
    common = ("--photos", files / "photo.png", "--formats", "pdf", "--out", tmp_path)
    code, out, _ = cli(
        "figures", 5, *common, "--scale", 2, "--steps", 1, "--lr", 0.02, "--variables", "scale",
        "--objective", "entropy-marginal", "--centred",
    )  # fmt: skip
    assert code == 0 and out == f"{tmp_path}/figure-5.pdf\n"
    assert (tmp_path / "figure-5.pdf").read_bytes().startswith(b"%PDF-")
    expected = Settings(2.0, "entropy-marginal", "scale", 1, 0.02, True)
    assert seen[0][0].far.settings == expected
    assert seen[0][0].near.settings == Settings(scale=1.0, steps=0)
    code, _, _ = cli("figures", 5, *common, "--scale", 2, "--steps", 1, "--ours")
    assert code == 0
    name, *options = OURS[0].split(":")
    ours = seen[1][0].far.settings
    assert (ours.objective, ours.variables, ours.scale, ours.steps) == (name, OURS[1], 2.0, 1)
    assert ours.centred == ("centred" in options)


def test_scales_need_a_result_file_only(cli, tmp_path):
    (tmp_path / "table-1.json").write_text(json.dumps(result()))
    files = "--results", tmp_path, "--out", tmp_path
    code, out, _ = cli("figures", "scales", *files, "--few-colours", trained=False)
    assert code == 0
    assert out.split() == [f"{tmp_path}/scales.png", f"{tmp_path}/scales.pdf"]
    assert Image.open(tmp_path / "scales.png").mode == "P"


def test_ctrl_c_keeps_what_is_there(cli, files, tmp_path, monkeypatch):
    figures = import_module("segviz.cli.figures")
    whole, calls = figures._pair, []

    def pair(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(figures, "_pair", pair)
    code, _, _ = cli(
        "figures", 1, 5, "--photos", f"{files}/photo.png,sample:cat", "--scale", 1, "--steps", 1,
        "--formats", "png", "--out", tmp_path,
    )  # fmt: skip
    assert code == 130
    assert {file.name for file in tmp_path.iterdir()} == {"figure-1-photo.png", "figure-5.png"}


@pytest.mark.parametrize(
    ("arguments", "pattern"),
    [
        (["2"], "no figure '2'; choose of 1, 3, 4, 5, scales"),
        (["1", "--photos", " ,"], "0 photos, but a page holds 1 to 12"),
        (["5", "--photos", "," + "sample:cat," * 13], "13 photos, but a page holds 1 to 12"),
        (["1", "--photos", "sample:dog"], "no sample 'dog'; choose one of astronaut"),
        (["1", "--photos", "voc:2007_000002"], "voc:2007_000002 .* --voc-root"),
        (["1", "--photos", "voc:1", "--voc-root", "{root}"], "photo of 1 is missing"),
        (["1", "--photos", "voc:1", "--voc-root", "{tmp}"], "No VOC 2012 in"),
        (["1", "--photos", "{tmp}/absent.png"], "absent.png"),
        (["1", "--formats", "svg"], "no format 'svg'; choose of png, pdf"),
        (["1", "--formats", ","], "no format; choose of png, pdf"),
        (["1", "--steps", "0"], "steps is 0, but figures"),
        (["1", "--scale", "nan"], "scale must be .* got nan"),
        (["1", "--objective", "luck"], "luck"),
        (["scales", "--results", "{tmp}"], r"no .*table-1\.json.* tables 1 --voc-root"),
        (["scales", "--results", "{bad}"], r"table-1\.json is damaged"),
        (["1", "--out", "{tmp}/file"], "cannot be made"),
    ],
)
def test_misuse_is_told_in_one_line(cli, tmp_path, voc_root, arguments, pattern):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "table-1.json").write_text("{")
    (tmp_path / "file").write_text("")
    places = {"tmp": tmp_path, "bad": tmp_path / "bad", "root": voc_root}
    filled = [argument.format(**places) for argument in arguments]
    if "--out" not in filled:
        filled += ["--out", str(tmp_path / "out")]
    code, out, err = cli("figures", *filled)
    assert code == 2 and out == ""
    assert re.fullmatch(r"segviz: [^\n]+\.\n", err) and re.search(pattern, err), err

"""Figures of runs: their words, pictures and files."""

import io

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from segviz.adapt import Settings
from segviz.data.classes import CLASSES
from segviz.data.voc_palette import PALETTE
from segviz.figures.paper import FIGURES, shown_steps
from segviz.figures.run_pictures import RunPair, field_sizes
from segviz.figures.style import DPI, figure_bytes
from segviz.pictures import maps
from segviz.runs.batch import Batch

SETTINGS = Settings(scale=1.5, steps=4, learning_rate=0.01)


def run_pair(trained, photo, truth, title="shapes"):
    batch = Batch(trained, photo, [Settings(scale=1.0, steps=0), SETTINGS], truth, title)
    for _ in batch:
        pass
    return RunPair(*batch.records())


@pytest.fixture(scope="module")
def pair(trained, photo, truth):
    return run_pair(trained, photo, truth)


@pytest.fixture(scope="module")
def pair_without_truth(trained, photo):
    return run_pair(trained, photo[:, ::-1], None, "no $truth$ for it")


@pytest.fixture(scope="module")
def draw():
    """Draw a figure of pairs of runs; all tests share it, so none may change it."""
    figures = {}

    def draw(name, *pairs):
        key = name, *map(id, pairs)
        if key not in figures:
            figures[key] = FIGURES[name].draw(list(pairs))
        return figures[key]

    return draw


def words(figure):
    """All texts of a figure, each on one line."""
    texts = [" ".join(text.get_text().split()) for text in figure.findobj(Text)]
    return [text for text in texts if text]


def pictures(figure):
    """The pixels or values of all pictures of a figure."""
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]


def decoded(data):
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def colours_of(picture):
    return set(map(tuple, np.unique(picture.reshape(-1, 3), axis=0).tolist()))


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_a_png_and_a_pdf(draw, name, pair, pair_without_truth):
    kind = FIGURES[name]
    figure = draw(name, pair, *([pair_without_truth] if kind.several else []))
    png, pdf = figure_bytes(figure, "png", "figure"), figure_bytes(figure, "pdf", "figure")
    assert len(colours_of(decoded(png))) > 50
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
    assert b"/Subtype /Image" in pdf and b"/FontFile2" in pdf  # pictures as images, text as text


@pytest.mark.parametrize("format", DPI)
def test_the_same_figure_gives_the_same_bytes(pair, format):
    first, second = (figure_bytes(FIGURES["5"].draw([pair]), format, "figure") for _ in range(2))
    assert first == second


@pytest.mark.parametrize("name", FIGURES)
def test_captions_state_the_settings(draw, name, pair, trained):
    text = " ".join(words(draw(name, pair)))
    assert f"Figure {name}." in text and "shapes" in text
    settings = "entropy on score and scale, scale 1.5, 4 steps, learning rate 0.01"
    assert f"Settings: {settings}." in text
    assert f"Checkpoint tiny.safetensors ({trained.sha256[:8]})." in text
    assert ("entropy, nats" in text) == (name in "13")  # the colour bar


@pytest.mark.parametrize("name", ["1", "3", "5"])
def test_without_truth_there_is_agreement_and_no_iou(draw, name, pair, pair_without_truth):
    shown = words(draw(name, pair_without_truth))
    text = " ".join(shown)
    assert "IoU" not in text and "agreement" in text and "1x prediction" in text
    assert "no $truth$ for it" in text  # as it stands, not as a formula
    assert "truth" not in shown
    text = " ".join(words(draw(name, pair)))
    assert "IoU" in text and "agreement" not in text


def test_measures_are_those_of_the_steps_shown(draw, pair):
    shown = words(draw("1", pair))
    for step in (pair.base.steps[0], pair.adapted.steps[0], pair.adapted.steps[-1]):
        assert f"IoU {step['iou']:.3f}" in shown
        assert f"mean {step['entropy']:.3f} nats" in shown
    shown = words(draw("3", pair))
    for number in (0, 1, 4):
        assert f"step {number}" in shown
        assert f"IoU {pair.adapted.steps[number]['iou']:.3f}" in shown
    assert "step 2" not in shown and "step 3" not in shown


def test_curves_have_the_numbers_of_all_steps(draw, pair):
    figure = draw("3", pair)
    curves = {axes.get_title(loc="left"): axes.lines for axes in figure.axes if axes.lines}
    assert list(curves) == ["mean entropy, nats", "IoU", "mean receptive field size, input px"]
    line, dots, base = curves["IoU"]
    assert list(line.get_ydata()) == pair.adapted.numbers("iou")
    assert list(dots.get_xdata()) == shown_steps(4)
    assert set(base.get_ydata()) == {pair.base.steps[0]["iou"]}


def test_steps_shown_double_and_quadruple():
    assert shown_steps(32) == [0, 2, 8, 32] and shown_steps(128) == [0, 8, 32, 128]
    assert shown_steps(1) == [0, 1] and shown_steps(0) == [0]


def test_photos_predictions_and_truth_are_exact(draw, pair):
    shown = pictures(draw("5", pair))
    expected = [
        pair.adapted.photo,
        PALETTE[pair.base.labels[0]],
        PALETTE[pair.adapted.labels[0]],
        PALETTE[pair.adapted.labels[4]],
        PALETTE[pair.adapted.truth],
    ]
    assert len(shown) == len(expected) and all(map(np.array_equal, shown, expected))


def test_entropy_maps_share_one_range(draw, pair):
    figure = draw("1", pair)
    maps_shown = [
        image
        for axes in figure.axes
        for image in axes.images
        if image.get_cmap().name == "magma" and image.get_array().ndim == 2
    ]
    expected = [
        maps.to_photo(r.entropy[s], r)
        for r, s in ((pair.base, 0), (pair.adapted, 0), (pair.adapted, 4))
    ]
    assert all(
        np.array_equal(image.get_array(), values)
        for image, values in zip(maps_shown, expected, strict=True)
    )
    top = max(
        maps.limits_of(r.entropy, s)[1]
        for r, s in ((pair.base, 0), (pair.adapted, 0), (pair.adapted, 4))
    )
    assert {image.get_clim() for image in maps_shown} == {(0, top)}


def test_the_legend_names_the_classes_shown_in_their_colours(draw, pair):
    figure = draw("5", pair)
    present = set(np.unique(pair.base.labels[0])) | set(np.unique(pair.adapted.truth))
    present |= {c for step in (0, 4) for c in np.unique(pair.adapted.labels[step])}
    shown = words(figure)
    assert {word for word in shown if word in CLASSES} == {CLASSES[c] for c in present - {255}}
    assert "ignored in truth" in shown
    colours = colours_of(decoded(figure_bytes(figure, "png")))
    assert {tuple(PALETTE[c].tolist()) for c in present} <= colours


def test_receptive_fields_share_one_logarithmic_range(draw, pair, pair_without_truth):
    pairs = [pair, pair_without_truth]
    figure = draw("4", *pairs)
    shown_runs = [
        (record, step)
        for each in pairs
        for record, step in ((each.base, 0), (each.adapted, 0), (each.adapted, 4))
    ]
    sizes = [field_sizes(record, step) for record, step in shown_runs]
    low, high = min(map(np.min, sizes)), max(map(np.max, sizes))
    shown = words(figure)
    assert shown.count("receptive field size, input px") == 1
    assert f"{low:.0f}" in shown and f"{high:.0f}" in shown
    assert all(f"mean {size.mean():.0f} px" in shown for size in sizes)
    expected = [
        maps.to_photo(size, record) for size, (record, _) in zip(sizes, shown_runs, strict=True)
    ]
    for values in expected:
        assert sum(np.array_equal(values, picture) for picture in pictures(figure)) == 1
    text = " ".join(shown)
    assert "1.5 times" in text and "IoU" not in text


def test_few_colours_keep_those_of_labels(draw, pair):
    figure = draw("5", pair)
    png, small = (figure_bytes(figure, "png", few_colours=few) for few in (False, True))
    before, after = decoded(png), decoded(small)
    assert Image.open(io.BytesIO(small)).mode == "P" and len(small) < len(png)
    for label in np.unique(pair.adapted.labels[-1]).tolist():
        where = (before == PALETTE[label]).all(-1)
        assert where.sum() > 64 and (after[where] == PALETTE[label]).all()
    assert np.abs(after.astype(int) - before).mean() < 3


def test_field_sizes_are_in_input_pixels(pair):
    record, stride = pair.adapted, pair.adapted.stride
    sigma = record.sigma[2].astype(np.float64) / stride
    expected = stride * (2 * np.maximum(sigma, 1) + 4 * sigma + 1)
    np.testing.assert_allclose(field_sizes(record, 2), expected, rtol=1e-5)


def test_long_titles_and_captions_are_wrapped_and_cut(trained, photo):
    pair = run_pair(trained, photo, None, "word " * 60)
    figure = FIGURES["5"].draw([pair])
    lines = [line for text in figure.findobj(Text) for line in text.get_text().splitlines()]
    assert max(map(len, lines)) < 160
    assert any(line.startswith("word word") and line.endswith("…") for line in lines)

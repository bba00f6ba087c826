"""Curves and the verdict, from records made by hand and from a real one."""

import dataclasses

import pytest

from segviz.adapt import Run, Settings
from segviz.render import charts


@pytest.fixture(scope="module")
def record(trained, photo, truth):
    return Run(trained, photo, Settings(scale=1.0, steps=4), truth, "shapes").all()


def told(record, reference="truth", **numbers):
    """The record with other numbers at its steps."""
    steps = [
        {**step, **{key: values[index] for key, values in numbers.items()}}
        for index, step in enumerate(record.steps)
    ]
    return dataclasses.replace(record, steps=tuple(steps), reference=reference)


def lines(figure):
    return [trace for trace in figure.data if trace.name]


# === Curves


def test_curves_are_the_numbers_of_the_record(record):
    figure = charts.curves(record, 2)
    drawn = {trace.name: list(trace.y) for trace in lines(figure)}
    assert drawn == {
        "loss": record.numbers("loss"),
        "mean entropy": record.numbers("entropy"),
        "mean sigma": record.numbers("sigma"),
        "IoU": record.numbers("iou"),
        "pixel accuracy": record.numbers("accuracy"),
    }
    assert all(list(trace.x) == [0, 1, 2, 3, 4] for trace in lines(figure))


def test_titles_say_the_units_and_the_direction(record):
    titles = " | ".join(title.text for title in charts.curves(record, 0).layout.annotations)
    for part in ("loss, nats, minimised", "entropy, nats", "sigma, input px", "IoU", "0 to 1"):
        assert part in titles
    adversary = dataclasses.replace(record, settings=Settings(objective="adversary", steps=4))
    assert "maximised" in charts.curves(adversary, 0).layout.annotations[0].text


@pytest.mark.parametrize("step", [0, 3, 4])
def test_the_cursor_is_at_the_step(record, step):
    figure = charts.curves(record, step)
    assert [shape.x0 for shape in figure.layout.shapes] == [step] * 4
    points = [trace for trace in figure.data if not trace.name]
    assert all(list(trace.x) == [step] for trace in points)
    assert [trace.y[0] for trace in points] == [trace.y[step] for trace in lines(figure)]


def test_zoom_survives_and_the_axis_spans_the_whole_run(record):
    first, second = charts.curves(record, 0), charts.curves(record, 1)
    assert first.layout.uirevision and first.layout.uirevision == second.layout.uirevision
    partial = dataclasses.replace(record, settings=Settings(steps=20), complete=False)
    assert charts.curves(partial, 4).layout.xaxis.range[1] > 20


def test_without_truth_there_is_agreement_and_never_iou(record):
    figure = charts.curves(told(record, "1x prediction", agreement=[0.5] * 5), 1)
    names = [trace.name for trace in lines(figure)]
    titles = " ".join(title.text for title in figure.layout.annotations)
    assert names[3:] == ["agreement vs. 1x prediction"]
    assert "IoU" not in titles and "agreement vs. 1x" in titles
    assert len(charts.curves(told(record, None), 1).layout.annotations) == 3


def test_missing_numbers_leave_gaps(record):
    figure = charts.curves(told(record, loss=[1.0, None, None, 2.0, 3.0]), 1)
    assert list(figure.data[0].y) == [1.0, None, None, 2.0, 3.0]


def test_a_single_step_is_a_point(trained, photo):
    record = Run(trained, photo, Settings(scale=1.0, steps=0)).all()
    assert lines(charts.curves(record, 0))[0].mode == "markers"


# === The verdict


def test_a_fall_of_both_is_told_with_the_best_step(record):
    text = charts.verdict(
        told(record, entropy=[0.31, 0.3, 0.2, 0.15, 0.12], iou=[0.71, 0.72, 0.73, 0.7, 0.66])
    )
    assert text == (
        "Entropy fell from 0.310 to 0.120 nats while IoU fell from 0.710 to 0.660:"
        " the best step was 2 (0.730), known only because there is truth."
    )


@pytest.mark.parametrize(
    ("entropy", "iou", "words"),
    [
        ([0.3, 0.1], [0.5, 0.6], "fell from 0.300 to 0.100 nats and IoU rose from 0.500 to 0.600"),
        ([0.1, 0.3], [0.5, 0.4], "rose from 0.100 to 0.300 nats and IoU fell from 0.500 to 0.400"),
        ([0.3, 0.3], [0.5, 0.5], "stayed at 0.300 nats and IoU stayed at 0.500"),
        ([0.3, 0.1], [0.5, 0.5001], "and IoU stayed at 0.500"),
    ],
)
def test_directions(record, entropy, iou, words):
    short = dataclasses.replace(record, steps=record.steps[:2])
    assert words in charts.verdict(told(short, entropy=entropy, iou=iou))


def test_equal_steps_are_not_ranked_by_noise(record):
    text = charts.verdict(told(record, iou=[0.5, 0.60001, 0.60004, 0.4, 0.3]))
    assert "the best step was 1 (0.600)" in text


def test_without_truth_no_step_is_called_best(record):
    text = charts.verdict(told(record, "1x prediction", agreement=[0.9, 0.8, 0.7, 0.6, 0.5]))
    assert "agreement vs. 1x prediction fell from 0.900 to 0.500" in text
    assert "IoU" not in text and "nobody knows which step is best" in text


def test_no_comparison_and_no_update(record):
    assert "nothing to compare" in charts.verdict(told(record, None))
    assert "nothing to compare" in charts.verdict(told(record, iou=[None] * 5))
    start = dataclasses.replace(record, steps=record.steps[:1])
    assert "nothing was adapted" in charts.verdict(start)

"""What a run is judged by, and the verdict on it."""

import dataclasses

import pytest

from segviz.adapt import Settings
from segviz.runs import verdict
from segviz.runs.run import Run


@pytest.fixture(scope="module")
def record(trained, photo, truth):
    return Run(trained, photo, Settings(scale=1.0, steps=4), truth, "shapes").all()


def with_numbers(record, reference="truth", **numbers):
    """The record with other numbers at its steps."""
    steps = [
        {**step, **{key: values[index] for key, values in numbers.items()}}
        for index, step in enumerate(record.steps)
    ]
    return dataclasses.replace(record, steps=tuple(steps), reference=reference)


def test_a_fall_of_both_is_reported_with_the_best_step(record):
    text = verdict.verdict(
        with_numbers(
            record, entropy=[0.31, 0.3, 0.2, 0.15, 0.12], iou=[0.71, 0.72, 0.73, 0.7, 0.66]
        )
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
    assert words in verdict.verdict(with_numbers(short, entropy=entropy, iou=iou))


def test_equal_steps_are_not_ranked_by_noise(record):
    text = verdict.verdict(with_numbers(record, iou=[0.5, 0.60001, 0.60004, 0.4, 0.3]))
    assert "the best step was 1 (0.600)" in text


@pytest.mark.parametrize(
    ("values", "best"),
    [
        ([0.80, 0.9001, 0.9002, 0.9004], 1),  # all shown as 0.900
        ([0.80, 0.9004, 0.9006], 2),  # 0.900 and 0.901
        ([0.5], 0),
        ([0.5, 0.4, 0.5], 0),
    ],
)
def test_the_best_step_is_the_first_that_looks_best(values, best):
    assert verdict.best_step(values) == best


def test_without_truth_no_step_is_called_best(record):
    text = verdict.verdict(
        with_numbers(record, "1x prediction", agreement=[0.9, 0.8, 0.7, 0.6, 0.5])
    )
    assert "agreement vs. 1x prediction fell from 0.900 to 0.500" in text
    assert "IoU" not in text and "nobody knows which step is best" in text


def test_no_comparison_and_no_update(record):
    assert "nothing to compare" in verdict.verdict(with_numbers(record, None))
    assert "nothing to compare" in verdict.verdict(with_numbers(record, iou=[None] * 5))
    start = dataclasses.replace(record, steps=record.steps[:1])
    assert "nothing was adapted" in verdict.verdict(start)


def test_runs_that_diverged_are_reported(record):
    gone = with_numbers(record, entropy=[0.3, 0.2, None, None, None])
    assert (
        verdict.verdict(gone) == "The run diverged: at its last step the entropy is not a number."
    )


def test_runs_are_judged_by_what_there_is(record):
    assert verdict.score(record) == ("iou", "IoU")
    assert verdict.score(with_numbers(record, "1x prediction")) == (
        "agreement",
        "agreement vs. 1x prediction",
    )
    assert verdict.score(with_numbers(record, None)) is None

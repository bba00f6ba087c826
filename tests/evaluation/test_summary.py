import json
import math

import msgspec
import numpy as np
import pytest

from segviz.adapt.methods import FEEDFORWARD
from segviz.evaluation.bootstrap import difference, resampled_miou, standard_error
from segviz.evaluation.measured_method import MeasuredMethod
from segviz.evaluation.measurement import plan_measurements
from segviz.evaluation.results import EvaluationResult, ResultFile, parse_result
from segviz.evaluation.row_store import EpisodeRow
from segviz.evaluation.summary import mean_gains, standard_errors, summarise

SCALES = (1.0, 2.5, 3.0, 4.0)


def filled(images, scales=SCALES, spellings=("feedforward", "entropy", "oracle")):
    """Cells of made-up matrices of three classes; oracle gets half of the errors right."""
    measurements = plan_measurements(scales, [MeasuredMethod.parse(one) for one in spellings], 3)
    rng = np.random.default_rng(0)
    for image in range(images):
        wrong = {scale: rng.integers(1, 40, (3, 3)) for scale in scales}
        for measurement in measurements:
            matrix = wrong[measurement.scale].copy()
            if measurement.key.method == "oracle":
                matrix //= 2
            elif measurement.key.method == "entropy":
                matrix += rng.integers(0, 9, (3, 3))
            np.fill_diagonal(matrix, 60)
            measurement.add(f"{image}", EpisodeRow(measurement.key, matrix, 0.2, 9.0, 0.1))
    return measurements, [resampled_miou(measurement.overlaps) for measurement in measurements]


def test_errors_of_miou_and_of_gains():
    measurements, draws = filled(12)
    base = {each.scale: d for each, d in zip(measurements, draws, strict=True) if not each.step}
    errors = standard_errors(measurements, draws)
    for each, drawn, (miou, gain) in zip(measurements, draws, errors, strict=True):
        assert miou == standard_error(drawn) > 0
        expected = difference(drawn, base[each.scale])[1]
        assert gain == (expected if each.step else None)
        assert expected > 0 or not each.step


def test_unknown_errors():
    """Those of gains need feedforward at the same scale, all need more than one image."""
    ((miou, gain),) = standard_errors(*filled(5, [1.0], ["oracle"]))
    assert miou > 0 and gain is None
    for images in (0, 1):
        assert standard_errors(*filled(images, [1.0])) == 3 * [(None, None)]


def test_methods_without_updates_are_compared_with_feedforward():
    measurements, draws = filled(12, spellings=("feedforward", "pyramid:rule", "pyramid:mean"))
    errors = standard_errors(measurements, draws)
    found = {each.key.method: gain for each, (_, gain) in zip(measurements, errors, strict=True)}
    assert found["feedforward"] is None and found["pyramid:rule"] == found["pyramid:mean"] == 0
    means = {mean.variant for mean in mean_gains(measurements, draws)}
    assert means == {("pyramid:rule", None, 0), ("pyramid:mean", None, 0)}


def test_mean_gains():
    measurements, draws = filled(12)
    found = {mean.method: mean for mean in mean_gains(measurements, draws)}
    assert list(found) == ["entropy", "oracle"]
    miou = {(each.scale, each.key.method): each.result().miou for each in measurements}
    for method, mean in found.items():
        assert mean.variant == (method, "both", 32)
        assert mean.scales == (2.5, 3.0, 4.0)
        gains = [miou[scale, method] - miou[scale, FEEDFORWARD] for scale in mean.scales]
        assert mean.gain == pytest.approx(np.mean(gains), rel=1e-12)
    assert found["oracle"].gain > 0 > found["entropy"].gain


def test_error_of_a_mean_gain_accounts_for_correlation_between_scales():
    """The same matrices at all scales: the mean is no surer than each."""
    measurements, _ = filled(12, [3.0])
    copies = []
    for scale in (2.5, 3.0, 3.5):
        others, _ = filled(0, [scale])
        for other, measurement in zip(others, measurements, strict=True):
            other.overlaps = measurement.overlaps
        copies += others
    draws = [resampled_miou(each.overlaps) for each in copies]
    errors = [gain for _, gain in standard_errors(copies, draws)]
    for number, mean in enumerate(mean_gains(copies, draws), start=1):
        assert mean.error == pytest.approx(errors[number], rel=1e-9)
    # Other matrices at each scale: it is surer.
    measurements, draws = filled(12)
    errors = [gain for _, gain in standard_errors(measurements, draws)]
    for number, mean in enumerate(mean_gains(measurements, draws), start=1):
        assert mean.error < np.mean(errors[number + 3 :: 3])


def test_mean_gains_need_two_large_scales():
    assert mean_gains(*filled(5, [1.0, 2.0, 3.0])) == []
    assert mean_gains(*filled(5, [3.0, 4.0], ["oracle"])) == []  # no feedforward
    (mean,) = mean_gains(*filled(5, [3.0, 2.0], ["feedforward", "oracle"]), least=2.0)
    assert mean.scales == (2.0, 3.0)
    (mean,) = mean_gains(*filled(1, [3.0, 4.0], ["feedforward", "oracle"]))
    assert mean.gain > 0 and mean.error is None
    (mean,) = mean_gains(*filled(0, [3.0, 4.0], ["feedforward", "oracle"]))
    assert mean.gain is None and mean.error is None


def test_summarise(trained):
    measurements, draws = filled(4)
    found = summarise(trained, measurements, {"2007_000001": "it has no truth"})
    assert found.images == 4 and found.ids == ("0", "1", "2", "3")
    assert found.failed == ("2007_000001: it has no truth",)
    assert found.sha256 == trained.sha256
    assert found.mean_gains == tuple(mean_gains(measurements, draws))
    errors = standard_errors(measurements, draws)
    for each, result, (miou, gain) in zip(measurements, found.results, errors, strict=True):
        assert result == msgspec.structs.replace(each.result(), miou_error=miou, gain_error=gain)
    assert [len(each.iou) for each in found.by_image] == len(measurements) * [4]
    short = msgspec.to_builtins(summarise(trained, measurements, {}, by_image=False))
    assert short.keys() == msgspec.to_builtins(found).keys() - {"ids", "by_image"}


@pytest.mark.parametrize("empty", [0, 1, 2])
@pytest.mark.parametrize("images", [0, 1, 3])
@pytest.mark.parametrize("by_image", [True, False])
def test_what_is_written_is_read(trained, images, empty, by_image):
    """Without images, with a single one, and with images without pixels that count."""
    measurements, _ = filled(images, [3, 4.0])
    for each in measurements:
        for number in range(empty):
            matrix = np.zeros((3, 3), np.int64)
            row = EpisodeRow(each.key, matrix, math.nan, math.inf, 0.1)
            each.add(f"empty-{number}", row)
    model = summarise(trained, measurements, {"a": "no photo"}, by_image)
    if not images:
        assert {result.miou for result in model.results} == {None}
    written = EvaluationResult(**msgspec.structs.asdict(model), split="val")
    data = json.loads(msgspec.json.encode(written), parse_constant=pytest.fail)
    assert parse_result(data, "file") == written.as_file()
    table = ResultFile(table="1", images=model.images, split="val", models={"w/ aug": model})
    assert parse_result(msgspec.json.decode(msgspec.json.encode(table)), "file") == table

"""Summarise an evaluation: mIoU, gains over feedforward, and their standard errors."""

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from msgspec import UNSET

from ..adapt.methods import FEEDFORWARD
from ..data.classes import CLASSES
from ..metrics import finite_or_none
from ..network.checkpoint import Checkpoint
from ..runs.provenance import environment
from .bootstrap import difference, resampled_miou, standard_error
from .measurement import MethodMeasurement
from .paper_tables import LARGE_SCALE
from .results import MeanGain, ModelResult

__all__ = ["mean_gains", "standard_errors", "summarise"]

Draws = Sequence[np.ndarray]


def summarise(
    checkpoint: Checkpoint,
    measurements: Sequence[MethodMeasurement],
    failed: Mapping[str, str],
    by_image: bool = True,
    engine: str = "torch",
) -> ModelResult:
    """Return the result of one network.

    Arguments:
        checkpoint: The network.
        measurements: Of the same images, as `collect` filled them.
        failed: By id of the images that could not be measured, the reason.
        by_image: Whether the result has the numbers of each image.
        engine: What ran the frozen part.
    """
    draws = [resampled_miou(measurement.overlaps) for measurement in measurements]
    errors = standard_errors(measurements, draws)
    return ModelResult(
        images=len(measurements[0].images),
        failed=tuple(f"{name}: {reason}" for name, reason in failed.items()),
        environment=environment(checkpoint, engine),
        results=tuple(
            msgspec.structs.replace(measurement.result(), miou_error=miou, gain_error=gain)
            for measurement, (miou, gain) in zip(measurements, errors, strict=True)
        ),
        mean_gains=tuple(mean_gains(measurements, draws)),
        classes=checkpoint.classes if checkpoint.classes != CLASSES else (),
        ids=tuple(measurements[0].images) if by_image else UNSET,
        by_image=tuple(each.by_image() for each in measurements) if by_image else UNSET,
    )


def standard_errors(
    measurements: Sequence[MethodMeasurement], draws: Draws
) -> list[tuple[float | None, float | None]]:
    """Return the standard errors of each mIoU and of its gain over feedforward at the same scale.

    Arguments:
        measurements: Of the same images.
        draws: For each, `resampled_miou` of its overlaps.

    Returns:
        For each, the two errors over resampled images, 0..1; None for a single image or without
        feedforward. The error of a gain can be below those of its two mIoUs, which are of the same
        images.
    """
    base = _feedforward(measurements, draws)
    errors = []
    for measurement, drawn in zip(measurements, draws, strict=True):
        comparable = measurement.key.method != FEEDFORWARD and measurement.scale in base
        gain = difference(drawn, base[measurement.scale])[1] if comparable else math.nan
        errors.append((finite_or_none(standard_error(drawn)), finite_or_none(gain)))
    return errors


def mean_gains(
    measurements: Sequence[MethodMeasurement], draws: Draws, least: float = LARGE_SCALE
) -> list[MeanGain]:
    """Return the mean gain over feedforward at large scales of each variant.

    Arguments:
        measurements: Of the same images.
        draws: For each, `resampled_miou` of its overlaps. The draws are the same at all scales, so
            the error of the mean accounts for the correlation between scales.
        least: The smallest scale that counts.

    Returns:
        One mean gain for each variant that was measured at two of these scales or more.
    """
    base = _feedforward(measurements, draws)
    gains: dict[tuple[str, str | None, int], dict[float, np.ndarray]] = {}
    for each, drawn in zip(measurements, draws, strict=True):
        compared = each.key.method != FEEDFORWARD and each.scale >= least
        if compared and each.scale in base:
            variant = (each.key.method, each.key.variables or None, each.step)
            gains.setdefault(variant, {})[each.scale] = drawn - base[each.scale]
    means = []
    for (method, variables, steps), by_scale in gains.items():
        if len(by_scale) > 1:
            scales = sorted(by_scale)
            mean = np.mean([by_scale[scale] for scale in scales], axis=0)
            means.append(
                MeanGain(
                    method=method,
                    variables=variables,
                    steps=steps,
                    scales=tuple(scales),
                    gain=finite_or_none(float(mean[0])),
                    error=finite_or_none(standard_error(mean)),
                )
            )
    return means


def _feedforward(
    measurements: Sequence[MethodMeasurement], draws: Draws
) -> dict[float, np.ndarray]:
    """Return the draws of feedforward by scale."""
    return {
        each.scale: drawn
        for each, drawn in zip(measurements, draws, strict=True)
        if each.key.method == FEEDFORWARD
    }

"""What an evaluation says of a network: mIoU, gains over feedforward, and how sure they are."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..metrics import known
from ..network.checkpoint import Checkpoint
from ..runs.provenance import environment
from .bootstrap import difference, resampled_miou, standard_error
from .evaluate import Cell

__all__ = ["LARGE", "errors", "mean_gains", "summary"]

LARGE = 2.5
"""The paper's average gain is over the scales from here on."""

Draws = Sequence[np.ndarray]


def summary(
    checkpoint: Checkpoint, cells: Sequence[Cell], failed: Mapping[str, str], by_image: bool = True
) -> dict[str, Any]:
    """What filled cells say of a network, ready for JSON.

    Arguments:
        checkpoint: The network.
        cells: Filled by `collect`.
        failed: What `collect` returned.
        by_image: Whether the numbers of each image are in.
    """
    draws = [resampled_miou(cell.overlaps) for cell in cells]
    results = [
        cell.result() | error for cell, error in zip(cells, errors(cells, draws), strict=True)
    ]
    found: dict[str, Any] = {
        "images": len(cells[0].images),
        "failed": [f"{name}: {reason}" for name, reason in failed.items()],
        "environment": environment(checkpoint),
        "results": results,
        "mean_gains": mean_gains(cells, draws),
    }
    if by_image:
        found["ids"] = cells[0].images
        found["by_image"] = [cell.by_image() for cell in cells]
    return found


def errors(cells: Sequence[Cell], draws: Draws) -> list[dict[str, float | None]]:
    """How sure each cell's mIoU is, and its gain over feedforward at the same scale.

    Arguments:
        cells: Filled, of the same images.
        draws: For each, `resampled_miou` of its overlaps.

    Returns:
        For each, miou_error and gain_error: standard errors over resampled images, 0..1; None for
        one image or without feedforward. A gain's can be smaller than those of its two mIoUs,
        which are of the same images.
    """
    base = _feedforward(cells, draws)
    rows = []
    for cell, drawn in zip(cells, draws, strict=True):
        comparable = cell.step > 0 and cell.scale in base
        gain = difference(drawn, base[cell.scale])[1] if comparable else math.nan
        rows.append({"miou_error": known(standard_error(drawn)), "gain_error": known(gain)})
    return rows


def mean_gains(cells: Sequence[Cell], draws: Draws, least: float = LARGE) -> list[dict[str, Any]]:
    """The mean gain over feedforward of each method at large scales, with its standard error.

    Arguments:
        cells: Filled, of the same images.
        draws: For each, `resampled_miou` of its overlaps.
        least: Scales from here on count.

    Returns:
        For each method that was measured at two of these scales or more: method, variables, steps,
        the scales, gain and error (0..1, None for no number). Draws are the same at all scales, so
        the error knows that scales go together.
    """
    base = _feedforward(cells, draws)
    gaps: dict[tuple[str, str, int], dict[float, np.ndarray]] = {}
    for cell, drawn in zip(cells, draws, strict=True):
        if cell.step > 0 and cell.scale >= least and cell.scale in base:
            kind = (cell.key.method, cell.key.variables, cell.step)
            gaps.setdefault(kind, {})[cell.scale] = drawn - base[cell.scale]
    rows = []
    for (method, variables, step), by_scale in gaps.items():
        if len(by_scale) > 1:
            mean = np.mean([by_scale[scale] for scale in sorted(by_scale)], axis=0)
            what = {"method": method, "variables": variables, "steps": step}
            numbers = {"gain": known(float(mean[0])), "error": known(standard_error(mean))}
            rows.append({**what, "scales": sorted(by_scale), **numbers})
    return rows


def _feedforward(cells: Sequence[Cell], draws: Draws) -> dict[float, np.ndarray]:
    return {cell.scale: drawn for cell, drawn in zip(cells, draws, strict=True) if cell.step == 0}

"""Measure the stop rules and the collapse alarm from the rows of `segviz tables stop`.

    python benchmarks/stop_rules.py --voc-root DIR --rows DIR

A run is harmful if the image's mean IoU after 32 steps is more than a point below that before. The
best step is that with the largest mean IoU of each image, which needs truth. Writes stop.json: at
each scale mIoU by step and by rule, with what is lost against the best step, and how well harmful
runs are told by the alarm, the share of its pixels that a class loses, and the fall of entropy.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from segviz import metrics
from segviz.adapt.stop import STOP_RULES
from segviz.data import voc
from segviz.data.splits import voc_images
from segviz.evaluation.bootstrap import difference, resampled_miou, standard_error
from segviz.evaluation.evaluate import choose_images
from segviz.evaluation.paper_tables import TABLES
from segviz.evaluation.row_store import EpisodeRow, RowKey, RowStore
from segviz.network import load
from segviz.runs.collapse import LEAST_SHARE, find_eaten

TABLE = TABLES["stop"]
STEPS = (0, *TABLE.steps)
LAST = STEPS[-1]
HARM = 0.01
"""A fall of an image's mean IoU that is called harm."""

Rows = dict[RowKey, EpisodeRow]


def plain(scale: float, step: int) -> RowKey:
    """Return the key of a step of entropy without a rule."""
    return RowKey(scale, "entropy", "both", step) if step else RowKey(scale, "feedforward", "", 0)


def ruled(scale: float, rule: str) -> RowKey:
    """Return the key of entropy under a rule."""
    return RowKey(scale, f"entropy:stop={rule}", "both", LAST)


def numbers(
    chosen: Sequence[np.ndarray], others: dict[str, Sequence[np.ndarray]]
) -> dict[str, Any]:
    """Return mIoU and its differences from others, in points, with standard errors.

    Arguments:
        chosen: The confusion matrix of each image, (K, K).
        others: By name, those to compare with.
    """
    drawn = resampled_miou([metrics.overlap(m) for m in chosen])
    result = {
        "miou": round(100 * metrics.mean_iou(sum(chosen)), 2),
        "error": round(100 * standard_error(drawn), 2),
    }
    for name, matrices in others.items():
        base = resampled_miou([metrics.overlap(m) for m in matrices])
        result[name] = [round(100 * value, 2) for value in difference(drawn, base)]
    return result


def auroc(scores: np.ndarray, harmful: np.ndarray) -> float | None:
    """Return the probability that a harmful run has the larger score; None without both kinds."""
    if harmful.all() or not harmful.any():
        return None
    found = stats.mannwhitneyu(scores[harmful], scores[~harmful]).statistic
    return round(float(found / harmful.sum() / (~harmful).sum()), 3)


def alarm(rows: Rows, scale: float) -> tuple[int | None, float]:
    """Return the place in `STEPS` at which the alarm fires, and the largest share that is lost.

    The second is the largest fraction of its pixels that a class with 5 % of them or more loses, 0
    where entropy does not fall.
    """
    steps = [rows[plain(scale, step)] for step in STEPS]
    shares = np.stack([row.matrix.sum(0) / max(row.matrix.sum(), 1) for row in steps])
    entropy = np.array([row.entropy for row in steps])
    found = find_eaten(shares, entropy)
    large = shares[0] >= LEAST_SHARE
    lost = float((1 - shares[-1, large] / shares[0, large]).max(initial=0.0))
    return (None if found is None else found[1]), lost if entropy[-1] < entropy[0] else 0.0


def measure(images: Sequence[Rows], scale: float) -> dict[str, Any]:
    """Return all figures at a scale."""
    by_step = {step: [rows[plain(scale, step)].matrix for rows in images] for step in STEPS}
    iou = np.array([[metrics.mean_iou(matrix) for matrix in by_step[step]] for step in STEPS])
    best = [by_step[STEPS[place]][image] for image, place in enumerate(np.nanargmax(iou, 0))]
    base = {"gain": by_step[0], "lost": best}
    harmful = iou[-1] < iou[0] - HARM
    fired = [alarm(rows, scale) for rows in images]
    fires = np.array([place is not None for place, _ in fired])
    fall = np.array(
        [rows[plain(scale, 0)].entropy - rows[plain(scale, LAST)].entropy for rows in images]
    )
    back = [
        by_step[LAST if place is None else STEPS[max(place - 1, 0)]][image]
        for image, (place, _) in enumerate(fired)
    ]
    return {
        "best step of each image": numbers(best, {"gain": by_step[0]}),
        "steps": {step: numbers(by_step[step], base) for step in STEPS},
        "rules": {
            rule: numbers([rows[ruled(scale, rule)].matrix for rows in images], base)
            for rule in STOP_RULES
        },
        "back where the alarm fires": numbers(back, base),
        "harmful": int(harmful.sum()),
        "alarm": {
            "fires": int(fires.sum()),
            "fires on harmful": int((fires & harmful).sum()),
            "auroc": auroc(fires.astype(float), harmful),
            "auroc of the share lost": auroc(np.array([lost for _, lost in fired]), harmful),
            "auroc of the fall of entropy": auroc(fall, harmful),
        },
    }


def main() -> None:
    """Read the rows and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voc-root", type=Path, required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--checkpoint", default="mobilenetv2_100-voc")
    parser.add_argument("--out", type=Path, default=Path("results/stop.json"))
    options = parser.parse_args()
    data = voc_images(voc.find_root(options.voc_root), "val")
    network = load(options.checkpoint)
    wanted = {plain(scale, step) for scale in TABLE.scales for step in STEPS}
    wanted |= {ruled(scale, rule) for scale in TABLE.scales for rule in STOP_RULES}
    with closing(RowStore(options.rows, network.sha256, network.network.classes)) as store:
        found = [store.rows(data.row_key(name)) for name in choose_images(data, TABLE.limit)]
    images = [rows for rows in found if wanted <= rows.keys()]
    result = {
        "command": shlex.join(["python", *sys.argv]),
        "network": options.checkpoint,
        "images": len(images),
        "scales": {f"{scale:g}": measure(images, scale) for scale in TABLE.scales},
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

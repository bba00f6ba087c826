"""Measure the effect of each setting by changing one at a time, on held-out training images.

    torchrun --standalone --nproc-per-node 2 benchmarks/sweeps.py --voc-root DIR --limit 100

The settings are varied around two methods, the paper's objective and ours, both with variables
"both": learning rate, steps, selected pixels, resolution of the loss, weight of the KL divergence,
centred updates, initial sigma, and the network without augmentation. Nothing is chosen here. Rows
are stored in --rows as they are measured: after an interruption, or with a larger --limit, the same
command measures only what is missing. Writes sweeps.json: for each setting and scale the gain in
mIoU over feedforward, and the difference from the unchanged method, in points, each with its
standard error over resampled images.
"""

import argparse
import copy
import json
import math
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from segviz import metrics
from segviz.adapt.episode import photo_labels
from segviz.adapt.losses import (
    MARGINAL_WEIGHT,
    marginal_entropy,
    thresholded_entropy,
    total_entropy,
)
from segviz.adapt.method import Method
from segviz.adapt.methods import METHODS, of_objective
from segviz.adapt.objectives import OBJECTIVES, Objective
from segviz.adapt.optimisation import half_size_logits, optimise
from segviz.adapt.photo_views import PhotoViews
from segviz.adapt.pixelwise import Pixels
from segviz.adapt.settings import Settings
from segviz.data import voc
from segviz.data.splits import voc_images
from segviz.evaluation.bootstrap import difference, resampled_miou
from segviz.evaluation.evaluate import choose_images
from segviz.evaluation.measured_method import MeasuredMethod
from segviz.evaluation.measurement import row_key
from segviz.evaluation.paper_tables import MODELS, OURS
from segviz.evaluation.row_store import EpisodeRow, RowKey, RowStore
from segviz.network import load
from segviz.network.checkpoint import Checkpoint
from segviz.network.dynamic import Encoding, Segmenter
from segviz.network.receptive_field import sigma_from_level
from segviz.runs.provenance import environment
from segviz.runtime.distributed import TaskQueue
from segviz.runtime.files import write_atomically

STEPS, RATES = (0, 4, 8, 16, 32, 64, 128), (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
FACTORS, WEIGHTS, SIGMAS = (2, 4), (0.0, 1.0, 10.0, 30.0), (0.5, 1.0, 2.0)
AT = 32  # the number of updates, except in the sweep of steps
TRAINED = "w/ aug"
BASES = {"entropy": Method(), "ours": MeasuredMethod.parse(*OURS).method}

Stores = dict[str, tuple[Checkpoint, RowStore]]  # by name in MODELS


def finer(objective: Objective, size: tuple[int, int], factor: int) -> Objective:
    """Return the objective over logits (N, K) that are first interpolated from (h, w) to finer."""

    def loss(pixels: Pixels) -> Tensor:
        maps = pixels.logits.T.unflatten(1, size)[None]
        fine = functional.interpolate(maps, scale_factor=factor, mode="bilinear")
        return objective.loss(Pixels(fine[0].flatten(1).T, class_prior=pixels.class_prior))

    return replace(objective, loss=loss)


def weighted(objective: Objective, weight: float) -> Objective:
    """Return the objective with another weight of the KL divergence."""

    def loss(pixels: Pixels) -> Tensor:
        sharp = thresholded_entropy(pixels) / len(pixels.entropy)
        return sharp + weight / MARGINAL_WEIGHT * (marginal_entropy(pixels) - sharp)

    return replace(objective, loss=loss)


def everywhere(objective: Objective) -> Objective:
    """Return the objective with the entropy of all pixels instead of those in S."""

    def loss(pixels: Pixels) -> Tensor:
        rest = total_entropy(pixels) - thresholded_entropy(pixels)
        return objective.loss(pixels) + rest / len(pixels.entropy)

    return replace(objective, loss=loss)


def objectives(size: tuple[int, int]) -> dict[str, Objective]:
    """Return the additional objectives of the sweeps, for a feature grid of size (h, w)."""
    ours = BASES["ours"].method
    found = {f"{ours}, all pixels": everywhere(OBJECTIVES[ours])}
    for weight in WEIGHTS:
        found[f"{ours}, KL x{weight:g}"] = weighted(OBJECTIVES[ours], weight)
    for name in (own.method for own in BASES.values()):
        for factor in FACTORS:
            found[f"{name}, logits x{factor}"] = finer(OBJECTIVES[name], size, factor)
    return found


def register(found: dict[str, Objective]) -> None:
    """Add objectives, and a method for each."""
    OBJECTIVES.update(found)
    METHODS.update({name: of_objective(name) for name in found})


@dataclass(frozen=True)
class SweepSetting:
    """A method with one setting changed.

    Arguments:
        base: The unchanged method, "entropy" or "ours".
        sweep: The setting that is changed; "" = none.
        value: Its value.
        method: The method with that change.
        step: The number of updates to measure after.
        sigma: The factor of the initial mean sigma.
        model: A name in `MODELS`.
    """

    base: str
    sweep: str
    value: str
    method: Method
    step: int = AT
    sigma: float = 1.0
    model: str = TRAINED

    def key(self, scale: float) -> RowKey:
        """Return the key of its rows."""
        measured = MeasuredMethod(replace(self.method, steps=self.step), (self.step,))
        key = row_key(scale, measured, self.step)
        start = "" if self.sigma == 1 else f", sigma x{self.sigma:g}"
        return replace(key, method=key.method + start)


def variants() -> list[SweepSetting]:
    """Return all variants, by base and sweep."""
    register(objectives((1, 1)))  # methods are checked against the names
    found = []
    for base, own in BASES.items():
        objective = own.method
        every = "entropy-all" if objective == "entropy" else f"{objective}, all pixels"
        weights = {weight: f"{objective}, KL x{weight:g}" for weight in WEIGHTS}
        weights[MARGINAL_WEIGHT] = objective
        changes: list[tuple[str, str, dict[str, Any]]] = [
            *(("learning rate", f"{rate:g}", {"learning_rate": rate}) for rate in RATES),
            ("pixels", "S", {}),
            ("pixels", "all", {"method": every}),
            ("loss resolution", "1", {}),
            *(
                ("loss resolution", f"{factor}", {"method": f"{objective}, logits x{factor}"})
                for factor in FACTORS
            ),
            *(
                ("KL weight", f"{weight:g}", {"method": name})
                for weight, name in sorted(weights.items())
                if base == "ours"  # the paper's has none
            ),
            ("centred", "no", {"centred": False}),
            ("centred", "yes", {"centred": True}),
        ]
        found += [SweepSetting(base, "steps", f"{step}", own, step) for step in STEPS]
        found += [
            SweepSetting(base, sweep, value, replace(own, **to)) for sweep, value, to in changes
        ]
        for step in (0, AT):
            found += [
                SweepSetting(base, "starting sigma", f"{sigma:g}", own, step, sigma)
                for sigma in SIGMAS
            ]
            found += [
                SweepSetting(base, "augmentation", model, own, step, model=model)
                for model in MODELS
            ]
    return found


@torch.no_grad()
def with_initial_sigma(network: Segmenter, encoding: Encoding, factor: float) -> Segmenter:
    """Return a copy of the network whose mean sigma on the image is multiplied by a factor.

    The bias of theta_scale is found by bisection; a mean beyond the largest level is approached.
    """
    levels = encoding.R.shape[1]
    z = torch.logit(network.activate(network.theta, *encoding)[1] / (levels - 1))
    wanted = factor * sigma_from_level((levels - 1) * z.sigmoid()).mean()
    low, high = -20.0, 20.0
    for _ in range(40):
        middle = (low + high) / 2
        mean = sigma_from_level((levels - 1) * (z + middle).sigmoid()).mean()
        low, high = (middle, high) if mean < wanted else (low, middle)
    changed = copy.deepcopy(network)
    changed.scale_bias.add_((low + high) / 2)
    return changed


def measure(
    checkpoint: Checkpoint,
    photo: np.ndarray,
    truth: np.ndarray,
    scale: float,
    wanted: Sequence[SweepSetting],
) -> list[EpisodeRow]:
    """Return the rows of one image at one scale: one episode for all steps of a method.

    The network encodes the image once, and once more for each other initial sigma.
    """
    network = checkpoint.network
    trained = PhotoViews(network, photo)
    x, encoding, *_ = trained.encoded(scale)
    # The view at half the size is that of the network as trained, whatever the initial sigma.
    half = half_size_logits(network, x)
    height, width = encoding.F.shape[-2:]
    register(objectives((height, width)))
    views = {1.0: trained}
    episodes: dict[tuple[Method, float], dict[int, RowKey]] = {}
    for each in wanted:
        episodes.setdefault((each.method, each.sigma), {})[each.step] = each.key(scale)
    rows = {}
    for (method, sigma), keys in episodes.items():
        if sigma not in views:
            changed = with_initial_sigma(network, encoding, sigma)
            views[sigma] = PhotoViews(changed, photo)
        here = views[sigma]
        here.encoded(scale).cache["half"] = half
        settings = Settings.of(replace(method, steps=max(keys)), scale)
        for state in optimise(here, settings):
            if state.step in keys:
                matrix = metrics.confusion(truth, photo_labels(state, here), network.classes)
                mean = state.sigma.mean().item() * network.stride
                key = keys[state.step]
                rows[key] = EpisodeRow(key, matrix, state.mean_entropy, mean, math.nan)
    return list(rows.values())


def work(
    root: Path, ids: Sequence[str], scales: Sequence[float], stores: Stores, tasks: TaskQueue
) -> None:
    """Measure the rows that are missing, sharing the images with the other processes."""
    chosen = variants()
    with tqdm(total=len(ids), unit="image", disable=not tasks.is_main) as bar:
        for index in tasks.claim(len(ids)):
            photo, truth = voc.read_photo(root, ids[index]), voc.read_truth(root, ids[index])
            for model, (checkpoint, store) in stores.items():
                have = store.keys(ids[index])
                for scale in scales:
                    wanted = [v for v in chosen if v.model == model and v.key(scale) not in have]
                    if wanted:
                        store.add(ids[index], measure(checkpoint, photo, truth, scale, wanted))
            bar.update(tasks.completed() - bar.n)
        for _ in tasks.wait_for_others():
            bar.update(tasks.completed() - bar.n)


def results(
    ids: Sequence[str], scales: Sequence[float], stores: Stores
) -> Iterator[dict[str, Any]]:
    """Yield a result for each variant and scale, in percent and points."""
    found: dict[tuple[str, RowKey], list[EpisodeRow]] = {}
    for model, (_, store) in stores.items():
        for name in ids:
            for key, row in store.rows(name).items():
                found.setdefault((model, key), []).append(row)

    @cache
    def mious(model: str, key: RowKey) -> np.ndarray:
        """Return the mIoU over all images, then over each sample of images, in percent."""
        overlaps = [metrics.overlap(row.matrix) for row in found[model, key]]
        if len(overlaps) < len(ids):
            raise SystemExit(f"{key} lacks images: run the same command again.")
        return 100 * resampled_miou(overlaps)

    for variant in variants():
        own = SweepSetting(variant.base, "", "", BASES[variant.base], AT)
        for scale in scales:
            value, rows = (
                mious(variant.model, variant.key(scale)),
                found[variant.model, variant.key(scale)],
            )
            start = mious(variant.model, replace(own, step=0).key(scale))
            yield {
                "base": variant.base,
                "sweep": variant.sweep,
                "value": variant.value,
                "model": variant.model,
                "step": variant.step,
                "scale": scale,
                "miou": round(float(value[0]), 2),
                "over_feedforward": _difference(value, start),
                "over_base": _difference(value, mious(TRAINED, own.key(scale))),
                "entropy": round(float(np.mean([row.entropy for row in rows])), 4),
                "sigma": round(float(np.mean([row.sigma for row in rows])), 2),
            }


def _difference(value: np.ndarray, other: np.ndarray) -> list[float]:
    """Return the difference and its standard error."""
    return [round(number, 2) for number in difference(value, other)]


def main() -> None:
    """Measure the sweeps and write sweeps.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voc-root", required=True)
    parser.add_argument("--split", default="results/dev.txt")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 3.0])
    parser.add_argument("--rows", type=Path, default=Path("runs/sweeps"))
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    root, tasks = voc.find_root(options.voc_root), TaskQueue.from_environment()
    ids = choose_images(voc_images(root, options.split), options.limit)
    with ExitStack() as stack:
        stores = {}
        for model, name in MODELS.items():
            checkpoint = load(name)
            classes = checkpoint.network.classes
            store = RowStore(options.rows, checkpoint.sha256, classes, tasks.rank)
            stores[model] = checkpoint, stack.enter_context(closing(store))
        work(root, ids, options.scales, stores, tasks)
        if not tasks.is_main:
            return
        result = {
            "images": len(ids),
            "split": options.split,
            "command": f"torchrun --standalone --nproc-per-node {tasks.world_size}"
            " benchmarks/sweeps.py " + shlex.join(sys.argv[1:]),
            "at": AT,
            "environments": [environment(checkpoint) for checkpoint, _ in stores.values()],
            "ids": ids,
            "results": list(results(ids, options.scales, stores)),
        }
    write_atomically(options.out / "sweeps.json", json.dumps(result) + "\n")
    print(f"written to {options.out / 'sweeps.json'}")


if __name__ == "__main__":
    main()

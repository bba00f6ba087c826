"""Compare the mIoU of the fast path with plain autograd in float32, on 50 val images.

    python benchmarks/reference.py --voc-root DIR [--limit 50] [--out results/reference.json]

The reference computes the features with the backbone as it was trained (no folded norms), repeats
filter and blur at every step, differentiates everything automatically, and interpolates all logits
before the argmax. Both adapt with the paper's objective and variables "both" for 32 steps.
"""

import argparse
import itertools
import json
import sys
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from segviz import metrics
from segviz.adapt.episode import photo_labels
from segviz.adapt.optimisation import optimise
from segviz.adapt.photo_views import PhotoViews
from segviz.adapt.settings import Settings
from segviz.data import voc
from segviz.data.classes import IGNORE
from segviz.data.splits import voc_images
from segviz.evaluation.evaluate import choose_images
from segviz.network import load
from segviz.network.resampling import resample
from segviz.profiling import baselines
from segviz.runs.provenance import environment
from segviz.runtime.files import write_atomically

SCALES, STEPS = (1.0, 3.0), 32


def main() -> None:
    """Measure both on the same images and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voc-root", required=True)
    parser.add_argument("--limit", type=int, default=50)
    parser.add_argument("--out", type=Path, help="a JSON file")
    options = parser.parse_args()
    root = voc.find_root(options.voc_root)
    trained = load()
    network = trained.network
    ids = choose_images(voc_images(root, "val"), options.limit)
    matrices = {
        (scale, step, way): np.zeros((21, 21), np.int64)
        for scale in SCALES
        for step in (0, STEPS)
        for way in ("fast", "reference")
    }
    differing = {(scale, step): 0 for scale in SCALES for step in (0, STEPS)}
    for name, scale in tqdm(list(itertools.product(ids, SCALES)), unit="photo"):
        photo, truth = voc.read_photo(root, name), voc.read_truth(root, name)
        views = PhotoViews(network, photo)
        view = views.encoded(scale)
        grid = view.encoding.F.shape[-2:]
        with torch.no_grad():
            F = network.features(view.x)
        states = optimise(views, Settings(scale=scale, steps=STEPS))
        plain = baselines.head_backpropagation(network, F)
        for state, rows in zip(states, plain, strict=False):
            if state.step not in (0, STEPS):
                continue
            maps = resample(rows.T.unflatten(1, grid), *views.positions(view.axes))
            labels = {
                "fast": photo_labels(state, views),
                "reference": maps.argmax(0).byte().numpy(),
            }
            for way, found in labels.items():
                matrices[scale, state.step, way] += metrics.confusion(truth, found, 21)
            known = truth != IGNORE
            differing[scale, state.step] += int(
                (labels["fast"] != labels["reference"])[known].sum()
            )
    results = []
    for (scale, step), count in differing.items():
        both = {way: matrices[scale, step, way] for way in ("fast", "reference")}
        miou = {way: 100 * metrics.mean_iou(matrix) for way, matrix in both.items()}
        results.append(
            {
                "scale": scale,
                "step": step,
                "miou": miou,
                "difference": miou["fast"] - miou["reference"],
                "labels that differ": count / int(both["fast"].sum()),
            }
        )
    text = json.dumps(
        {
            "command": " ".join(["python", "benchmarks/reference.py", *sys.argv[1:]]),
            "images": len(ids),
            "environment": environment(trained),
            "results": results,
        }
    )
    print(text)
    if options.out is not None:
        write_atomically(options.out, text + "\n")


if __name__ == "__main__":
    main()

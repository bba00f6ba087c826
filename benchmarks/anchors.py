"""Which class marginal entropy descent should hold: rules compared on held-out training images.

    python benchmarks/anchors.py --voc-root DIR --split results/dev.txt --out results

The input's own marginal, that of the input at half its size, or a mix of both, weighted by how sure
each is. Centred updates of theta_score for 32 steps. Writes dev-anchors.json: for each scale and
rule the change of mIoU against feedforward in points, with its standard error over resampled
images.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from segviz import metrics
from segviz.adapt.episode import EncodedPhoto, encode_photo, half_size_logits, photo_labels
from segviz.adapt.objectives import Pixels, marginal_entropy, two_scale_prior
from segviz.adapt.parameters import HeadParameters
from segviz.cli.evaluate import choose_ids
from segviz.data import voc
from segviz.evaluation.bootstrap import difference, resampled_miou
from segviz.network import load
from segviz.network.dynamic import Segmenter

STEPS, RATE, RESAMPLES = 32, 1e-3, 200
Rule = Callable[[Pixels, Pixels], Tensor]


def surer(factor: float) -> Rule:
    """That at half the size where its entropy is below a fraction of the other's."""

    def rule(own: Pixels, half: Pixels) -> Tensor:
        return (half if half.entropy.mean() < factor * own.entropy.mean() else own).marginal()

    return rule


RULES: dict[str, Rule] = {
    "own": lambda own, half: own.marginal(),
    "half": lambda own, half: half.marginal(),
    "mean": lambda own, half: (own.marginal() + half.marginal()) / 2,
    "surer": surer(1.0),
    "surer by 0.7": surer(0.7),
    "two_scale_anchor": two_scale_prior,
}


def adapted(network: Segmenter, prepared: EncodedPhoto, anchor: Tensor) -> Tensor:
    """Logits after the steps, shape (K, h, w)."""
    filters = HeadParameters(network, prepared.encoding, "score", centred=True)
    optimiser = torch.optim.Adam(filters.parameters(), RATE)
    for _ in range(STEPS):
        logits = filters.predict().logits.flatten(1).T.contiguous().requires_grad_()
        loss = marginal_entropy(Pixels(logits, class_prior=anchor))
        filters.backward(torch.autograd.grad(loss, logits)[0])
        optimiser.step()
    return filters.predict().logits


def main() -> None:
    """Measure every rule at every scale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voc-root", required=True)
    parser.add_argument("--split", default="results/dev.txt")
    parser.add_argument("--limit", type=int, default=80)
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 2.0, 3.0])
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    root, network = voc.find_root(options.voc_root), load().network
    ids = choose_ids(root, options.split, options.limit)
    matrices: dict[float, dict[str, list[np.ndarray]]] = {}
    for name in ids:
        photo, truth = voc.read_photo(root, name), voc.read_truth(root, name)
        for scale in options.scales:
            prepared = encode_photo(network, photo, scale)
            logits = HeadParameters(network, prepared.encoding, "score").predict().logits
            own = Pixels(logits.flatten(1).T.contiguous())
            half = Pixels(half_size_logits(network, prepared.x))
            found = {"feedforward": logits}
            found |= {
                key: adapted(network, prepared, rule(own, half)) for key, rule in RULES.items()
            }
            for key, value in found.items():
                matrix = metrics.confusion(truth, photo_labels(value, prepared), len(value))
                matrices.setdefault(scale, {}).setdefault(key, []).append(matrix)
    result = {
        "images": len(ids),
        "split": options.split,
        "variables": "score",
        "steps": STEPS,
        "learning_rate": RATE,
        "scales": {f"{scale:g}": summary(found) for scale, found in matrices.items()},
    }
    path = options.out / "dev-anchors.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(path.read_text())


def summary(found: dict[str, list[np.ndarray]]) -> dict[str, dict[str, float]]:
    """mIoU of feedforward, and what each rule changes, in percent."""
    drawn = {
        key: 100 * resampled_miou([metrics.overlap(one) for one in matrices], RESAMPLES)
        for key, matrices in found.items()
    }
    base = drawn.pop("feedforward")

    def change(values: np.ndarray) -> dict[str, float]:
        gain, error = difference(values, base)
        return {"change": round(gain, 2), "error": round(error, 2)}

    feedforward = {"miou": round(float(base[0]), 2)}
    return {"feedforward": feedforward} | {key: change(values) for key, values in drawn.items()}


if __name__ == "__main__":
    main()

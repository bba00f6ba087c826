"""A tiny training run, and how to compare networks before and after it."""

from dataclasses import replace

import torch

from segviz.network import Architecture
from segviz.training.recipe import Recipe
from tests.miniature import SPLITS

IDS = SPLITS["train"]
TINY = Architecture("test_efficientnet", channels=8, levels=3)
WIDE = replace(TINY, channels=256)  # as wide as the pooled context module
RECIPE = Recipe(crop=49, batch=2, epochs=4 / 3, learning_rate=0.05, warmup=2)  # 4 updates
CACHED = {"cached_samples": 2, "backbone_rate": 0, "loss_stride": 4, "augment": True}


def after(count):
    """Return a `stop` that returns True from its call number `count` on."""
    calls = []

    def stop():
        calls.append(1)
        return len(calls) >= count

    return stop


def parts(network):
    """Return copies of all tensors by the part of the network that they belong to."""
    found = {}
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            statistic = "." + name.rpartition(".")[2] if "running" in name else ""
            found.setdefault(name.partition(".")[0] + statistic[:8], []).append(value.clone())
    return found


def moved(before, network):
    """Return the names of the parts that changed."""
    now = parts(network)
    return {
        name
        for name, values in before.items()
        if any(not torch.equal(a, b) for a, b in zip(values, now[name], strict=True))
    }

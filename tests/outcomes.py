"""Synthetic result files, for the tests of their readers."""

import numpy as np

from segviz.evaluation.paper_tables import LARGE_SCALE, MODELS, TABLES

GAINS = {"entropy": 0.02, "oracle": 0.08, "adversary": -0.2}


def part(table, model, ids, scales=None, checkpoint=None):
    """The result of one model: entropy gains 2 points on every class, the oracle 8."""
    results, by_image = [], []
    count = len(ids)
    for scale in scales or TABLES[table].scales:
        rng = np.random.default_rng(int(10 * scale))
        classes, iou = rng.uniform(0.3, 0.7, 21), rng.uniform(0.3, 0.7, count)
        entropy = rng.uniform(0.1, 0.3, count)
        for method in TABLES[table].parsed_methods():
            for step in method.steps:
                feedforward = method.method.method == "feedforward"
                gain = GAINS.get(method.method.objective, 0.0) if step else 0.0
                each = (np.arange(count) - count / 2 + 0.25) / 100 if step else 0.0
                what = {
                    "scale": scale,
                    "method": method.method.spelling,
                    "variables": None if feedforward else method.method.variables,
                    "steps": step,
                }
                results.append(
                    {
                        **what,
                        "learning_rate": None if feedforward else 1e-3,
                        "centred": None if feedforward else method.method.centred,
                        "miou": float((classes + gain).mean()),
                        "miou_error": 0.03,
                        "gain_error": None if feedforward else 0.012,
                        "accuracy": 0.8,
                        "entropy": float(entropy.mean()),
                        "sigma": 12.0,
                        "seconds": 0.1,
                        "class_iou": [None, *(classes + gain).tolist()[1:]],
                    }
                )
                by_image.append(
                    {
                        **what,
                        "iou": (iou + each).tolist(),
                        "accuracy": (iou + each).tolist(),
                        "entropy": (entropy - each).tolist(),
                    }
                )
    large = [scale for scale in scales or TABLES[table].scales if scale >= LARGE_SCALE]
    mean_gains = [
        {
            "method": method.method.spelling,
            "variables": method.method.variables,
            "steps": step,
            "scales": large,
            "gain": GAINS.get(method.method.objective, 0.0),
            "error": 0.009,
        }
        for method in TABLES[table].parsed_methods()
        for step in method.steps
        if step and len(large) > 1
    ]
    return {
        "images": count,
        "failed": [],
        "environment": {"checkpoint": checkpoint or MODELS[model], "sha256": "0" * 64},
        "ids": list(ids),
        "results": results,
        "mean_gains": mean_gains,
        "by_image": by_image,
    }


def table(name, ids, models=None, **options):
    """A result file of `segviz tables`."""
    models = TABLES[name].models if models is None else models
    return {
        "table": name,
        "title": TABLES[name].title,
        "images": len(ids),
        "split": "val",
        "command": f"python -m segviz tables {name} --voc-root DIR",
        "models": {model: part(name, model, ids, **options) for model in models},
    }

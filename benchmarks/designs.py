"""Measure entropy and oracle on several networks, on held-out training images.

    torchrun --standalone --nproc-per-node 2 benchmarks/designs.py --voc-root DIR \\
        stride-4=runs/stride-4/stride-4.safetensors efficientnet_lite2-voc

The design study of docs/findings.md: which network makes theta_scale matter? Each network is given
as NAME=CHECKPOINT, or as a checkpoint's name. All are measured on the same images with the paper's
settings, and entropy at further rates. Rows are stored in --rows as they are measured: the same
command measures only what is missing. Writes --out: for each network its card and, for each scale,
method and variables, mIoU and gain with their standard errors over resampled images.
"""

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

from segviz.evaluation.evaluate import evaluate_dataset
from segviz.network import load
from segviz.runtime.distributed import TaskQueue
from segviz.runtime.files import write_atomically

VARIABLES = ("score", "scale", "both")
CARD = ("architecture", "parameters", "training", "data", "command", "sha256")
RESULT = (
    "scale", "method", "variables", "steps", "learning_rate", "miou", "miou_error", "gain_error",
    "entropy", "sigma",
)  # fmt: skip


def main() -> None:
    """Measure the networks and write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="+", metavar="NAME=CHECKPOINT")
    parser.add_argument("--voc-root", required=True)
    parser.add_argument("--split", default="results/dev.txt")
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 3.0])
    parser.add_argument("--rates", nargs="*", default=["0.0003"], help="further rates of entropy")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rows", type=Path, default=Path("runs/designs"))
    parser.add_argument("--out", type=Path, default=Path("results/designs-2.json"))
    options = parser.parse_args()

    tasks = TaskQueue.from_environment()
    methods = ["feedforward", "entropy", *(f"entropy:lr={rate}" for rate in options.rates)]
    found: dict[str, Any] = {}
    for spelling in options.networks:
        name, _, path = spelling.rpartition("=")
        checkpoint = load(path, options.device)
        result = evaluate_dataset(
            checkpoint,
            options.voc_root,
            options.split,
            options.limit,
            options.scales,
            [*methods, "oracle"],
            VARIABLES,
            rows=options.rows / (name or path),
            by_image=False,
            tasks=tasks,
        )
        if not tasks.is_main:
            continue
        if not result["complete"]:
            raise SystemExit("interrupted: run the same command again.")
        found[name or path] = {
            "images": result["images"],
            **{key: checkpoint.card.get(key) for key in CARD},
            "results": [{key: row[key] for key in RESULT} for row in result["results"]],
        }
    if not tasks.is_main:
        return
    command = f"torchrun --standalone --nproc-per-node {tasks.world_size} benchmarks/designs.py "
    result = {
        "split": options.split,
        "command": command + shlex.join(sys.argv[1:]),
        "networks": found,
    }
    write_atomically(options.out, json.dumps(result, indent=1) + "\n")
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()

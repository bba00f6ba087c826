"""Where the dynamic filter goes: short trainings of several designs, measured on held-out images.

    python benchmarks/designs.py --voc-root DIR --init BACKBONE --context-init HEAD --out results

Every design trains for 200 updates on the same kept views and is measured on the same held-out
training images at scales 1 and 3. Writes designs.json: one entry per design with its training
options and the evaluation's rows.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

CLASSIFIER = "--classifier-init {context}"
DESIGNS: dict[str, str] = {
    "begins at random, 128 channels": "--channels 128 --groups 1",
    "begins as the classifier, 4 groups": CLASSIFIER,
    "the same, theta_scale at a tenth of the rate": f"{CLASSIFIER} --scale-rate 0.1",
    "the same, sigma to 256 px": f"{CLASSIFIER} --levels 6",
}
RECIPE = (
    "--kept 2 --epochs 0.667 --lr 0.01 --scale-rate 1 --backbone-rate 0 --loss-stride 4 --mixed"
)
METHODS = "feedforward,oracle"


def segviz(*arguments: str) -> str:
    """Run the command line and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "segviz", *arguments], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def main() -> None:
    """Train and measure every design that the result file does not have yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voc-root", required=True)
    parser.add_argument("--init", required=True)
    parser.add_argument("--context-init", required=True)
    parser.add_argument("--held-out", default="results/dev.txt")
    parser.add_argument("--limit", default="40")
    parser.add_argument("--work", default="runs/designs", help="where views and networks go")
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    path = options.out / "designs.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for name, arguments in DESIGNS.items():
        if name in results:
            continue
        training = [*RECIPE.split(), *arguments.split()]
        segviz(
            *("train", "--voc-root", options.voc_root, "--exclude", options.held_out),
            *("--init", options.init, "--context-init", options.context_init),
            *("--out", options.work, "--name", "design"),
            *(part.format(context=options.context_init) for part in training),
        )
        text = segviz(
            *("evaluate", "--voc-root", options.voc_root, "--split", options.held_out),
            *("--limit", options.limit, "--scales", "1,3", "--methods", METHODS),
            *("--variables", "score,scale", "--json"),
            *("--checkpoint", f"{options.work}/design.safetensors"),
        )
        evaluation = json.loads(text)
        rows = [
            {key: value for key, value in row.items() if key != "class_iou"}
            for row in evaluation["results"]
        ]
        results[name] = {
            "training": " ".join(training).format(context="HEAD"),
            "images": evaluation["images"],
        }
        results[name]["results"] = rows
        path.write_text(json.dumps(results, indent=1) + "\n")
        print(f"{name}: written to {path}")


if __name__ == "__main__":
    main()

"""Images per second of an evaluation, beside another checkout, and what reading and metrics take.

    python benchmarks/throughput.py --voc-root DIR --other CHECKOUT [--out results/throughput.json]

Runs `evaluate` at scales 1 and 3 with four methods under torchrun, one process a core, in this
checkout and in another one in turn, --repeats times; then times in this process how long reading a
photo and its labels, and labels and confusion matrix at the photo's resolution, take beside an
image as a whole. Run it on a machine that does nothing else.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from segviz import metrics
from segviz.adapt.episode import encode_photo, optimise, photo_labels
from segviz.cli.common import write_whole
from segviz.cli.evaluate import choose_ids
from segviz.data import voc
from segviz.evaluation.evaluate import Method, evaluate, plan
from segviz.evaluation.paper_tables import OURS
from segviz.evaluation.row_store import Store
from segviz.network import load
from segviz.runtime.distributed import TaskQueue

ROOT = Path(__file__).parents[1]
SCALES = (1.0, 3.0)
METHODS = ("feedforward", "entropy", OURS[0], "oracle")


def seconds(tree: Path, root: str, limit: int) -> float:
    """How long the evaluation takes in a checkout, start and loading included."""
    with tempfile.TemporaryDirectory() as out:
        command = [
            *("torchrun", "--standalone", "--nproc-per-node", str(os.cpu_count())),
            *("-m", "segviz", "evaluate", "--voc-root", root, "--limit", str(limit)),
            *("--scales", "1,3", "--methods", ",".join(METHODS), "--out", out),
        ]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(tree)}
        start = time.perf_counter()
        subprocess.run(command, cwd=tree, env=environment, check=True, capture_output=True)
        return time.perf_counter() - start


def parts(root: Path, ids: list[str]) -> dict[str, float]:
    """Mean milliseconds of an image: all of it, reading it, and the metrics of its predictions."""
    trained = load()
    methods = [Method.parse(name, "both") for name in METHODS]
    cells = plan(SCALES, methods, 21)
    whole, reading, judging = [], [], []
    for name in tqdm(ids, unit="image"):
        start = time.perf_counter()
        photo, truth = voc.read_photo(root, name), voc.read_truth(root, name)
        reading.append(time.perf_counter() - start)
        spent = 0.0
        for scale in SCALES:
            prepared = encode_photo(trained.network, photo, scale)
            state = next(optimise(trained.network, prepared, methods[0].settings))
            start = time.perf_counter()
            metrics.confusion(truth, photo_labels(state.logits, prepared), 21)
            spent += len(methods) * (time.perf_counter() - start)
        judging.append(spent)
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder), trained.sha256, 21)
            start = time.perf_counter()
            evaluate(trained, root, [name], cells, store, TaskQueue())
            whole.append(time.perf_counter() - start)
            store.close()
    found = {"image": whole, "reading": reading, "labels and metrics": judging}
    return {name: round(1e3 * statistics.mean(values), 1) for name, values in found.items()}


def main() -> None:
    """Measure, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voc-root", required=True)
    parser.add_argument("--other", type=Path, help="a checkout to compare with")
    parser.add_argument("--limit", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--out", type=Path, help="a JSON file")
    options = parser.parse_args()
    root = str(Path(options.voc_root).resolve())
    trees = {"this": ROOT} | ({"other": options.other.resolve()} if options.other else {})
    took: dict[str, list[float]] = {name: [] for name in trees}
    for _ in range(options.repeats):
        for name, tree in trees.items():
            took[name].append(seconds(tree, root, options.limit))
    commits = {
        name: subprocess.run(
            ["git", "-C", str(tree), "rev-parse", "--short", "HEAD"],
            capture_output=True,
            text=True,
        ).stdout.strip()
        for name, tree in trees.items()
    }
    result = {
        "command": f"python benchmarks/throughput.py --voc-root DIR --limit {options.limit}"
        f" --repeats {options.repeats}" + (" --other CHECKOUT" if options.other else ""),
        "methods": METHODS,
        "scales": SCALES,
        "images": options.limit,
        "images per second": {
            name: {
                "commit": commits[name],
                "median": options.limit / statistics.median(values),
                "all": [options.limit / value for value in values],
            }
            for name, values in took.items()
        },
        "milliseconds an image, one process": parts(
            voc.find_root(root), choose_ids(voc.find_root(root), "val", options.limit)
        ),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
    }
    text = json.dumps(result)
    print(text)
    if options.out is not None:
        write_whole(options.out, text + "\n")


if __name__ == "__main__":
    sys.exit(main())

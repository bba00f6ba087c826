"""An evaluation on 200 val images that is killed three times, beside one that is not.

    python benchmarks/kills.py --voc-root DIR [--limit 200] [--out results/kills.json]

Runs `evaluate` at scales 1 and 3 with four methods under torchrun, once undisturbed; then again in
another folder, where SIGKILL hits torchrun and its workers whenever another quarter of the rows is
there, and the same command is started again. Writes how long both took, and whether all rows are
equal to the last bit. Run it on a machine that does nothing else.
"""

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from segviz.cli.common import write_whole
from segviz.evaluation.paper_tables import OURS
from segviz.evaluation.row_store import Store

ROOT = Path(__file__).parents[1]
METHODS = ("feedforward", "entropy", OURS[0], "oracle")


def start(command: Sequence[str]) -> subprocess.Popen:
    """The evaluation, with one thread in each process."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )


def kill(process: subprocess.Popen) -> None:
    """SIGKILL for torchrun and all that it started, at once."""
    parent = psutil.Process(process.pid)
    for one in [parent, *parent.children(recursive=True)]:
        one.kill()
    process.wait()


def rows(folder: Path, sha256: str, images: Sequence[str]) -> dict[tuple, tuple]:
    """What an evaluation kept: numbers and confusion matrices, without the times."""
    with closing(Store(folder, sha256, 21)) as store:
        return {
            (image, key): (row.matrix.tobytes(), row.entropy, row.sigma)
            for image in images
            for key, row in store.rows(image).items()
        }


def count(folder: Path) -> int:
    """How many rows are in a folder."""
    found = 0
    for path in folder.glob("rows-*.sqlite"):
        with closing(sqlite3.connect(path, timeout=60)) as file:
            if file.execute("SELECT 1 FROM sqlite_master WHERE name = 'rows'").fetchone():
                found += file.execute("SELECT COUNT(*) FROM rows").fetchone()[0]
    return found


def table(folder: Path) -> list[dict[str, Any]]:
    """The results as they are written, without the times."""
    results = json.loads((folder / "evaluation.json").read_text())["results"]
    return [{k: v for k, v in row.items() if "seconds" not in k} for row in results]


def main() -> None:
    """Measure both, compare, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voc-root", required=True)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--rows", type=Path, help="keep the rows in an empty folder")
    parser.add_argument("--out", type=Path, help="a JSON file")
    options = parser.parse_args()
    root = str(Path(options.voc_root).resolve())
    spare = tempfile.TemporaryDirectory()
    where = (options.rows or Path(spare.name)).resolve()
    folders = [where / "undisturbed", where / "killed"]
    evaluate = [
        *("torchrun", "--standalone", "--nproc-per-node", str(options.processes)),
        *("-m", "segviz", "evaluate", "--voc-root", root),
        *("--limit", str(options.limit), "--scales", "1,3", "--methods", ",".join(METHODS)),
    ]
    commands = [[*evaluate, "--by-image", "--out", str(folder)] for folder in folders]

    begin = time.monotonic()
    if start(commands[0]).wait():
        sys.exit("The undisturbed evaluation failed.")
    undisturbed = time.monotonic() - begin
    found = json.loads((folders[0] / "evaluation.json").read_text())
    images, sha256 = found["ids"], found["environment"]["sha256"]
    total = count(folders[0])

    killed_at = []
    begin = time.monotonic()
    for number in range(1, options.kills + 1):
        process = start(commands[1])
        while count(folders[1]) < number * total / (options.kills + 1):
            if process.poll() is not None:
                sys.exit("The evaluation ended before it was killed; raise --limit.")
            time.sleep(1)
        kill(process)
        killed_at.append(count(folders[1]))
    if start(commands[1]).wait():
        sys.exit("The evaluation that was killed before failed.")
    disturbed = time.monotonic() - begin

    result = {
        "command": " ".join(["python", "benchmarks/kills.py", *sys.argv[1:]]),
        "evaluation": " ".join(evaluate).replace(root, "DIR"),
        "images": len(images),
        "rows": total,
        "seconds": {"undisturbed": round(undisturbed), "killed": round(disturbed)},
        "killed after rows": killed_at,
        "rows equal": rows(folders[0], sha256, images) == rows(folders[1], sha256, images),
        "tables equal": table(folders[0]) == table(folders[1]),
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "results": table(folders[0]),
    }
    spare.cleanup()
    text = json.dumps(result)
    print(text)
    if options.out is not None:
        write_whole(options.out, text + "\n")


if __name__ == "__main__":
    main()

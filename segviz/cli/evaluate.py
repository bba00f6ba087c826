"""segviz evaluate: measure methods at scales over a split."""

import json
import math
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tqdm import tqdm

from .. import metrics
from ..data import voc
from ..data.splits import split_ids, subset
from ..errors import InputError
from ..evaluation.evaluate import FEEDFORWARD, Cell, Method, collect, evaluate, plan
from ..evaluation.paper_tables import text
from ..evaluation.row_store import Store
from ..evaluation.summary import summary
from ..network.checkpoint import Checkpoint
from ..runtime.distributed import TaskQueue
from ..validation import check_range
from .common import (
    command_line,
    load_checkpoint,
    make_folder,
    parse_numbers,
    parse_whole,
    write_whole,
)

__all__ = ["choose_ids", "evaluation", "measured"]

REDRAW = 2.0  # seconds between two looks at the running mIoU


def evaluation(options: Namespace) -> int:
    """Measure methods at scales over a split."""
    root = voc.find_root(options.voc_root)
    ids = choose_ids(root, options.split, options.limit)
    steps = parse_whole(options.steps)
    methods = [
        Method.parse(
            spelling,
            variables,
            steps,
            learning_rate=options.lr,
            centred=options.centred,
            tolerance=options.tolerance,
        )
        for spelling in map(str.strip, options.methods.split(","))
        for variables in (["both"] if spelling == FEEDFORWARD else options.variables.split(","))
    ]
    scales = parse_numbers(options.scales)
    plan(scales, methods, 1)  # settings are checked before anything is loaded
    tasks = TaskQueue.from_environment()
    if tasks.world_size > 1 and not options.out:
        raise InputError(
            f"{tasks.world_size} processes share the work, but have no folder for their results;"
            " give --out."
        )
    trained = load_checkpoint(options)
    cells = plan(scales, methods, trained.network.architecture.classes)
    with tempfile.TemporaryDirectory() as spare:
        folder = make_folder(options.out) if options.out else Path(spare)
        failed, interrupted = measured(trained, root, ids, cells, folder, tasks)
        if not tasks.is_main:
            return 130 if interrupted else 0
        result = {
            **summary(trained, cells, failed, options.by_image),
            "split": options.split,
            "command": command_line(),
            "complete": not interrupted,
        }
        if options.out:
            write_whole(folder / "evaluation.json", json.dumps(result, indent=1) + "\n")
    print(json.dumps(result) if options.json else f"{result['images']} images\n{text(cells)}")
    return 130 if interrupted else 0


def choose_ids(root: Path, split: str, limit: int | None) -> list[str]:
    """The ids of a split, or a fixed random subset of that size."""
    ids = list(dict.fromkeys(split_ids(root, split)))
    if not ids:
        raise InputError(f"the list {split} has no ids; give another --split.")
    if limit is not None:
        check_range("--limit", limit, 1)
        ids = subset(ids, limit)
    return ids


def measured(
    trained: Checkpoint,
    root: Path,
    ids: Sequence[str],
    cells: Sequence[Cell],
    folder: Path,
    tasks: TaskQueue,
    title: str = "",
) -> tuple[dict[str, str], bool]:
    """Measure with a progress bar, then fill the cells with all that the folder has.

    Only the leader looks at what the others do, and fills the cells.

    Returns:
        Why images failed, by image, and whether Ctrl-C ended it.

    Raises:
        InputError: If no image could be used, or one is neither measured nor failed.
    """
    classes = trained.network.architecture.classes
    first, chosen = cells[0].key, set(ids)
    interrupted = False
    shown = 0.0
    with closing(Store(folder, trained.sha256, classes, tasks.rank)) as store:
        quiet = not tasks.is_main
        with tqdm(total=len(ids), unit="image", desc=title or None, disable=quiet) as bar:

            def show() -> None:
                nonlocal shown
                if not tasks.is_main:
                    return
                bar.update(tasks.completed() - bar.n)
                if time.monotonic() - shown > REDRAW:
                    miou = 100 * metrics.mean_iou(store.running(first, chosen))
                    if math.isfinite(miou):
                        bar.set_postfix_str(f"mIoU {miou:.2f} at {first.scale:g}x")
                    shown = time.monotonic()

            try:
                evaluate(trained, root, ids, cells, store, tasks, show)
                show()
            except KeyboardInterrupt:
                interrupted = True
        if not tasks.is_main:
            return {}, interrupted
        failed = collect(store, ids, cells)
    images = len(cells[0].images)
    lost = len(ids) - images - len(failed)
    if lost and not interrupted:
        raise InputError(
            f"{lost} of {len(ids)} images were lost with the process that had them;"
            " run the same command again."
        )
    if not images and not interrupted:
        name, reason = next(iter(failed.items()))
        raise InputError(f"none of the {len(ids)} images could be used: {name}: {reason}")
    for name, reason in failed.items():
        print(f"segviz: left out {name}: {reason}", file=sys.stderr)
    return failed, interrupted

"""segviz evaluate: measure methods at scales over a split."""

import json
import sys
from argparse import Namespace

import numpy as np
from tqdm import tqdm

from .. import metrics, voc
from ..adapt import Settings
from ..adapt.run import environment
from ..errors import InputError
from ..evaluate import FEEDFORWARD, Cell, Method, evaluate, table
from ..ids import split_ids
from .shared import command_line, load_checkpoint, make_folder, parse_numbers

__all__ = ["evaluation"]


def evaluation(options: Namespace) -> int:
    """Measure methods at scales over a split."""
    root = voc.find_root(options.voc_root)
    ids = split_ids(root, options.split)
    if not ids:
        raise InputError(f"the list {options.split} has no ids; give another --split.")
    if options.limit is not None:
        if options.limit < 1:
            raise InputError(f"--limit is {options.limit}, but must be at least 1.")
        order = np.random.default_rng(0).permutation(len(ids))[: options.limit]
        ids = [ids[i] for i in sorted(order)]
    scales = parse_numbers(options.scales)
    methods = [
        Method.parse(
            spelling,
            variables,
            steps=options.steps,
            learning_rate=options.lr,
            centred=options.centred,
            tolerance=options.tolerance,
        )
        for spelling in map(str.strip, options.methods.split(","))
        for variables in (["both"] if spelling == FEEDFORWARD else options.variables.split(","))
    ]
    for scale in scales:
        Settings(scale=scale)  # its range is checked before hours of work
    trained = load_checkpoint(options)
    folder = make_folder(options.out) if options.out else None
    interrupted = False
    cells: list[Cell] = []
    with tqdm(total=len(ids), unit="image") as bar:

        def show(done: int, now: list[Cell]) -> None:
            cells[:] = now
            bar.update(done - bar.n)
            miou = 100 * metrics.mean_iou(now[0].matrix)
            bar.set_postfix_str(f"mIoU {miou:.2f} at {now[0].scale:g}x")

        try:
            evaluate(trained, root, ids, scales, methods, show)
        except KeyboardInterrupt:
            interrupted = True
    if not cells:
        return 130
    if cells[0].images == 0 and not interrupted:
        raise InputError(f"none of the {len(ids)} images could be used: {cells[0].failed[0]}")
    result = {
        "images": cells[0].images,
        "results": [cell.result() for cell in cells],
        "failed": cells[0].failed,
        "split": options.split,
        "command": command_line(),
        "environment": environment(trained),
    }
    if folder is not None:
        (folder / "evaluation.json").write_text(json.dumps(result, indent=1) + "\n")
    for failure in cells[0].failed:
        print(f"segviz: left out {failure}", file=sys.stderr)
    print(json.dumps(result) if options.json else f"{cells[0].images} images\n{table(cells)}")
    return 130 if interrupted else 0

"""segviz evaluate: measure methods at scales over a data set."""

from __future__ import annotations

import json
import math
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..adapt.methods import names_of
from ..errors import InputError
from ..evaluation.paper_tables import SCALES
from ..evaluation.results import EvaluationResult
from ..evaluation.table_text import calibration_table, gain_table, terminal_table
from ..runtime.distributed import TaskQueue
from ..runtime.files import write_atomically
from ..runtime.imports import pause_garbage_collection
from .options import (
    DEFAULT,
    add_class_map,
    add_data,
    add_engine,
    add_json,
    add_limit,
    add_long_side,
    add_network,
    add_tile,
    add_tolerance,
    add_updates,
    check_data,
    parse_integers,
    parse_long_side,
    parse_numbers,
    set_threads,
)
from .output import command_line
from .progress import ProgressBar

if TYPE_CHECKING:
    from ..evaluation.evaluate import ImageProgress

__all__ = ["add_options", "print_failed", "progress_bar", "run"]

WITHOUT_TRUTH, WITH_TRUTH = "feedforward,entropy", "oracle,adversary"
"""The methods that are the default; the latter need truth."""

MIOU_INTERVAL = 2.0  # seconds between two readings of the running mIoU


def add_options(command: ArgumentParser) -> None:
    """Add the options of `segviz evaluate`."""
    add_data(command, "val")
    add_class_map(command)
    add_long_side(command)
    add_limit(command)
    command.add_argument(
        "--scales",
        default=",".join(f"{scale:g}" for scale in SCALES),
        help="resize factors" + DEFAULT,
    )
    command.add_argument(
        "--methods",
        help=f"NAME[:OPTION]...,... with NAME one of {names_of()}; docs/methods.md explains them"
        f" (default: {WITHOUT_TRUTH}, and where there is truth {WITH_TRUTH})",
    )
    command.add_argument(
        "--steps",
        default="32",
        metavar="T,T,...",
        help="measure at these steps" + DEFAULT,
    )
    add_updates(command)
    add_tolerance(command)
    command.add_argument(
        "--by-image", action="store_true", help="also report the numbers of each image"
    )
    command.add_argument(
        "--calibration",
        action="store_true",
        help="also measure ECE, NLL, Brier score, and AUROC and AURC of entropy against error",
    )
    command.add_argument(
        "--out", metavar="DIR", help="write the result there, and what is needed to resume"
    )
    add_tile(command, "none")
    add_network(command)
    add_engine(command)
    add_json(command)


def run(options: Namespace) -> int:
    """Measure methods at scales over a data set."""
    check_data(options)
    long_side = parse_long_side(options)
    if options.long_side is not None and options.images is None:
        raise InputError(
            "--long-side needs --images: the photos of VOC have long sides of at most 500 pixels"
            " and are measured as they are; leave it out."
        )
    with pause_garbage_collection():
        from ..evaluation.evaluate import evaluate_dataset

    tasks = TaskQueue.from_environment()
    set_threads(options)
    folder = Path(options.out) if options.out else None
    without_truth = options.voc_root is None and options.masks is None
    default = WITHOUT_TRUTH if without_truth else f"{WITHOUT_TRUTH},{WITH_TRUTH}"
    methods = default if options.methods is None else options.methods
    with progress_bar() as on_progress:
        result = evaluate_dataset(
            options.checkpoint,
            options.voc_root or ".",
            options.split,
            options.limit,
            parse_numbers(options.scales),
            methods.split(","),
            options.variables.split(",") if options.variables else None,
            parse_integers(options.steps),
            folder,
            images=options.images,
            masks=options.masks,
            classes=options.classes,
            ignore=options.ignore,
            reduce_zero_label=options.reduce_zero_label,
            class_map=options.class_map,
            long_side=long_side,
            tile=options.tile or 0,
            device=options.device,
            engine=options.engine,
            by_image=options.by_image,
            calibration=options.calibration,
            command=command_line(),
            tasks=tasks,
            on_progress=on_progress,
            on_note=lambda note: print(f"segviz: {note}", file=sys.stderr),
            learning_rate=options.lr,
            centred=options.centred or False,
            tolerance=options.tolerance or 0.0,
            stop=options.stop or "",
            optimiser=options.optimiser,
            momentum=options.momentum,
            alpha=options.alpha,
        )
    code = 0 if result["complete"] else 130
    if not tasks.is_main:
        return code
    print_failed(result["failed"])
    if folder:
        write_atomically(folder / "evaluation.json", json.dumps(result, indent=1) + "\n")
    if options.json:
        print(json.dumps(result))
    else:
        results = msgspec.convert(result, EvaluationResult).results
        tables = [terminal_table(results), gain_table(results), calibration_table(results)]
        print("\n\n".join([f"{result['images']} images\n{tables[0]}", *filter(None, tables[1:])]))
    return code


@contextmanager
def progress_bar(title: str = "") -> Iterator[Callable[[ImageProgress], None]]:
    """Show the progress of an evaluation, what it is at, and now and then its running mIoU.

    Nothing is shown before the first progress, so that errors in the arguments stand alone.

    Arguments:
        title: The title of the bar, or "".
    """
    with ExitStack() as stack:
        bar: ProgressBar | None = None
        read, words = 0.0, ""

        def show(progress: ImageProgress) -> None:
            nonlocal bar, read, words
            if bar is None:
                bar = ProgressBar(progress.total, "image", title)
                stack.enter_context(bar)
            if time.monotonic() - read > MIOU_INTERVAL:
                miou = 100 * progress.miou()
                if math.isfinite(miou):
                    words = f"mIoU {miou:.2f} at {progress.scale:g}x"
                read = time.monotonic()
            bar.update(progress.done, "; ".join(filter(None, (progress.measuring, words))))

        yield show


def print_failed(failed: Iterable[str]) -> None:
    """Print the images that could not be measured, with the reasons, on stderr."""
    for reason in failed:
        print(f"segviz: left out {reason}", file=sys.stderr)

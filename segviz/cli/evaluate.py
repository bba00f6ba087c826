"""segviz evaluate: measure methods at scales over a split."""

import json
import math
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from tqdm import tqdm

from ..evaluation.evaluate import ImageProgress, evaluate_dataset
from ..evaluation.results import EvaluationResult
from ..evaluation.table_text import terminal_table
from ..runtime.distributed import TaskQueue
from .common import (
    command_line,
    parse_integers,
    parse_numbers,
    set_threads,
    write_atomically,
)

__all__ = ["evaluate", "print_failed", "progress_bar"]

MIOU_INTERVAL = 2.0  # seconds between two readings of the running mIoU


def evaluate(options: Namespace) -> int:
    """Measure methods at scales over a split."""
    tasks = TaskQueue.from_environment()
    set_threads(options)
    folder = Path(options.out) if options.out else None
    with progress_bar() as on_progress:
        result = evaluate_dataset(
            options.checkpoint,
            options.voc_root,
            options.split,
            options.limit,
            parse_numbers(options.scales),
            options.methods.split(","),
            options.variables.split(","),
            parse_integers(options.steps),
            folder,
            device=options.device,
            by_image=options.by_image,
            command=command_line(),
            tasks=tasks,
            on_progress=on_progress,
            learning_rate=options.lr,
            centred=options.centred,
            tolerance=options.tolerance,
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
        table = terminal_table(msgspec.convert(result, EvaluationResult).results)
        print(f"{result['images']} images\n{table}")
    return code


@contextmanager
def progress_bar(title: str = "") -> Iterator[Callable[[ImageProgress], None]]:
    """Show the progress of an evaluation, and now and then its running mIoU.

    Nothing is shown before the first progress, so that errors in the arguments stand alone.

    Arguments:
        title: The title of the bar, or "".
    """
    with ExitStack() as stack:
        bar: tqdm | None = None
        read = 0.0

        def show(progress: ImageProgress) -> None:
            nonlocal bar, read
            if bar is None:
                bar = tqdm(total=progress.total, unit="image", desc=title or None)
                stack.enter_context(bar)
            bar.update(progress.done - bar.n)
            if time.monotonic() - read > MIOU_INTERVAL:
                miou = 100 * progress.miou()
                if math.isfinite(miou):
                    bar.set_postfix_str(f"mIoU {miou:.2f} at {progress.scale:g}x")
                read = time.monotonic()

        yield show


def print_failed(failed: Iterable[str]) -> None:
    """Print the images that could not be measured, with the reasons, on stderr."""
    for reason in failed:
        print(f"segviz: left out {reason}", file=sys.stderr)

"""segviz tables: measure the paper's tables on our networks and write them as JSON."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..errors import InputError
from ..evaluation.paper_tables import MODELS, TABLES
from ..evaluation.results import ModelResult, ResultFile
from ..evaluation.table_text import markdown_table
from ..network import checkpoint
from ..runtime.distributed import TaskQueue
from ..runtime.files import write_atomically
from ..runtime.imports import pause_garbage_collection
from .evaluate import print_failed, progress_bar
from .options import DEFAULT, add_machine, add_voc, load_checkpoint
from .output import command_line, make_folder

if TYPE_CHECKING:
    from ..data.dataset import DataSet

__all__ = ["add_options", "run"]


def add_options(command: ArgumentParser) -> None:
    """Add the options of `segviz tables`."""
    command.add_argument(
        "tables",
        nargs="*",
        metavar="TABLE",
        help=f"which of {', '.join(TABLES)} (default: all)",
    )
    add_voc(command)
    command.add_argument(
        "--networks",
        nargs=len(MODELS),
        metavar=("NOAUG", "AUG"),
        default=list(MODELS.values()),
        help="the networks trained without and with augmentation of scale (default:"
        f" {' '.join(MODELS.values())})",
    )
    command.add_argument(
        "--rows",
        metavar="DIR",
        default="runs/tables",
        help="folder of the rows, needed to resume" + DEFAULT,
    )
    command.add_argument(
        "--out", metavar="DIR", default="results", help="write table-*.json there" + DEFAULT
    )
    add_machine(command)


def run(options: Namespace) -> int:
    """Measure the paper's tables."""
    names = options.tables or list(TABLES)
    for name in names:
        if name not in TABLES:
            raise InputError(f"there is no table {name!r}; choose of {', '.join(TABLES)}.")
    with pause_garbage_collection():
        from ..data import voc
        from ..data.splits import voc_images
        from ..evaluation.evaluate import choose_images

    data = voc_images(voc.find_root(options.voc_root), options.split)
    options.networks = dict(zip(MODELS, options.networks, strict=True))
    for model in dict.fromkeys(model for name in names for model in TABLES[name].models):
        # A missing network is said before hours of work.
        checkpoint.read_card(options.networks[model])
    tasks = TaskQueue.from_environment()
    rows, out = make_folder(options.rows, "--rows"), make_folder(options.out)
    for name in names:
        path = out / f"table-{name}.json"
        limits = [limit for limit in (options.limit, TABLES[name].limit) if limit is not None]
        ids = choose_images(data, min(limits, default=None))
        result = _measure_table(name, options, data, ids, rows, tasks)
        if tasks.is_main and result.images:
            write_atomically(path, msgspec.json.encode(result).decode() + "\n")
            for model, part in result.models.items():
                print(f"\n{result.title}, {model}, {part.images} images of {options.split}")
                print(markdown_table(part.results))
            print(f"written to {path}")
        if not result.complete:
            return 130
    return 0


def _measure_table(
    name: str, options: Namespace, data: DataSet, ids: Sequence[str], rows: Path, tasks: TaskQueue
) -> ResultFile:
    """Measure a table; only the leading process has its models."""
    from ..evaluation.evaluate import evaluate_images
    from ..evaluation.measurement import plan_measurements
    from ..evaluation.summary import summarise

    table = TABLES[name]
    models: dict[str, ModelResult] = {}
    complete = True
    for model in table.models:
        options.checkpoint = options.networks[model]
        trained = load_checkpoint(options)
        methods = table.parsed_methods()
        classes = trained.network.classes
        measurements = plan_measurements(table.scales, methods, classes)
        with progress_bar(f"table {name}, {model}") as on_progress:
            failed, complete = evaluate_images(
                trained, data, ids, measurements, rows, tasks, on_progress
            )
        if tasks.is_main:
            models[model] = summarise(trained, measurements, failed)
            print_failed(models[model].failed)
        if not complete:
            break
    return ResultFile(
        table=name,
        title=table.title,
        images=max((model.images for model in models.values()), default=0),
        split=options.split,
        command=command_line(),
        complete=complete,
        models=models,
    )

"""segviz tables: measure the paper's tables on our networks and write them as JSON."""

from argparse import Namespace
from pathlib import Path

import msgspec

from ..data import voc
from ..errors import InputError
from ..evaluation.evaluate import choose_images, evaluate_images
from ..evaluation.measurement import plan_measurements
from ..evaluation.paper_tables import MODELS, TABLES
from ..evaluation.results import ModelResult, ResultFile
from ..evaluation.summary import summarise
from ..evaluation.table_text import markdown_table
from ..network import checkpoint
from ..runtime.distributed import TaskQueue
from .common import command_line, load_checkpoint, make_folder, write_atomically
from .evaluate import print_failed, progress_bar

__all__ = ["tables"]


def tables(options: Namespace) -> int:
    """Measure the paper's tables."""
    names = options.tables or list(TABLES)
    for name in names:
        if name not in TABLES:
            raise InputError(f"there is no table {name!r}; choose of {', '.join(TABLES)}.")
    root = voc.find_root(options.voc_root)
    for model in dict.fromkeys(model for name in names for model in TABLES[name].models):
        checkpoint.read_card(MODELS[model])  # a missing network is said before hours of work
    tasks = TaskQueue.from_environment()
    rows, out = make_folder(options.rows, "--rows"), make_folder(options.out)
    for name in names:
        path = out / f"table-{name}.json"
        result = _measure_table(name, options, root, rows, tasks)
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
    name: str, options: Namespace, root: Path, rows: Path, tasks: TaskQueue
) -> ResultFile:
    """Measure a table; only the leading process has its models."""
    table = TABLES[name]
    limits = [limit for limit in (options.limit, table.limit) if limit is not None]
    ids = choose_images(root, options.split, min(limits, default=None))
    models: dict[str, ModelResult] = {}
    complete = True
    for model in table.models:
        options.checkpoint = MODELS[model]
        trained = load_checkpoint(options)
        methods = table.parsed_methods()
        classes = trained.network.architecture.classes
        measurements = plan_measurements(table.scales, methods, classes)
        with progress_bar(f"table {name}, {model}") as on_progress:
            failed, complete = evaluate_images(
                trained, root, ids, measurements, rows, tasks, on_progress
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

"""segviz tables: measure the paper's tables on our networks and write them as JSON."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..data import voc
from ..errors import InputError
from ..evaluation.evaluate import plan
from ..evaluation.paper_tables import MODELS, TABLES, markdown
from ..evaluation.summary import summary
from ..network import checkpoint
from ..runtime.distributed import TaskQueue
from .common import command_line, load_checkpoint, make_folder, write_whole
from .evaluate import choose_ids, measured

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
        result, interrupted = _table(name, options, root, rows, tasks)
        if tasks.is_main and result["images"]:
            write_whole(path, json.dumps(result, separators=(",", ":")) + "\n")
            for model, part in result["models"].items():
                print(f"\n{result['title']}, {model}, {part['images']} images of {options.split}")
                print(markdown(part["results"]))
            print(f"written to {path}")
        if interrupted:
            return 130
    return 0


def _table(
    name: str, options: Namespace, root: Path, rows: Path, tasks: TaskQueue
) -> tuple[dict[str, Any], bool]:
    table = TABLES[name]
    limits = [limit for limit in (options.limit, table.limit) if limit is not None]
    ids = choose_ids(root, options.split, min(limits, default=None))
    result: dict[str, Any] = {
        "table": name,
        "title": table.title,
        "images": 0,
        "split": options.split,
        "command": command_line(),
        "complete": False,
        "models": {},
    }
    for model in table.models:
        options.checkpoint = MODELS[model]
        trained = load_checkpoint(options)
        cells = plan(table.scales, table.plan(), trained.network.architecture.classes)
        title = f"table {name}, {model}"
        failed, interrupted = measured(trained, root, ids, cells, rows, tasks, title)
        result["images"] = max(result["images"], len(cells[0].images))
        result["models"][model] = summary(trained, cells, failed)
        if interrupted:
            return result, True
    return {**result, "complete": True}, False

"""segviz export: pictures, animations, tables and reports of a record."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..runtime.files import write_atomically
from .options import DEFAULT, add_json, parse_formats, parse_list, parse_numbers
from .output import make_folder
from .run import CURVES, FILES

if TYPE_CHECKING:
    from ..export.formats import Selection
    from ..runs.record import Record

__all__ = ["add_options", "run"]


def add_options(command: ArgumentParser) -> None:
    """Add the options of `segviz export`."""
    command.add_argument(
        "record", metavar="RECORD", help="a record's .npz, .json or .zip, or the folder of a run"
    )
    command.add_argument(
        "--formats",
        default="png,sheet,gif,csv,html",
        help="png, sheet, gif, webp, csv, zip, html" + DEFAULT,
    )
    command.add_argument("--steps", metavar="T,T,...", help="such as 0,8,16,32 (default: chosen)")
    command.add_argument(
        "--panels",
        metavar="NAME,...",
        help="photo, overlay, feedforward, prediction, entropy, receptive-field, truth,"
        " right-wrong (default: all)",
    )
    command.add_argument("--out", metavar="DIR", help="write there (default: beside the record)")
    add_json(command)


def run(options: Namespace) -> int:
    """Export a record to files."""
    from ..export.formats import EXPORTS, Selection
    from ..pictures.panels import choose
    from ..runs.archive import read_record

    formats = parse_formats(options.formats, tuple(EXPORTS))
    if not formats:
        raise InputError(f"--formats is empty; choose one of {', '.join(EXPORTS)}.")
    path = Path(options.record)
    path = path / "record" if path.is_dir() else path  # the folder of `run --out`
    record = read_record(path)
    chosen = Selection(
        steps=_steps(options.steps, record),
        panels=tuple(choose(record, parse_list(options.panels))) if options.panels else (),
    )
    folder = make_folder(options.out or str(path.parent))
    # In the folder of a run, its own files are written again, instead of twins.
    is_of_run = path.name == "record" and folder.samefile(path.parent) and chosen == Selection()
    own = {**FILES, "csv": CURVES} if is_of_run else {}
    written = []
    for name in formats:
        for selection in _each(name, record, chosen):
            file = folder / own.get(name, EXPORTS[name].name(record, selection))
            size = write_atomically(file, EXPORTS[name](record, selection))
            written.append({"format": name, "path": str(file), "bytes": size})
            if not options.json:
                print(file)
    if options.json:
        print(json.dumps({"record": str(path), "files": written}))
    return 0


def _each(name: str, record: Record, chosen: Selection) -> Iterator[Selection]:
    """Yield the selection of each file: a picture has one step and one panel."""
    from ..pictures.panels import choose

    if name != "png":
        yield chosen
        return
    for step in chosen.steps or sorted({0, record.last}):
        for panel in choose(record, chosen.panels):
            yield replace(chosen, step=step, panels=(panel,))


def _steps(text: str | None, record: Record) -> tuple[int, ...]:
    from ..export.contact_sheet import choose_steps

    if text is None:
        return ()
    numbers = parse_numbers(text)
    if not all(number.is_integer() for number in numbers):
        raise InputError(f"--steps must be whole numbers such as 0,8,16, got {text}.")
    return tuple(choose_steps(record, [int(number) for number in numbers]))

"""segviz export: pictures, animations, tables and reports of a record."""

import json
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..export.contact_sheet import choose_steps
from ..export.formats import EXPORTS, Selection
from ..pictures.panels import choose
from ..runs.archive import read_record
from ..runs.record import Record
from .common import make_folder, parse_formats, parse_list, parse_numbers, write_file

__all__ = ["export"]


def export(options: Namespace) -> int:
    """Export a record to files."""
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
    written = []
    for name in formats:
        for selection in _each(name, record, chosen):
            file = folder / EXPORTS[name].name(record, selection)
            size = write_file(file, EXPORTS[name](record, selection))
            written.append({"format": name, "path": str(file), "bytes": size})
            if not options.json:
                print(file)
    if options.json:
        print(json.dumps({"record": str(path), "files": written}))
    return 0


def _each(name: str, record: Record, chosen: Selection) -> Iterator[Selection]:
    """Yield the selection of each file: a picture has one step and one panel."""
    if name != "png":
        yield chosen
        return
    for step in chosen.steps or sorted({0, record.last}):
        for panel in choose(record, chosen.panels):
            yield replace(chosen, step=step, panels=(panel,))


def _steps(text: str | None, record: Record) -> tuple[int, ...]:
    if text is None:
        return ()
    numbers = parse_numbers(text)
    if not all(number.is_integer() for number in numbers):
        raise InputError(f"--steps must be whole numbers such as 0,8,16, got {text}.")
    return tuple(choose_steps(record, [int(number) for number in numbers]))

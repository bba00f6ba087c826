"""segviz export: pictures, animations, tables and reports of a record."""

import json
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..export.contact_sheet import choose_steps
from ..export.formats import EXPORTS, Selection
from ..pictures.panels import choose
from ..runs.archive import read_record
from ..runs.record import Record
from .common import make_folder, parse_numbers

__all__ = ["export", "parse_formats", "write"]


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
        panels=tuple(choose(record, _parts(options.panels))) if options.panels else (),
    )
    folder = make_folder(options.out or str(path.parent))
    written = []
    for name in formats:
        for selection in _each(name, record, chosen):
            file = folder / EXPORTS[name].name(record, selection)
            size = write(file, EXPORTS[name](record, selection))
            written.append({"format": name, "path": str(file), "bytes": size})
            if not options.json:
                print(file)
    if options.json:
        print(json.dumps({"record": str(path), "files": written}))
    return 0


def parse_formats(text: str, known: Sequence[str]) -> list[str]:
    """Return the names of formats in a comma-separated text, each once.

    Raises:
        InputError: If a name is unknown.
    """
    formats = list(dict.fromkeys(_parts(text)))
    for name in formats:
        if name not in known:
            raise InputError(f"there is no format {name!r}; choose one of {', '.join(known)}.")
    return formats


def write(path: Path, data: bytes) -> int:
    """Write a file and return its size in bytes.

    Raises:
        InputError: If it cannot be written.
    """
    try:
        return path.write_bytes(data)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written ({error.strerror}); choose another --out."
        ) from error


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


def _parts(text: str) -> list[str]:
    return [part for part in map(str.strip, text.split(",")) if part]

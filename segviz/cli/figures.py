"""segviz figures: counterparts of the paper's figures, as PNG and PDF."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..adapt import Settings
from ..adapt.method import Method
from ..errors import InputError
from ..evaluation.paper_tables import OURS
from ..evaluation.results import ResultFile, read_result, table_command
from ..runtime.files import write_atomically
from ..runtime.imports import pause_garbage_collection
from .options import (
    DEFAULT,
    add_json,
    add_method,
    add_network,
    add_updates,
    load_checkpoint,
    parse_formats,
    parse_method,
)
from .output import make_folder, print_note

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from ..figures.run_pictures import RunPair
    from ..runs.batch import Batch

__all__ = ["add_options", "run"]

SCALES = "scales"
"""The figure that is drawn from Table 1 instead of photos."""
MAX_PHOTOS = 12
"""The most photos in a figure, one a row."""


class _Photo(NamedTuple):
    """A photo with its title, and its part of file names."""

    name: str
    title: str
    pixels: np.ndarray
    truth: np.ndarray | None


def add_options(command: ArgumentParser) -> None:
    """Add the options of `segviz figures`."""
    command.add_argument(
        "figures", nargs="*", metavar="FIGURE", help="1, 3, 4, 5, scales (default: all possible)"
    )
    command.add_argument(
        "--photos",
        metavar="PHOTO,...",
        default="sample:astronaut,sample:motorcycle,sample:cat",
        help="sample:NAME, voc:ID or paths" + DEFAULT,
    )
    command.add_argument("--voc-root", metavar="DIR", help="where voc:ID is found")
    add_method(command)
    add_updates(command)
    command.add_argument(
        "--ours", action="store_true", help="objective and variables chosen on training images"
    )
    command.add_argument(
        "--results", metavar="DIR", default="results", help="folder of table-1.json" + DEFAULT
    )
    command.add_argument("--formats", default="png,pdf", help="png, pdf" + DEFAULT)
    command.add_argument(
        "--few-colours", action="store_true", help="PNGs with a palette, a third of the size"
    )
    command.add_argument("--out", metavar="DIR", default="figures", help="write there" + DEFAULT)
    add_network(command)
    add_json(command)


def run(options: Namespace) -> int:
    """Draw figures."""
    with pause_garbage_collection():
        from ..figures.paper import FIGURES
        from ..figures.scales import draw_scales
        from ..figures.style import DPI

    table = Path(options.results) / "table-1.json"
    names = list(dict.fromkeys(options.figures)) or [
        *FIGURES,
        *([SCALES] if table.is_file() else []),
    ]
    for name in names:
        if name not in FIGURES and name != SCALES:
            known = ", ".join([*FIGURES, SCALES])
            raise InputError(f"there is no figure {name!r}; choose one of {known}.")
    formats = parse_formats(options.formats, tuple(DPI))
    if not formats:
        raise InputError(f"--formats is empty; choose one of {', '.join(DPI)}.")
    writer = _FigureWriter(options, formats)
    if SCALES in names:
        writer.add(SCALES, SCALES, draw_scales(_read_table(table)))
    photo_figures = [name for name in names if name != SCALES]
    interrupted = photo_figures and _draw_from_photos(photo_figures, options, writer)
    if options.json:
        print(json.dumps({"files": writer.files}))
    return 130 if interrupted else 0


class _FigureWriter:
    """Writes figures in all formats, and lists the files.

    Attributes:
        files: Figure, path and size in bytes of each file.
    """

    def __init__(self, options: Namespace, formats: Sequence[str]) -> None:
        self._folder, self._formats = make_folder(options.out), formats
        self._quiet, self._few_colours = options.json, options.few_colours
        self.files: list[dict[str, object]] = []

    def add(self, name: str, stem: str, figure: Figure) -> None:
        """Write a figure in all formats."""
        from tqdm import tqdm

        from ..figures.style import figure_bytes

        for format in self._formats:
            path = self._folder / f"{stem}.{format}"
            size = write_atomically(path, figure_bytes(figure, format, stem, self._few_colours))
            self.files.append({"figure": name, "path": str(path), "bytes": size})
            if not self._quiet:
                tqdm.write(str(path))


def _read_table(path: Path) -> ResultFile:
    if not path.is_file():
        raise InputError(
            f"there is no {path}, from which the figure {SCALES} is drawn; make it with"
            f" {table_command('1')}."
        )
    return read_result(path)


def _draw_from_photos(names: Sequence[str], options: Namespace, writer: _FigureWriter) -> bool:
    """Draw figures of photos, each as soon as its runs are done.

    Returns:
        Whether Ctrl-C interrupted the runs.
    """
    with pause_garbage_collection():
        from tqdm import tqdm

        from ..figures.paper import FIGURES
        from ..runs.batch import Batch

    settings = _settings(options)
    photos = _photos(options)
    checkpoint = load_checkpoint(options)
    pairs: list[RunPair] = []
    interrupted = False
    total = len(photos) * (settings.last_step + 2)
    with tqdm(total=total, unit="step", disable=options.json or None) as bar:
        try:
            for photo in photos:
                both = [Settings(scale=1.0, steps=0), settings]
                batch = Batch(checkpoint, photo.pixels, both, photo.truth, photo.title)
                pair = _run_pair(batch, bar.update)
                pairs.append(pair)
                for name in names:
                    if not FIGURES[name].several:
                        stem = f"figure-{name}-{photo.name}"
                        writer.add(name, stem, FIGURES[name].draw([pair]))
        except KeyboardInterrupt:
            interrupted = True
    for name in names:
        if FIGURES[name].several and pairs:
            writer.add(name, f"figure-{name}", FIGURES[name].draw(pairs))
    return interrupted


def _run_pair(batch: Batch, on_step: Callable[[], object]) -> RunPair:
    from ..figures.run_pictures import RunPair

    for _ in batch:
        on_step()
    first, second = batch.records()
    assert first is not None and second is not None, "a batch that ended has its records"
    return RunPair(first, second)


def _settings(options: Namespace) -> Settings:
    if options.ours:
        spelling, variables = OURS
        method = Method.parse(spelling, variables=variables, steps=options.steps)
    else:
        method = parse_method(options)
    settings = Settings.of(method, options.scale)
    if settings.last_step == 0:
        raise InputError("steps must be at least 1, got 0: figures show what steps change.")
    return settings


def _photos(options: Namespace) -> list[_Photo]:
    spellings = [part for part in map(str.strip, options.photos.split(",")) if part]
    if not 0 < len(spellings) <= MAX_PHOTOS:
        raise InputError(
            f"--photos must name 1 to {MAX_PHOTOS} photos, got {len(spellings)}; give them as"
            " sample:NAME, voc:ID or paths, comma separated."
        )
    return list(_unique_names([_photo(each, options.voc_root) for each in spellings]))


def _photo(spelling: str, root: str | None) -> _Photo:
    from ..data import sources, voc

    photo = sources.load(spelling, voc_root=voc.find_root(root) if root else None)
    kind, _, name = photo.key.partition(":")
    if kind == "voc" and photo.truth is None:
        raise InputError(photo.note)
    print_note(photo)
    stem = Path(name).stem if kind == "file" else name
    stem = re.sub(r"[^\w-]+", "-", stem).strip("-") or "photo"
    return _Photo(stem, photo.title, photo.pixels, photo.truth)


def _unique_names(photos: Sequence[_Photo]) -> Iterator[_Photo]:
    """Yield the photos with names that differ, so that no file overwrites another."""
    taken: set[str] = set()
    for photo in photos:
        name, number = photo.name, 2
        while name.lower() in taken:
            name, number = f"{photo.name}-{number}", number + 1
        taken.add(name.lower())
        yield photo._replace(name=name)

"""segviz figures: counterparts of the paper's figures, as PNG and PDF."""

import json
import re
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from ..adapt import Settings
from ..data import images, voc
from ..errors import InputError
from ..evaluation import results
from ..evaluation.evaluate import Method
from ..evaluation.paper_tables import OURS
from ..figures.page_layout import FORMATS, Page
from ..figures.paper import FIGURES, Pair
from ..figures.scales import scale_figure
from ..network.checkpoint import Checkpoint
from ..pictures.few_colours import few_colours
from ..runs.batch import Batch
from .common import load_checkpoint, make_folder
from .export import parse_formats, write
from .run import read_photo

__all__ = ["figures"]

SCALES = "scales"
"""The figure that is made of Table 1 instead of photos."""
MOST = 12
"""Photos on a page."""


class _Photo(NamedTuple):
    name: str  # of files
    title: str
    pixels: np.ndarray
    truth: np.ndarray | None


def figures(options: Namespace) -> int:
    """Draw figures."""
    table = Path(options.results) / "table-1.json"
    names = list(dict.fromkeys(options.figures)) or [
        *FIGURES,
        *([SCALES] if table.is_file() else []),
    ]
    for name in names:
        if name not in FIGURES and name != SCALES:
            known = ", ".join([*FIGURES, SCALES])
            raise InputError(f"there is no figure {name!r}; choose of {known}.")
    formats = parse_formats(options.formats, FORMATS)
    if not formats:
        raise InputError(f"there is no format; choose of {', '.join(FORMATS)}.")
    out = _Out(options, formats)
    if SCALES in names:
        out.add(SCALES, SCALES, scale_figure(_table(table)))
    of_photos = [name for name in names if name != SCALES]
    interrupted = of_photos and _of_photos(of_photos, options, out)
    if options.json:
        print(json.dumps({"files": out.files}))
    return 130 if interrupted else 0


class _Out:
    """The files as they are made."""

    def __init__(self, options: Namespace, formats: Sequence[str]) -> None:
        self.folder, self.formats = make_folder(options.out), formats
        self.quiet, self.few = options.json, options.few_colours
        self.files: list[dict[str, object]] = []

    def add(self, figure: str, stem: str, page: Page) -> None:
        for format in self.formats:
            path = self.folder / f"{stem}.{format}"
            data = page.bytes(format, stem)
            data = few_colours(data) if self.few and format == "png" else data
            size = write(path, data)
            self.files.append({"figure": figure, "path": str(path), "bytes": size})
            if not self.quiet:
                tqdm.write(str(path))


def _table(path: Path) -> results.Result:
    if not path.is_file():
        raise InputError(
            f"there is no {path}, of which the figure {SCALES} is made; make it with"
            f" {results.command('1')}."
        )
    return results.read(path)


def _of_photos(names: Sequence[str], options: Namespace, out: _Out) -> bool:
    """Figures of photos; whether Ctrl-C came. Those of one photo are kept as they come."""
    settings = _settings(options)
    photos = _photos(options)
    trained = load_checkpoint(options)
    pairs: list[Pair] = []
    interrupted = False
    total = len(photos) * (settings.steps + 2)
    with tqdm(total=total, unit="step", disable=options.json or None) as bar:
        try:
            for photo in photos:
                pair = _pair(trained, photo, settings, bar.update)
                pairs.append(pair)
                for name in names:
                    if not FIGURES[name].several:
                        out.add(name, f"figure-{name}-{photo.name}", FIGURES[name].draw([pair]))
        except KeyboardInterrupt:
            interrupted = True
    for name in names:
        if FIGURES[name].several and pairs:
            out.add(name, f"figure-{name}", FIGURES[name].draw(pairs))
    return interrupted


def _pair(
    trained: Checkpoint, photo: _Photo, settings: Settings, on_step: Callable[[], object]
) -> Pair:
    near = Settings(scale=1.0, steps=0)
    batch = Batch(trained, photo.pixels, [near, settings], photo.truth, photo.title)
    for _ in batch:
        on_step()
    first, second = batch.records()
    assert first is not None and second is not None, "a batch that ended has its records"
    return Pair(first, second)


def _settings(options: Namespace) -> Settings:
    if options.ours:
        settings = Method.parse(*OURS, steps=(options.steps,)).settings
        values = {**vars(settings), "scale": options.scale}
    else:
        values = {
            "scale": options.scale,
            "objective": options.objective,
            "variables": options.variables,
            "steps": options.steps,
            "learning_rate": options.lr,
            "centred": options.centred,
        }
    settings = Settings(**values)
    if settings.steps == 0:
        raise InputError("steps is 0, but figures show what steps do; choose 1 or more.")
    return settings


def _photos(options: Namespace) -> list[_Photo]:
    spellings = [part for part in map(str.strip, options.photos.split(",")) if part]
    if not 0 < len(spellings) <= MOST:
        raise InputError(
            f"there are {len(spellings)} photos, but a page holds 1 to {MOST};"
            " give --photos as sample:NAME, voc:ID or a path, comma separated."
        )
    read = [_photo(spelling, options.voc_root) for spelling in spellings]
    return list(_apart(read))


def _photo(spelling: str, root: str | None) -> _Photo:
    kind, _, name = spelling.partition(":")
    if kind != "voc":
        photo, truth, title, factor = read_photo(spelling)
        name = name if kind == "sample" else Path(spelling).stem
    elif root is None:
        raise InputError(f"{spelling} is an image of VOC; say where VOC is with --voc-root.")
    else:
        folder, title = voc.find_root(root), name
        photo, truth, factor = images.fit(
            voc.read_photo(folder, name), voc.read_truth(folder, name)
        )
    if factor < 1:
        size = f"{photo.shape[1]} x {photo.shape[0]}"
        print(f"segviz: {title} was brought to {size}, the scale of VOC.", file=sys.stderr)
    return _Photo(re.sub(r"[^\w-]+", "-", name).strip("-") or "photo", title, photo, truth)


def _apart(photos: Sequence[_Photo]) -> Iterator[_Photo]:
    """Photos whose files do not overwrite each other."""
    taken: set[str] = set()
    for photo in photos:
        name, number = photo.name, 2
        while name.lower() in taken:
            name, number = f"{photo.name}-{number}", number + 1
        taken.add(name.lower())
        yield photo._replace(name=name)

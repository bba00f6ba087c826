"""segviz run: adapt to one image and write the record."""

from __future__ import annotations

import json
import math
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from ..adapt.settings import PRECISIONS, Settings
from ..data.samples import SAMPLES
from ..errors import InputError
from ..runtime.files import write_atomically
from ..runtime.imports import pause_garbage_collection
from .options import (
    DEFAULT,
    SETTINGS,
    add_class_map,
    add_engine,
    add_json,
    add_long_side,
    add_masks,
    add_method,
    add_network,
    add_tile,
    add_tolerance,
    add_updates,
    load_checkpoint,
    parse_formats,
    parse_long_side,
    parse_method,
)
from .output import make_folder, print_note
from .progress import ProgressBar

if TYPE_CHECKING:
    from ..adapt.memory import MemoryNeed
    from ..data.masks import MaskFormat
    from ..runs.record import Record

__all__ = ["add_options", "run"]

CURVES = "curves.csv"

FILES = {
    "sheet": "sheet.png",
    "gif": "run.gif",
    "webp": "run.webp",
    "zip": "record.zip",
    "html": "report.html",
}
"""The file of each of --formats, beside record, curves, first and last step."""

STEP_KEYS = ("step", "loss", "entropy", "sigma", "iou", "accuracy", "ms")


def add_options(command: ArgumentParser) -> None:
    """Add the options of `segviz run`."""
    command.add_argument(
        "image", metavar="IMAGE", help=f"a photo, or sample:NAME, one of {', '.join(SAMPLES)}"
    )
    command.add_argument("--truth", metavar="MASK.png", help="labels: colours or class ids")
    add_masks(command)
    add_class_map(command)
    add_long_side(command)
    add_method(command)
    add_updates(command)
    add_tolerance(command)
    command.add_argument(
        "--precision",
        default=SETTINGS.precision,
        help=f"of the frozen part: {' or '.join(PRECISIONS)}" + DEFAULT,
    )
    command.add_argument(
        "--calibration",
        action="store_true",
        help="where there is truth, also report ECE, NLL, Brier score, and AUROC and AURC of"
        " entropy against error, of every step with --json",
    )
    command.add_argument("--out", metavar="DIR", help="write record, curves and pictures there")
    command.add_argument(
        "--formats",
        default="sheet,gif,html",
        help="also write these to --out: sheet, gif, webp, zip, html" + DEFAULT,
    )
    add_tile(command, "none where the whole fits into the free memory, else what fits")
    add_network(command)
    add_engine(command)
    add_json(command)


def run(options: Namespace) -> int:
    """Adapt to one image; Ctrl-C keeps the steps that were computed."""
    tile = options.tile or 0
    Settings.of(parse_method(options), options.scale, options.precision, tile)  # fails at once
    names = parse_formats(options.formats, tuple(FILES))
    from ..data import sources
    from ..data.class_map import read_class_map
    from ..data.images import long_side_text

    truth = Path(options.truth) if options.truth else None
    masks = _mask_format(options)
    given = read_class_map(Path(options.class_map)) if options.class_map else None
    long_side = parse_long_side(options)
    # What is wrong with the photo is reported before torch and the network are loaded.
    sources.load(options.image)
    with pause_garbage_collection():
        from ..runs.run import Run
        from ..runtime.free_memory import format_bytes
    trained = load_checkpoint(options)
    method = parse_method(options, trained.network.groups)
    settings = Settings.of(method, options.scale, options.precision, tile)
    classes = trained.class_list
    if masks is not None and not options.classes:
        masks = replace(masks, classes=classes)
    form = sources.TruthFormat(classes, masks, given)
    photo = sources.load(options.image, truth, format=form, long_side=long_side)
    folder = make_folder(options.out) if options.out else None
    facts = {"long_side": long_side_text(long_side)}
    job = Run(trained, photo.pixels, settings, photo.truth, photo.title, facts)
    interrupted = False
    job.choose_tiles()
    needed, free = memory = job.memory()
    if job.settings.tile != tile:
        print(
            f"segviz: the input is cut into tiles of {job.settings.tile} pixels, since the whole"
            " does not fit into the free memory.",
            file=sys.stderr,
        )
    bar = ProgressBar(settings.last_step + 1, "step", disable=options.json)
    if bar.is_terminal and needed is not None and not memory.lacks:
        beside = "" if free is None else f", {format_bytes(free, up=False)} are free"
        print(f"segviz: about {format_bytes(needed)} of memory{beside}", file=sys.stderr)
    try:
        with bar:
            for done, step in enumerate(job, 1):
                loss, entropy = _finite(step.loss, "z.4g"), _finite(step.entropy, "z.3f")
                bar.update(done, f"loss {loss}, entropy {entropy}")
    except KeyboardInterrupt:
        interrupted = True
    if not job.steps:
        return 130
    print_note(photo)
    record = job.record()
    where = None if folder is None else _write_run(record, folder, names)
    if options.json:
        calibration = _calibration_json(record) if options.calibration else []
        print(json.dumps({**_run_json(record, where, memory), "calibration": calibration}))
    else:
        print(_run_text(record, where, options.calibration))
    return 130 if interrupted else 0


def _finite(value: float, format: str) -> str:
    return f"{value:{format}}" if math.isfinite(value) else "not finite"


def _mask_format(options: Namespace) -> MaskFormat | None:
    """Return what the options say of the mask, or None if they say nothing."""
    from ..data.class_files import read_classes
    from ..data.classes import VOC_CLASSES
    from ..data.masks import MaskFormat

    given = (options.classes, options.ignore, options.reduce_zero_label or None)
    if given == (None, None, None):
        return None
    if options.truth is None:
        raise InputError(
            "--classes, --ignore and --reduce-zero-label say how a mask is read; give it by --truth"
            " MASK.png."
        )
    classes = read_classes(Path(options.classes)) if options.classes else VOC_CLASSES
    return MaskFormat(classes, options.ignore, options.reduce_zero_label)


def _run_json(record: Record, where: Path | None, memory: MemoryNeed) -> dict[str, Any]:
    return {
        "settings": asdict(record.settings),
        "reference": record.reference,
        "steps": [{key: step[key] for key in STEP_KEYS} for step in record.steps],
        "collapse": _collapse_json(record),
        "forward_ms": record.forward_ms,
        "memory": {"estimate": memory.bytes, "available": memory.free},
        "complete": record.complete,
        "environment": record.environment,
        "record": None if where is None else str(where),
    }


def _collapse_json(record: Record) -> dict[str, Any] | None:
    from ..runs.collapse import find_collapse

    found = find_collapse(record)
    if found is None:
        return None
    names = {name: record.classes[getattr(found, name)] for name in ("eaten", "eater")}
    return {**asdict(found), **names}


def _calibration_json(record: Record) -> list[dict[str, Any]]:
    """Return the calibration of every step; [] without truth."""
    from ..evaluation.calibration import calibration_of_step

    bins = {step: calibration_of_step(record, step) for step in range(record.last + 1)}
    return [{"step": step, **found.numbers()} for step, found in bins.items() if found is not None]


def _run_text(record: Record, where: Path | None, calibration: bool) -> str:
    from ..evaluation.calibration import calibration_of_step
    from ..runs.collapse import describe_collapse

    first, last = record.steps[0], record.steps[-1]
    compared = {"truth": "iou", "1x prediction": "agreement"}.get(record.reference or "", "")
    names = [("loss", "loss"), ("entropy", "entropy, nats"), ("sigma", "sigma, px")]
    if compared:
        names.append((compared, "IoU" if compared == "iou" else "agreement vs. 1x prediction"))
    lines = [f"{record.title}: step 0 to {record.last}, {record.settings.spelling}"]
    lines += [
        f"  {title:28}{first[key]:z10.4f} -> {last[key]:z.4f}"
        for key, title in names
        if first[key] is not None and last[key] is not None  # no IoU where all is ignored
    ]
    later = record.numbers("ms")[1:]
    if later:
        lines.append(f"  forward pass {record.forward_ms:.0f} ms, one step {median(later):.1f} ms")
    if calibration:
        bins = [calibration_of_step(record, step) for step in (0, record.last)]
        before, after = (found.numbers() if found else {} for found in bins)
        lines += [
            f"  {key.upper():28}{before[key]:10.4f} -> {after[key]:.4f}"
            for key in before
            if before[key] is not None and after[key] is not None
        ]
    alarm = describe_collapse(record)
    lines += [f"  {alarm}"] if alarm else []
    if where is not None:
        lines.append(f"  written to {where.parent}")
    return "\n".join(lines)


def _write_run(record: Record, folder: Path, names: list[str]) -> Path:
    from ..export import formats

    where, _ = record.save(folder / "record")
    files = {CURVES: formats.EXPORTS["csv"](record)}
    for step in sorted({0, record.last}):
        files[f"step-{step:03d}.png"] = formats.EXPORTS["png"](record, formats.Selection(step))
    for name in names:
        files[FILES[name]] = formats.EXPORTS[name](record)
    for name, data in files.items():
        write_atomically(folder / name, data)
    # What an earlier run left would pass for this one's.
    for path in (*folder.glob("step-[0-9][0-9][0-9].png"), *map(folder.joinpath, FILES.values())):
        if path.name not in files:
            path.unlink(missing_ok=True)
    return where

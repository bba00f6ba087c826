"""What the commands do: options in, text, files or one JSON object out."""

import json
import shlex
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from . import images, metrics, samples, voc
from .adapt import Record, Run, Settings
from .adapt.run import environment
from .benchmark import benchmark
from .device import choose
from .errors import InputError
from .evaluate import FEEDFORWARD, Cell, Method, evaluate, table
from .ids import split_ids
from .network import checkpoint

__all__ = ["COMMANDS", "run_command"]

STEP_KEYS = ("step", "loss", "entropy", "sigma", "iou", "accuracy", "ms")


def run(options: Namespace) -> int:
    """Adapt to one image."""
    settings = Settings(
        scale=options.scale,
        objective=options.objective,
        variables=options.variables,
        steps=options.steps,
        learning_rate=options.lr,
        centred=options.centred,
        tolerance=options.tolerance,
        precision=options.precision,
    )
    photo, truth, title, factor = _photo(options.image, options.truth)
    trained = _checkpoint(options)
    folder = _folder(options.out) if options.out else None
    job = Run(trained, photo, settings, truth, title)
    interrupted = False
    bar = tqdm(job, total=settings.steps + 1, unit="step", disable=options.json or None)
    try:
        for step in bar:
            bar.set_postfix(loss=f"{step.loss:.4g}", entropy=f"{step.entropy:.3f}")
    except KeyboardInterrupt:
        interrupted = True
    if not job.steps:
        return 130
    if factor < 1:
        size = f"{photo.shape[1]} x {photo.shape[0]}"
        print(f"segviz: the photo was brought to {size}, the scale of VOC.", file=sys.stderr)
    record = job.record()
    where = None if folder is None else _write_run(record, folder)
    if options.json:
        print(json.dumps(_run_json(record, where)))
    else:
        print(_run_text(record, where))
    return 130 if interrupted else 0


def _photo(image: str, mask: str | None) -> tuple[np.ndarray, np.ndarray | None, str, float]:
    """Photo and truth at VOC's resolution, a title, and the factor they were shrunk by."""
    if image.startswith("sample:"):
        name = image.removeprefix("sample:")
        photo, truth = samples.load(name)
        title = samples.SAMPLES[name].title
    else:
        photo, truth, title = images.load_photo(Path(image)), None, Path(image).name
    if mask is not None:
        truth = images.load_labels(Path(mask), photo.shape[:2])
    photo, truth, factor = images.fit(photo, truth)
    return photo, truth, title, factor


def _run_json(record: Record, where: Path | None) -> dict[str, Any]:
    return {
        "settings": asdict(record.settings),
        "reference": record.reference,
        "steps": [{key: step[key] for key in STEP_KEYS} for step in record.steps],
        "forward_ms": record.forward_ms,
        "complete": record.complete,
        "environment": record.environment,
        "record": None if where is None else str(where),
    }


def _run_text(record: Record, where: Path | None) -> str:
    first, last = record.steps[0], record.steps[-1]
    compared = {"truth": "iou", "1x prediction": "agreement"}.get(record.reference or "", "")
    names = [("loss", "loss"), ("entropy", "entropy, nats"), ("sigma", "sigma, px")]
    if compared:
        names.append((compared, "IoU" if compared == "iou" else "agreement vs. 1x prediction"))
    lines = [f"{record.title}: step 0 to {record.last}, {record.settings.objective}"]
    lines += [
        f"  {title:28}{first[key]:10.4f} -> {last[key]:.4f}"
        for key, title in names
        if first[key] is not None and last[key] is not None  # no IoU where all is ignored
    ]
    later = record.numbers("ms")[1:]
    if later:
        lines.append(
            f"  forward pass {record.forward_ms:.0f} ms, one step {np.median(later):.1f} ms"
        )
    if where is not None:
        lines.append(f"  written to {where.parent}")
    return "\n".join(lines)


def _write_run(record: Record, folder: Path) -> Path:
    from .render import export

    where, _ = record.save(folder / "record")
    export.curves_csv(record, folder / "curves.csv")
    for step in sorted({0, record.last}):
        export.step_png(record, step, folder / f"step-{step:03d}.png")
    return where


def evaluation(options: Namespace) -> int:
    """Measure methods at scales over a split."""
    root = voc.find_root(options.voc_root)
    ids = split_ids(root, options.split)
    if not ids:
        raise InputError(f"the list {options.split} has no ids; give another --split.")
    if options.limit is not None:
        if options.limit < 1:
            raise InputError(f"--limit is {options.limit}, but must be at least 1.")
        order = np.random.default_rng(0).permutation(len(ids))[: options.limit]
        ids = [ids[i] for i in sorted(order)]
    scales = _numbers(options.scales)
    methods = [
        Method.parse(
            spelling,
            variables,
            steps=options.steps,
            learning_rate=options.lr,
            centred=options.centred,
            tolerance=options.tolerance,
        )
        for spelling in map(str.strip, options.methods.split(","))
        for variables in (["both"] if spelling == FEEDFORWARD else options.variables.split(","))
    ]
    for scale in scales:
        Settings(scale=scale)  # its range is checked before hours of work
    trained = _checkpoint(options)
    folder = _folder(options.out) if options.out else None
    interrupted = False
    cells: list[Cell] = []
    with tqdm(total=len(ids), unit="image") as bar:

        def show(done: int, now: list[Cell]) -> None:
            cells[:] = now
            bar.update(done - bar.n)
            miou = 100 * metrics.mean_iou(now[0].matrix)
            bar.set_postfix_str(f"mIoU {miou:.2f} at {now[0].scale:g}x")

        try:
            evaluate(trained, root, ids, scales, methods, show)
        except KeyboardInterrupt:
            interrupted = True
    if not cells:
        return 130
    if cells[0].images == 0 and not interrupted:
        raise InputError(f"none of the {len(ids)} images could be used: {cells[0].failed[0]}")
    result = {
        "images": cells[0].images,
        "results": [cell.result() for cell in cells],
        "failed": cells[0].failed,
        "split": options.split,
        "command": _command(),
        "environment": environment(trained),
    }
    if folder is not None:
        (folder / "evaluation.json").write_text(json.dumps(result, indent=1) + "\n")
    for failure in cells[0].failed:
        print(f"segviz: left out {failure}", file=sys.stderr)
    print(json.dumps(result) if options.json else f"{cells[0].images} images\n{table(cells)}")
    return 130 if interrupted else 0


def train(options: Namespace) -> int:
    """Train a network and write its checkpoint and card."""
    from .network import Architecture
    from .recipe import Recipe
    from .train import Trainer

    _threads(options)
    root = voc.find_root(options.voc_root)
    exclude = Path(options.exclude) if options.exclude else None
    device = choose(options.device)
    folder = _folder(options.out)
    trainer = Trainer(
        root,
        split_ids(root, options.split, exclude),
        Architecture.of(
            options.backbone,
            stride=options.stride,
            channels=options.channels,
            levels=options.levels,
            pooled_context=options.pooled_context,
        ),
        Recipe(
            augment=options.augment,
            crop=options.crop,
            batch=options.batch,
            epochs=options.epochs,
            learning_rate=options.lr,
            backbone_rate=options.backbone_rate,
            scale_rate=options.scale_rate,
            momentum=options.momentum,
            weight_decay=options.weight_decay,
            warmup=options.warmup,
            freeze_norm=options.freeze_norm,
            loss_stride=options.loss_stride,
            kept=options.kept,
            mixed=device.type == "cuda" if options.mixed is None else options.mixed,
            seed=options.seed,
        ),
        folder,
        init=Path(options.init) if options.init else None,
        context_init=Path(options.context_init) if options.context_init else None,
        pretrained=bool(options.pretrained),
        start=options.start,
        device=device,
        loaders=options.loaders,
    )
    with _interruptible() as pressed:
        trainer.run(resume=options.resume, stop=pressed)
    if trainer.iteration < trainer.iterations:
        if trainer.workers.rank == 0:
            print(f"segviz: stopped; --resume goes on from {trainer.state_path}.", file=sys.stderr)
        return 130
    if trainer.workers.rank == 0:
        path = folder / f"{options.name}.safetensors"
        card = trainer.finish(
            path,
            {
                "origin": options.origin,
                "data": {"split": options.split, "excluded": options.exclude},
                "command": _command(),
                "commit": _commit(),
                "licence": "MIT (weights); training images under the VOC / Flickr terms",
            },
        )
        print(json.dumps(card) if options.json else f"written to {path}")
    return 0


def measure(options: Namespace) -> int:
    """Time the forward pass and the steps."""
    result = benchmark(_checkpoint(options), options.scale, options.repeats)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:28}{value if not isinstance(value, float) else round(value, 2)}")
    return 0


def download(options: Namespace) -> int:
    """Fetch VOC 2012."""
    print(voc.download(options.dir, augment=not options.no_sbd))
    return 0


def run_command(options: Namespace) -> int:
    """The exit code of a command.

    Raises:
        InputError: On bad input, which includes more than the GPU's memory holds.
    """
    try:
        return COMMANDS[options.command](options)
    except torch.OutOfMemoryError as error:
        raise InputError(
            "the GPU's memory is full; choose a smaller scale or --device cpu."
        ) from error


COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "run": run,
    "evaluate": evaluation,
    "train": train,
    "benchmark": measure,
    "download-voc": download,
}


def _checkpoint(options: Namespace) -> checkpoint.Checkpoint:
    _threads(options)
    return checkpoint.load(options.checkpoint or checkpoint.DEFAULT, choose(options.device))


def _folder(out: str) -> Path:
    """The output folder, made before the work that fills it."""
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {out} cannot be made ({error.strerror}); choose another --out."
        ) from error
    return folder


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed, so that nothing is cut in two; pressed again, it interrupts."""
    pressed: list[int] = []

    def handle(number: int, _: object) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: bool(pressed)
    finally:
        signal.signal(signal.SIGINT, before)


def _threads(options: Namespace) -> None:
    if options.threads is not None:
        if options.threads < 1:
            raise InputError(f"--threads is {options.threads}, but must be at least 1.")
        torch.set_num_threads(options.threads)


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{text!r} is not a list of numbers such as 1,2,3.") from None


def _command() -> str:
    return "python -m segviz " + shlex.join(sys.argv[1:])


def _commit() -> str | None:
    """The commit of the code, where this is a git checkout."""
    try:
        here = Path(__file__).parent
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None

"""segviz train: train a network and write its checkpoint and card."""

import json
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..data import voc
from ..data.splits import split_ids
from ..runtime.device import choose
from .common import command_line, make_folder, set_threads

__all__ = ["train"]


def train(options: Namespace) -> int:
    """Train a network and write its checkpoint and card."""
    from ..network import Architecture
    from ..training.recipe import Recipe
    from ..training.trainer import Trainer

    set_threads(options)
    root = voc.find_root(options.voc_root)
    exclude = Path(options.exclude) if options.exclude else None
    device = choose(options.device)
    folder = make_folder(options.out)
    trainer = Trainer(
        root,
        split_ids(root, options.split, exclude),
        Architecture.of(
            options.backbone,
            stride=options.stride,
            channels=options.channels,
            groups=options.groups,
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
            minutes=options.minutes,
            freeze_norm=options.freeze_norm,
            loss_stride=options.loss_stride,
            kept=options.kept,
            smallest=options.smallest,
            largest=options.largest,
            distil=options.distil,
            hints=options.hints,
            mixed=device.type == "cuda" if options.mixed is None else options.mixed,
            seed=options.seed,
        ),
        folder,
        init=Path(options.init) if options.init else None,
        context_init=Path(options.context_init) if options.context_init else None,
        classifier_init=Path(options.classifier_init) if options.classifier_init else None,
        pretrained=bool(options.pretrained),
        start=options.start,
        teacher=options.teacher,
        device=device,
        loaders=options.loaders,
        memory=options.in_memory,
    )
    with _interruptible() as pressed:
        trainer.run(resume=options.resume, stop=pressed)
    if not trainer.done:
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
                "command": command_line(),
                "commit": _commit(),
                "licence": "MIT (weights); training images under the VOC / Flickr terms",
            },
        )
        print(json.dumps(card) if options.json else f"written to {path}")
    return 0


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

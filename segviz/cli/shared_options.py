"""Options that several commands share."""

import argparse

from ..adapt.settings import VARIABLES, Settings

__all__ = [
    "DEFAULT",
    "SETTINGS",
    "add_images",
    "add_json",
    "add_machine",
    "add_network",
    "add_objective",
    "add_tolerance",
    "add_updates",
]

SETTINGS = Settings()
DEFAULT = " (default: %(default)s)"
"""The end of a help text, which argparse completes."""


def add_machine(command: argparse.ArgumentParser) -> None:
    """Add --device and --threads."""
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or mps" + DEFAULT)
    command.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: all)")


def add_network(command: argparse.ArgumentParser) -> None:
    """Add --checkpoint, --device and --threads."""
    command.add_argument("--checkpoint", metavar="NAME", help="a shipped network or a path")
    add_machine(command)


def add_json(command: argparse.ArgumentParser) -> None:
    """Add --json."""
    command.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def add_images(command: argparse.ArgumentParser) -> None:
    """Add --voc-root, --split and --limit."""
    command.add_argument(
        "--voc-root", metavar="DIR", required=True, help="VOC2012, or a folder above it"
    )
    command.add_argument("--split", default="val", help="a split, or a .txt file of ids" + DEFAULT)
    command.add_argument(
        "--limit", type=int, metavar="N", help="measure a fixed random choice of N images"
    )


def add_objective(command: argparse.ArgumentParser) -> None:
    """Add --scale, --objective and --steps."""
    command.add_argument(
        "--scale", type=float, default=SETTINGS.scale, help="resize factor" + DEFAULT
    )
    command.add_argument(
        "--objective", default=SETTINGS.objective, help="what to optimise" + DEFAULT
    )
    command.add_argument(
        "--steps", type=int, default=SETTINGS.steps, help="number of updates" + DEFAULT
    )


def add_updates(command: argparse.ArgumentParser) -> None:
    """Add --lr, --variables and --centred."""
    command.add_argument(
        "--lr", type=float, default=SETTINGS.learning_rate, help="learning rate of Adam" + DEFAULT
    )
    command.add_argument(
        "--variables",
        default=SETTINGS.variables,
        help=f"what to adapt: {', '.join(VARIABLES)}" + DEFAULT,
    )
    command.add_argument(
        "--centred", action="store_true", help="let weights act on centred features"
    )


def add_tolerance(command: argparse.ArgumentParser) -> None:
    """Add --tolerance."""
    command.add_argument(
        "--tolerance",
        type=float,
        default=SETTINGS.tolerance,
        help="stop once the loss changes by less than this fraction" + DEFAULT,
    )

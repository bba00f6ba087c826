"""The commands of segviz and their parser.

Only the command that is called is imported, and no import of one loads torch: --help is quick.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple, NoReturn, Protocol, cast

from ..errors import InputError

__all__ = ["COMMANDS", "CommandParser", "create_parser"]


class CommandParser(ArgumentParser):
    """Report a misuse in one line, as for all other errors of the command line."""

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201
        """Parse as `ArgumentParser` does, but refuse --option=--, which it takes as no value."""
        for word in sys.argv[1:] if args is None else args:
            if word.startswith("--") and word.endswith("=--"):
                self.error(f"argument {word[:-3]}: expected one argument, got '--'")
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"segviz: {InputError(message)}; see {self.prog} --help.\n")


class _CommandModule(Protocol):
    """The module of a command: its options, and the function that runs it."""

    def add_options(self, command: ArgumentParser) -> None: ...

    def run(self, options: Namespace) -> int: ...


class _Command(NamedTuple):
    help: str
    name: str

    @property
    def module(self) -> _CommandModule:
        """The module, imported when it is first read."""
        return cast(_CommandModule, import_module(f".{self.name}", __package__))


COMMANDS: Mapping[str, _Command] = {
    "app": _Command("serve the app in the browser", "app"),
    "run": _Command("adapt to one image and write the record", "run"),
    "export": _Command("make pictures, animations and tables of a record", "export"),
    "evaluate": _Command("measure methods at several scales over VOC or your images", "evaluate"),
    "tables": _Command("measure the paper's tables on the shipped networks", "tables"),
    "figures": _Command("draw the counterparts of the paper's figures", "figures"),
    "train": _Command("train a network", "train"),
    "gate": _Command("train the gate of a network, which weighs the sizes of a photo", "gate"),
    "benchmark": _Command("time the parts of a run and the baselines", "benchmark"),
    "download-voc": _Command("download PASCAL VOC 2012 and the SBD labels", "download_voc"),
}
"""Every command, in the order of --help."""


def create_parser(called: str | None = None) -> CommandParser:
    """Return the parser of `segviz COMMAND ...`; `options.command` names the command.

    Arguments:
        called: The command whose options are added, or "" for none; None = those of all.
    """
    top = CommandParser(
        prog="segviz", description="Watch a segmentation network adapt itself to one image."
    )
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        description = command.help[0].upper() + command.help[1:] + "."
        parser = subparsers.add_parser(name, help=command.help, description=description)
        if called in (None, name):
            command.module.add_options(parser)
    return top

"""The options of every command. Importing this module loads no torch, so --help is immediate."""

import argparse
from collections.abc import Callable, Mapping
from typing import NamedTuple, NoReturn

from ..adapt.settings import PRECISIONS
from ..evaluation.paper_tables import SCALES
from .shared_options import (
    DEFAULT,
    SETTINGS,
    add_images,
    add_json,
    add_machine,
    add_network,
    add_objective,
    add_tolerance,
    add_updates,
)
from .train_options import add_train

__all__ = ["COMMANDS", "CommandParser", "create_parser"]


class CommandParser(argparse.ArgumentParser):
    """Report a misuse in one line, as for all other errors of the command line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"segviz: {message}; see {self.prog} --help.\n")


class _Command(NamedTuple):
    help: str
    add_options: Callable[[argparse.ArgumentParser], None]
    epilog: str | None = None


def create_parser() -> CommandParser:
    """Return the parser of `segviz COMMAND ...`; `options.command` names the command."""
    top = CommandParser(
        prog="segviz", description="Watch a segmentation network adapt itself to one image."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        options = commands.add_parser(
            name,
            help=command.help,
            description=command.help[0].upper() + command.help[1:] + ".",
            epilog=command.epilog,
            allow_abbrev=name != "app",  # whose unknown options go to Streamlit
        )
        command.add_options(options)
    return top


def _run(command: argparse.ArgumentParser) -> None:
    command.add_argument("image", metavar="IMAGE", help="a photo, or sample:NAME")
    command.add_argument("--truth", metavar="MASK.png", help="labels: VOC palette or class ids")
    add_objective(command)
    add_updates(command)
    add_tolerance(command)
    command.add_argument(
        "--precision",
        default=SETTINGS.precision,
        help=f"of the frozen part: {' or '.join(PRECISIONS)}" + DEFAULT,
    )
    command.add_argument("--out", metavar="DIR", help="write record, curves and pictures there")
    command.add_argument(
        "--formats",
        default="sheet,gif,html",
        help="also write these to --out: sheet, gif, webp, zip, html" + DEFAULT,
    )
    add_network(command)
    add_json(command)


def _export(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "record", metavar="RECORD", help="a record's .npz, .json or .zip, or the folder of a run"
    )
    command.add_argument(
        "--formats",
        default="png,sheet,gif,csv,html",
        help="png, sheet, gif, webp, csv, zip, html" + DEFAULT,
    )
    command.add_argument("--steps", metavar="T,T,...", help="such as 0,8,16,32 (default: chosen)")
    command.add_argument(
        "--panels",
        metavar="NAME,...",
        help="photo, overlay, feedforward, prediction, entropy, receptive-field, truth,"
        " right-wrong (default: all)",
    )
    command.add_argument("--out", metavar="DIR", help="write there (default: beside the record)")
    add_json(command)


def _evaluate(command: argparse.ArgumentParser) -> None:
    add_images(command)
    command.add_argument(
        "--scales",
        default=",".join(f"{scale:g}" for scale in SCALES),
        help="resize factors" + DEFAULT,
    )
    command.add_argument(
        "--methods",
        default="feedforward,entropy,oracle,adversary",
        help="OBJECTIVE[:centred][:lr=RATE][:tolerance=FRACTION][:steps=T],..." + DEFAULT,
    )
    command.add_argument(
        "--steps",
        default=str(SETTINGS.steps),
        metavar="T,T,...",
        help="measure at these steps" + DEFAULT,
    )
    add_updates(command)
    add_tolerance(command)
    command.add_argument(
        "--by-image", action="store_true", help="also report the numbers of each image"
    )
    command.add_argument(
        "--out", metavar="DIR", help="write the result there, and what is needed to resume"
    )
    add_network(command)
    add_json(command)


def _tables(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "tables",
        nargs="*",
        metavar="TABLE",
        help="1, 2, 3, or control, which takes at most 20 images (default: all)",
    )
    add_images(command)
    command.add_argument(
        "--rows",
        metavar="DIR",
        default="runs/tables",
        help="folder of the rows, needed to resume" + DEFAULT,
    )
    command.add_argument(
        "--out", metavar="DIR", default="results", help="write table-*.json there" + DEFAULT
    )
    add_machine(command)


def _figures(command: argparse.ArgumentParser) -> None:
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
    add_objective(command)
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


def _benchmark(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "networks", nargs="*", metavar="NETWORK", help="checkpoints, or mobilenetv2_100, dla34"
    )
    command.add_argument(
        "--scales",
        "--scale",
        default=f"{SETTINGS.scale:g}",
        metavar="SCALES",
        help="resize factors" + DEFAULT,
    )
    command.add_argument("--repeats", type=int, default=5, help="rounds of measurement" + DEFAULT)
    command.add_argument(
        "--baselines", "--rivals", action="store_true", help="also time the baselines"
    )
    command.add_argument("--memory", action="store_true", help="also measure the peak memory")
    command.add_argument("--out", metavar="FILE", help="also write the JSON there")
    add_network(command)
    add_json(command)


def _download_voc(command: argparse.ArgumentParser) -> None:
    command.add_argument("dir", metavar="DIR", help="where to put VOCdevkit")
    command.add_argument("--no-sbd", action="store_true", help="without the SBD labels (1.4 GB)")


def _app(command: argparse.ArgumentParser) -> None:
    command.add_argument("--port", type=int, help="TCP port (default: 8501, or the next free one)")
    command.add_argument("--address", metavar="HOST", help="interface (default: localhost)")
    command.add_argument("--headless", action="store_true", help="do not open a browser")


COMMANDS: Mapping[str, _Command] = {
    "app": _Command(
        "serve the app in the browser",
        _app,
        "Other options go to Streamlit, such as --server.maxUploadSize=50.",
    ),
    "run": _Command("adapt to one image and write the record", _run),
    "export": _Command("make pictures, animations and tables of a record", _export),
    "evaluate": _Command("measure methods at several scales over a VOC split", _evaluate),
    "tables": _Command("measure the paper's tables on the shipped networks", _tables),
    "figures": _Command("draw the counterparts of the paper's figures", _figures),
    "train": _Command("train a network", add_train),
    "benchmark": _Command("time the parts of a run and the baselines", _benchmark),
    "download-voc": _Command("download PASCAL VOC 2012 and the SBD labels", _download_voc),
}
"""Every command, in the order of --help; the module of the same name in this package runs it."""

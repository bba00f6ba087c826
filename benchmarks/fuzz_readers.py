"""Give damaged files to every reader: each must answer with a value or one sentence, and soon.

Files are mutated with a seed: bytes, chunks, numbers and keys of JSON, members of ZIPs. A case is
named by reader, seed and number, and is made again by `--seed SEED --first NUMBER`.

    python benchmarks/fuzz_readers.py --seconds 600 --out results/trust.json
"""

from __future__ import annotations

import argparse
import io
import json
import math
import random
import resource
import sqlite3
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from segviz.adapt.settings import Settings
from segviz.data import voc
from segviz.data.class_files import read_classes
from segviz.data.class_map import read_class_map
from segviz.data.images import load_photo
from segviz.data.masks import load_labels, palette_image
from segviz.data.voc_palette import PALETTE
from segviz.errors import InputError
from segviz.evaluation.results import read_result
from segviz.evaluation.row_store import EpisodeRow, RowKey, RowStore
from segviz.jobs.visit_store import (
    RunFacts,
    ShownFacts,
    TabState,
    Upload,
    VisitFolder,
    VisitStore,
    new_token,
)
from segviz.network import checkpoint
from segviz.runs import describe
from segviz.runs.archive import read_zip, record_zip
from segviz.runs.record import LOG_PROBABILITIES, NUMBERS, Quantised, Record
from segviz.runtime.files import write_atomically

MAX_SECONDS = 5.0
"""A case that takes more time of the processor counts as a hang."""

ROOT = Path(__file__).parents[1]
SHA = "a" * 64


@dataclass
class Outcome:
    """What the cases of a reader ended with."""

    cases: int = 0
    accepted: int = 0
    refused: int = 0
    slowest: float = 0.0
    seconds: float = 0.0
    failures: tuple[str, ...] = ()

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.cases + other.cases,
            self.accepted + other.accepted,
            self.refused + other.refused,
            max(self.slowest, other.slowest),
            self.seconds + other.seconds,
            self.failures + other.failures,
        )

    def facts(self) -> dict[str, object]:
        """Return the outcome as JSON values."""
        return {
            "cases": self.cases,
            "accepted": self.accepted,
            "refused": self.refused,
            "uncaught": len(self.failures),
            "slowest_seconds": round(self.slowest, 2),
            "seconds": round(self.seconds, 1),
            "failures": self.failures[:5],
        }


@dataclass
class Reader:
    """A reader and the files that it is tried with.

    Arguments:
        seeds: Good files.
        suffix: The suffix of their names.
        read: Reads the file at a path.
    """

    seeds: list[bytes]
    suffix: str
    read: Callable[[Path], object]


# Good files


def record(steps: int = 3) -> Record:
    """Return a small record with a photo of 24 x 20 and a feature grid of 2 x 3."""
    rng = np.random.default_rng(0)
    numbers = {name: 0.1 for name in NUMBERS} | {"weights": None, "agreement": None}
    return Record(
        title="photo",
        settings=Settings(steps=steps - 1, scale=1.5),
        photo=rng.integers(0, 256, (20, 24, 3), dtype=np.uint8),
        truth=rng.choice([0, 1, 255], (20, 24)).astype(np.uint8),
        reference="truth",
        steps=tuple({**numbers, "step": step} for step in range(steps)),
        labels=rng.integers(0, 2, (steps, 20, 24), dtype=np.uint8),
        entropy=Quantised.of(rng.random((steps, 2, 3)), 0, math.log(2)),
        sigma=Quantised.of(rng.random((steps, 2, 3)) * 64, 0, 64),
        selected=rng.random((steps, 2, 3)) < 0.5,
        log_probabilities=Quantised.of(-9 * rng.random((steps, 2, 2, 3)), *LOG_PROBABILITIES),
        positions=(np.linspace(0, 1, 20, dtype="f4"), np.linspace(0, 2, 24, dtype="f4")),
        stride=16,
        classes=("background", "cat"),
        forward_ms=12.5,
        complete=True,
        environment={"segviz": "0.2.0", "threads": 2},
    )


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:  # noqa: ANN401
    """Return an image file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def pictures() -> list[bytes]:
    """Return photos in every format."""
    rng = np.random.default_rng(0)
    rough = Image.fromarray(rng.integers(0, 256, (8, 10, 3), dtype=np.uint8))
    image = rough.resize((60, 48))
    deep = Image.fromarray(rng.integers(0, 65536, (48, 60)).astype(np.uint16))
    return [
        encoded(image, "JPEG"),
        encoded(image, "JPEG", progressive=True),
        encoded(image, "PNG"),
        encoded(image.convert("RGBA"), "PNG"),
        encoded(image.quantize(32), "PNG"),
        encoded(deep, "PNG"),
        encoded(image, "WEBP"),
        encoded(image, "BMP"),
        encoded(image, "TIFF"),
        encoded(image, "TIFF", compression="tiff_lzw"),
        encoded(image.convert("1"), "TIFF", compression="group4"),
    ]


def masks() -> list[bytes]:
    """Return masks: palettes, grey, colours, few bits, deep."""
    ids = np.random.default_rng(1).choice([0, 8, 15, 255], (32, 40)).astype(np.uint8)
    grey, palette = Image.fromarray(ids), palette_image(ids)
    return [
        encoded(palette, "PNG"),
        encoded(grey, "PNG"),
        encoded(Image.fromarray(PALETTE[ids]), "PNG"),
        encoded(Image.fromarray(ids.astype(np.uint16)), "PNG"),
        encoded(grey, "TIFF"),
        encoded(grey, "BMP"),
        encoded(Image.fromarray(PALETTE[ids]), "WEBP", lossless=True),
    ]


def row_file(folder: Path) -> bytes:
    """Return a file of rows."""
    store = RowStore(folder, SHA, 3)
    rows = [
        EpisodeRow(RowKey(scale, "entropy", "both", 1), np.eye(3, dtype=np.int64), 0.5, 1.0, 0.1)
        for scale in (1.0, 2.0, 3.0)
    ]
    store.add("image", rows)
    store.close()
    return (folder / "rows-0.sqlite").read_bytes()


def read_rows(path: Path) -> object:
    """Read a file of rows as an evaluation that resumes."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rows-1.sqlite").write_bytes(path.read_bytes())
        store = RowStore(Path(folder), SHA, 3)
        with closing(store):
            rows = store.rows("image")
            store.failures()
        return {key: row.matrix.sum() for key, row in rows.items()}


def card() -> bytes:
    """Return the card of the shipped network."""
    return checkpoint.locate(checkpoint.DEFAULT).with_suffix(".json").read_bytes()


def read_card(path: Path) -> object:
    """Read a card beside weights."""
    weights = path.with_suffix(".safetensors")
    weights.touch()
    return checkpoint.read_card(str(weights))


def read_weights(path: Path) -> object:
    """Load weights beside a card that has their hash."""
    import hashlib

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    facts = {**json.loads(card()), "sha256": digest}
    path.with_suffix(".json").write_text(json.dumps(facts))
    return checkpoint.load(str(path)).sha256


def visit_folder(name: str) -> VisitFolder:
    """Return the folder of a new visit."""
    folder = VisitStore(Path(name), max_days=1).visit(new_token())
    assert folder is not None
    folder.path.mkdir()
    return folder


def run_facts() -> bytes:
    """Return the facts of a run of a visit."""
    facts = RunFacts.of(record(), "a", "sample:cat", b"picture")
    return msgspec.json.encode(msgspec.structs.replace(facts, name="first", pinned=True))


def read_run_facts(path: Path) -> object:
    """Read the facts of a visit's run, and what a table shows of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = visit_folder(name)
        (folder.path / "run-a.zip").touch()
        (folder.path / "run-a.json").write_bytes(path.read_bytes())
        runs = folder.runs()
    for run in runs:
        return describe.settings(run.settings), datetime.fromtimestamp(run.made, UTC), run.scores
    raise InputError("the run is left out.")


def tab_state() -> bytes:
    """Return the state of a visit's tab."""
    shown = ShownFacts(
        id="b",
        runs=(("", "a"),),
        photo="sample:cat",
        values={"scale": "2", "method": "entropy"},
        measure=("iou", "IoU"),
        curves={"": [0.5, None]},
    )
    return msgspec.json.encode(
        TabState(
            id="c" * 32,
            server="d",
            controls={"steps": "7", "stop": "drift", "learning_rate": "0.001"},
            photo="sample:cat",
            shown={"iterate": shown},
            address=("iterate", {"scale": "2"}),
        )
    )


def read_tab_state(path: Path) -> object:
    """Read the state of a visit's tab, and the values of its controls."""
    from pages.state.tabs import values_of

    with tempfile.TemporaryDirectory() as name:
        folder = visit_folder(name)
        (folder.path / "tab-a.json").write_bytes(path.read_bytes())
        tabs = folder.tabs()
    for tab in tabs:
        return values_of(tab.controls), [values_of(each.values) for each in tab.shown.values()]
    raise InputError("the tab is left out.")


def read_upload(path: Path) -> object:
    """Read the upload of a visit, whose name is damaged."""
    with tempfile.TemporaryDirectory() as name:
        folder = visit_folder(name)
        folder.save_upload("upload:a", Upload("photo.png", b"photo", b"mask"))
        (folder.path / "upload-a.json").write_bytes(path.read_bytes())
        return folder.upload("upload:a").name


def training() -> tuple[Any, Any]:
    """Return a model and its optimiser, after one update."""
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimiser = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9)
    model(torch.ones(4, 3)).square().sum().backward()
    optimiser.step()
    return model, optimiser


FINGERPRINT = {"ids": "abc", "recipe": '{"batch": 2, "seed": 0}'}


def training_state(folder: Path) -> bytes:
    """Return the state of a training."""
    from segviz.training.state import Progress, save_state

    save_state(folder / "state", *training(), FINGERPRINT, Progress(7, 1.5))
    return (folder / "state").read_bytes()


def read_training_state(path: Path) -> object:
    """Resume from the state of a training."""
    from segviz.training.state import load_state

    return load_state(path, *training(), FINGERPRINT)


def samples() -> bytes:
    """Return a file of a gate's samples."""
    import torch

    from segviz.adapt.gate import FEATURES, LEVELS
    from segviz.training.gate import PIXELS, SCALES

    buffer = io.BytesIO()
    count = len(SCALES)
    tensors = (
        torch.rand(count, LEVELS, len(FEATURES)),
        torch.rand(count, PIXELS, LEVELS),
        torch.zeros(count, dtype=torch.int64),
    )
    torch.save(tensors, buffer)
    return buffer.getvalue()


def read_samples(path: Path) -> object:
    """Read a file of a gate's samples."""
    from segviz.training import gate

    return gate.read_samples(path)


def readers(folder: Path) -> dict[str, Reader]:
    """Return all readers by name.

    Arguments:
        folder: A folder for files of the readers.
    """
    names = json.dumps({"0": "background", "1": "cat", "255": "dog"}).encode()
    listed = b"2007_000001\n/JPEGImages/2007_000002.jpg /SegmentationClass/2007_000002.png\n"
    coloured = json.dumps([{"name": "a", "colour": [0, 0, 0]}, {"name": "b", "colour": "#ff0000"}])
    result = next(iter(sorted((ROOT / "results").glob("val-*.json"))))
    record().save(folder / "pair")
    arrays, facts = ((folder / f"pair{suffix}").read_bytes() for suffix in (".npz", ".json"))

    def read_arrays(path: Path) -> object:
        path.with_suffix(".json").write_bytes(facts)
        return Record.load(path).title

    def read_facts(path: Path) -> object:
        path.with_suffix(".npz").write_bytes(arrays)
        return Record.load(path).title

    weights = checkpoint.locate(checkpoint.DEFAULT).read_bytes()
    return {
        "photo": Reader(pictures(), ".png", load_photo),
        "mask": Reader(masks(), ".png", load_labels),
        "record, ZIP": Reader([record_zip(record())], ".zip", lambda p: read_zip(p.read_bytes())),
        "record, npz": Reader([arrays], ".npz", read_arrays),
        "record, json": Reader([facts], ".json", read_facts),
        "card": Reader([card()], ".json", read_card),
        "weights": Reader([weights], ".safetensors", read_weights),
        "rows": Reader([row_file(folder / "rows")], ".sqlite", read_rows),
        "result": Reader([result.read_bytes()], ".json", read_result),
        "list of ids": Reader([listed, listed.decode().encode("utf-16")], ".txt", voc.read_list),
        "classes": Reader([names, coloured.encode()], ".json", read_classes),
        "labelmap": Reader([b"a:0,0,0::\nb:1,2,3::\n", b"wall\nfloor\n"], ".txt", read_classes),
        "class map": Reader([b'{"street": "road", "sky": null}'], ".json", read_class_map),
        "gate samples": Reader([samples()], ".pt", read_samples),
        "training state": Reader([training_state(folder)], ".safetensors", read_training_state),
        "visit, run": Reader([run_facts()], ".json", read_run_facts),
        "visit, tab": Reader([tab_state()], ".json", read_tab_state),
        "visit, upload": Reader([b'"photo.png"'], ".json", read_upload),
    }


# Damage


def damaged(data: bytes, rng: random.Random, depth: int = 0) -> bytes:
    """Return a file with one to four mutations."""
    if depth == 0 and data[:2] == b"PK" and rng.random() < 0.5:
        return damaged_zip(data, rng)
    if data[:1] in b"{[" and rng.random() < 0.6:
        try:
            return json.dumps(damaged_json(json.loads(data), rng)).encode()
        except (ValueError, RecursionError):
            pass
    for _ in range(rng.randint(1, 4)):
        data = rng.choice(MUTATIONS)(data, rng)
    return data


def damaged_zip(data: bytes, rng: random.Random) -> bytes:
    """Return a ZIP with one damaged member, whose checksum is right again."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        members = old.infolist()
        chosen = rng.choice(members).filename
        for member in members:
            content = old.read(member)
            if member.filename == chosen:
                inner = content[:2] == b"PK" and rng.random() < 0.7
                content = damaged_zip(content, rng) if inner else damaged(content, rng, 1)
            new.writestr(member.filename, content, rng.choice((0, zipfile.ZIP_DEFLATED)))
    return buffer.getvalue()


ODD: list[Any] = [
    None, True, -1, 0, 0.5, -0.0, 7, 255, 256, 2**31, 2**63, 2**64, 10**30, 1e300, -1e300,
    float("inf"), float("nan"), "", "x", "\x00", "\ud83d", "a" * 500, "../../etc/passwd",
    "hf-hub:x/y", "<b>", [], {}, [[]], [None], {"a": 1}, [0] * 300,
]  # fmt: skip


def damaged_json(value: Any, rng: random.Random) -> Any:  # noqa: ANN401
    """Return a JSON value with one odd value, key or length somewhere in it."""
    if isinstance(value, dict) and value:
        key = rng.choice(list(value))
        kind = rng.random()
        if kind < 0.1:
            return {name: each for name, each in value.items() if name != key}
        if kind < 0.15:
            return {**value, rng.choice(["", "x", "__class__", "a" * 1000]): rng.choice(ODD)}
        return {**value, key: damaged_json(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        kind = rng.random()
        if kind < 0.1:
            return value[:place] + value[place + 1 :]
        if kind < 0.2:
            return value + [value[place]] * rng.choice((1, 600))
        return [*value[:place], damaged_json(value[place], rng), *value[place + 1 :]]
    return rng.choice(ODD)


def _flip(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return data
    changed = bytearray(data)
    # Damage to the header is the more interesting kind.
    reach = len(data) if rng.random() < 0.5 else min(len(data), 200)
    for _ in range(rng.choice((1, 1, 2, 8))):
        changed[rng.randrange(reach)] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
    return bytes(changed)


def _number(data: bytes, rng: random.Random) -> bytes:
    if len(data) < 8:
        return data
    size = rng.choice((2, 4, 8))
    reach = len(data) if rng.random() < 0.5 else min(len(data), 400)
    place = rng.randrange(max(1, reach - size))
    value = rng.choice((0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), 2 ** (8 * size - 1) - 1))
    return data[:place] + value.to_bytes(size, rng.choice(("little", "big"))) + data[place + size :]


def _cut(data: bytes, rng: random.Random) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _drop(data: bytes, rng: random.Random) -> bytes:
    place, length = rng.randrange(len(data) + 1), rng.choice((1, 4, 30, 1000))
    return data[:place] + data[place + length :]


def _double(data: bytes, rng: random.Random) -> bytes:
    place, length = rng.randrange(len(data) + 1), rng.choice((1, 4, 30, 1000))
    return data[:place] + data[place : place + length] * rng.choice((2, 3, 50)) + data[place:]


def _insert(data: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(data) + 1)
    odd = rng.choice(
        (b"\0" * 50, b"\xff" * 50, b"[" * 5000, b"\xef\xbb\xbf", b"\xff\xfe", b"1e999")
    )
    return data[:place] + odd + data[place:]


MUTATIONS = (_flip, _flip, _number, _number, _cut, _drop, _double, _insert)


# The trial


def cases(reader: Reader, seed: int, first: int = 0) -> Iterator[tuple[int, bytes]]:
    """Yield numbers and damaged files without end, the same for the same seed."""
    number = first
    while True:
        rng = random.Random(f"{seed} {number}")
        yield number, damaged(rng.choice(reader.seeds), rng)
        number += 1


def try_reader(
    reader: Reader,
    folder: Path,
    seconds: float,
    seed: int,
    first: int = 0,
    clock: Callable[[], float] = time.process_time,
) -> Outcome:
    """Give damaged files to a reader for some seconds.

    Arguments:
        reader: The reader.
        folder: A folder for the files.
        seconds: How long, in seconds of the clock.
        seed: The seed.
        first: The number of the first case.
        clock: Returns seconds; of processor time by default.
    """
    outcome, failures = Outcome(), []
    path = folder / f"case{reader.suffix}"
    begin = clock()
    for number, data in cases(reader, seed, first):
        path.write_bytes(data)
        start = time.process_time()
        try:
            reader.read(path)
            outcome.accepted += 1
        except InputError as error:
            outcome.refused += 1
            message = str(error)
            if not message.endswith(".") or not message.isprintable() or len(message) > 2000:
                failures.append(f"case {number}: message {message[:200]!r}")
        except Exception as error:
            failures.append(f"case {number}: {type(error).__name__}: {str(error)[:200]}")
        took = time.process_time() - start
        outcome.seconds = clock() - begin
        outcome.cases += 1
        outcome.slowest = max(outcome.slowest, took)
        if took > MAX_SECONDS:
            failures.append(f"case {number}: {took:.1f} s")
        if outcome.seconds > seconds or len(failures) > 20:
            break
    outcome.failures = tuple(failures)
    return outcome


def try_each(
    seconds: float,
    seed: int,
    chosen: list[str] | None = None,
    first: int = 0,
    rounds: int = 1,
    clock: Callable[[], float] = time.process_time,
) -> Iterator[tuple[str, Outcome]]:
    """Give damaged files to the chosen readers, or to all, for some seconds together.

    Arguments:
        seconds: Seconds of the clock, shared equally.
        seed: The seed.
        chosen: The names of readers; None or empty = all.
        first: The number of the first case of each.
        rounds: How often the readers take turns.
        clock: As that of `try_reader`.

    Yields:
        The name of a reader and its outcome so far, after each of its turns.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tried = {
            title: reader
            for title, reader in readers(folder).items()
            if not chosen or title in chosen
        }
        found = {title: Outcome() for title in tried}
        for _ in range(rounds):
            for title, reader in tried.items():
                turn, number = seconds / len(tried) / rounds, first + found[title].cases
                found[title] += try_reader(reader, folder, turn, seed, number, clock)
                yield title, found[title]


def main() -> int:
    """Try the readers and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seconds", type=float, default=60, help="of processor time, for all readers together"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--rounds", type=int, default=1, help="how often the readers take turns")
    parser.add_argument("--reader", action="append", help="only this one; repeatable")
    parser.add_argument(
        "--out", type=Path, help="a JSON file, of which the entries of these readers are replaced"
    )
    options = parser.parse_args()
    found = {}
    for name, outcome in try_each(
        options.seconds, options.seed, options.reader, options.first, options.rounds
    ):
        found[name] = outcome.facts()
        print(name, json.dumps(found[name]), file=sys.stderr, flush=True)
        if options.out is not None:
            write_entries(options.out, {"seed": options.seed, **software()}, found)
    print(json.dumps(found, indent=1))
    return int(any(each["failures"] for each in found.values()))


def software() -> dict[str, object]:
    """Return what the outcome depends on, and the memory used so far."""
    return {
        "command": " ".join(["python", "benchmarks/fuzz_readers.py", *sys.argv[1:]]),
        "sqlite": sqlite3.sqlite_version,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def write_entries(path: Path, facts: dict[str, object], readers: dict[str, Any]) -> None:
    """Write outcomes into a JSON file, and keep its other entries."""
    before = json.loads(path.read_text()) if path.exists() else {}
    entries = {**before, **facts, "readers": {**before.get("readers", {}), **readers}}
    write_atomically(path, json.dumps(entries, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())

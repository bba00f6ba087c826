"""segviz gate: train the gate of a network, which weighs the sizes of a photo."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import InputError
from ..network import checkpoint
from ..runtime.files import check_writable, write_atomically
from ..runtime.imports import pause_garbage_collection
from ..validation import check_range
from .options import (
    DEFAULT,
    add_class_map,
    add_data,
    add_json,
    add_limit,
    add_network,
    check_data,
    load_checkpoint,
)
from .output import command_line, make_folder

if TYPE_CHECKING:
    from ..adapt.gate import GateCard
    from ..data.dataset import DataSet
    from ..network.checkpoint import Checkpoint
    from ..training.gate import GateSamples

__all__ = ["add_options", "run"]

MAX_UPDATES = 100_000


def add_options(command: ArgumentParser) -> None:
    """Add the options of `segviz gate`."""
    add_data(command, "val")
    add_class_map(command)
    add_limit(command)
    command.add_argument(
        "--background",
        type=int,
        default=0,
        metavar="ID",
        help="the class that is not foreground; -1 = none" + DEFAULT,
    )
    command.add_argument(
        "--samples",
        metavar="DIR",
        default="runs/gate",
        help="folder of the samples, needed to resume" + DEFAULT,
    )
    command.add_argument(
        "--updates", type=int, metavar="N", help="updates of each of the gate's maps (default: 600)"
    )
    command.add_argument(
        "--out", metavar="CARD.json", help="write the card with its gate there (default: its own)"
    )
    add_network(command)
    add_json(command)


def run(options: Namespace) -> int:
    """Collect samples, cross-validate, train, and write the gate on the network's card."""
    check_data(options)
    if options.images is not None and options.masks is None:
        raise InputError("a gate learns from truth, but --images has no --masks; give both.")
    with pause_garbage_collection():
        from tqdm import tqdm

        from ..training import gate

    updates = gate.UPDATES if options.updates is None else options.updates
    check_range("--updates", updates, 1, MAX_UPDATES)
    if options.out:
        check_writable(Path(options.out).absolute().parent)
    trained = load_checkpoint(options)
    images, ids = _open_data(options, trained)
    background = None if options.background < 0 else options.background
    if background is not None:
        check_range("--background", background, 0, trained.network.classes - 1)
    # Samples of another network or background are others.
    own = f"{trained.sha256[:12]}-background-{options.background}"
    folder = make_folder(str(Path(options.samples) / own), "--samples")
    samples: list[GateSamples] = []
    for index, name in enumerate(tqdm(ids, unit="photo", disable=options.json or None)):
        path = folder / f"{images.row_key(name).replace('/', '+')}.pt"
        if path.exists():
            found = gate.read_samples(path)
        else:
            photo, truth = images.photo(name), images.truth(name)
            assert truth is not None, "the data have masks"
            found = gate.collect_samples(
                trained.network, photo, truth, gate.SCALES, background, index
            )
            gate.write_samples(path, found)
        if found is not None:
            samples.append(found)
    data = f"{len(samples)} photos of {images.name} at {', '.join(f'{s:g}' for s in gate.SCALES)}x"
    card = gate.train_gate(samples, background, data, command_line(), updates=updates)
    weights = gate.cross_validate(samples, background=background, updates=updates)
    report = _report(samples, weights)
    path = (
        Path(options.out) if options.out else checkpoint.locate(trained.name).with_suffix(".json")
    )
    write_atomically(path, _card_text(trained.card, card))
    if options.json:
        print(json.dumps({"photos": len(samples), "scales": report, "card": str(path)}))
    else:
        print(
            "log-likelihood of the truth, cross-validated: the size given, the gate, the best size"
        )
        for line in report:
            print("{scale:5g}x {plain:8.3f} {gate:8.3f} {best:8.3f}".format(**line))
        print(f"written to {path}")
    return 0


def _open_data(options: Namespace, trained: Checkpoint) -> tuple[DataSet, list[str]]:
    """Return the data set in the classes of a network, and the ids of the images to learn from."""
    from ..data import voc
    from ..data.class_map import read_class_map
    from ..data.folders import open_folders
    from ..data.splits import voc_images
    from ..evaluation.class_matching import match_classes
    from ..evaluation.evaluate import choose_images

    data: DataSet
    if options.images is None:
        data = voc_images(voc.find_root(options.voc_root), options.split or "val")
    else:
        data = open_folders(
            Path(options.images),
            Path(options.masks),
            Path(options.classes) if options.classes else trained.class_list,
            options.ignore,
            options.reduce_zero_label,
            options.split,
        )
    ids = choose_images(data, options.limit)
    given = read_class_map(Path(options.class_map)) if options.class_map else None
    data, notes = match_classes(data, ids, trained.class_list, given)
    for note in notes:
        print(f"segviz: {note}", file=sys.stderr)
    return data, ids


def _report(samples: list[GateSamples], log_weights: Any) -> list[dict[str, float]]:  # noqa: ANN401
    """Return by scale the log-likelihood of the size given, of the gate and of the best size."""
    import torch

    from ..training import gate

    count = len(samples[0].features)
    by_gate = gate.log_likelihood(samples, log_weights).view(-1, count).mean(0)
    log_p = torch.stack([each.likelihoods for each in samples]).clamp(min=1e-6).log().mean(2)
    plain = torch.stack([each.plain for each in samples])
    given = log_p.gather(2, plain[..., None])[..., 0].mean(0)
    best = log_p.amax(2).mean(0)
    return [
        {
            "scale": scale,
            "plain": given[i].item(),
            "gate": by_gate[i].item(),
            "best": best[i].item(),
        }
        for i, scale in enumerate(gate.SCALES)
    ]


def _card_text(values: dict[str, Any], gate: GateCard) -> str:
    """Return a card with a gate as JSON, each part of the gate on one line."""
    rest = {key: value for key, value in values.items() if key != "gate"}
    parts = [
        f"    {json.dumps(key)}: {json.dumps(value)}"
        for key, value in msgspec.to_builtins(gate).items()
    ]
    lines = ",\n".join(parts)
    return f'{json.dumps(rest, indent=2)[:-2]},\n  "gate": {{\n{lines}\n  }}\n}}\n'

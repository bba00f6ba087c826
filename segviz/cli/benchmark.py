"""segviz benchmark: time the parts of a run and the baselines, and measure peak memory."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..adapt.settings import Settings
from ..errors import InputError
from ..network import checkpoint
from ..runtime.device import choose_device
from ..runtime.files import check_writable, write_atomically
from ..runtime.imports import pause_garbage_collection
from ..validation import check_range
from .options import (
    DEFAULT,
    SETTINGS,
    add_engine,
    add_json,
    add_network,
    parse_numbers,
    set_threads,
)
from .output import command_line, make_folder

if TYPE_CHECKING:
    import torch

__all__ = ["add_options", "run"]

MAX_REPEATS = 10_000


def add_options(command: ArgumentParser) -> None:
    """Add the options of `segviz benchmark`."""
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
    add_engine(command)
    add_json(command)


def run(options: Namespace) -> int:
    """Time the parts of a run and the baselines, and measure peak memory."""
    check_range("--repeats", options.repeats, 1, MAX_REPEATS)
    if options.out is not None:
        check_writable(Path(options.out).absolute().parent)
    scales = parse_numbers(options.scales)
    for scale in scales:
        Settings(scale=scale)
    if options.networks and options.checkpoint:
        raise InputError(
            f"--checkpoint {options.checkpoint} cannot be combined with networks by name"
            f" ({', '.join(options.networks)}); name all of them without --checkpoint."
        )
    with pause_garbage_collection():
        from tqdm import tqdm

        from ..network.engines.encoders import prepare_engine
        from ..profiling.timing import STEPS, measure_times
        from ..profiling.workload import benchmark_photo, load_or_build
        from ..runs.provenance import environment

    set_threads(options)
    device = choose_device(options.device)
    names = options.networks or [options.checkpoint or checkpoint.DEFAULT]
    networks = {name: load_or_build(name, device) for name in names}
    photo = benchmark_photo()
    result: dict[str, Any] = {
        "command": command_line(),
        "photo": f"{photo.shape[1]} x {photo.shape[0]}",
        "steps": STEPS,
        "rounds": options.repeats,
        "complete": False,
        "networks": {},
    }
    if options.out is not None:
        make_folder(str(Path(options.out).parent))
    rounds = len(names) * len(scales) * (options.repeats + 1)
    with tqdm(total=rounds, unit="round", disable=None) as bar:
        try:
            for name, trained in networks.items():
                encoder = prepare_engine(trained.network, options.engine)
                facts = environment(trained, encoder.name, encoder.note)
                found: dict[str, Any] = {"environment": facts, "scales": []}
                result["networks"][name] = found
                for scale in scales:
                    measured = measure_times(
                        trained.network,
                        photo,
                        scale,
                        options.repeats,
                        options.baselines,
                        bar.update,
                        encoder,
                    )
                    if options.memory:
                        groups = trained.network.groups
                        measured["peak"] = _peaks(name, groups, scale, device, options.threads)
                    found["scales"].append({"scale": scale, **measured})
            result["complete"] = True
        except KeyboardInterrupt:
            pass  # what was measured so far is kept
    for found in result["networks"].values():
        found["growth"] = _growth(found["scales"])
    text = json.dumps(result)
    print(text if options.json else _text(result))
    if options.out is not None:
        write_atomically(Path(options.out), text + "\n")
    return 0 if result["complete"] else 130


def _peaks(
    name: str,
    groups: tuple[str, ...],
    scale: float,
    device: torch.device,
    threads: int | None,
) -> dict[str, int]:
    from ..profiling.peak_memory import peak_memory
    from ..profiling.timing import STEPS

    kinds = (("feedforward", 0), ("episode", STEPS))
    return {
        kind: peak_memory(
            name,
            Settings.parse("entropy", groups=groups, scale=scale, steps=steps),
            device,
            threads,
        )
        for kind, steps in kinds
    }


def _growth(scales: list[dict[str, Any]]) -> float | None:
    """Return how many times longer an episode takes at scale 4 than at 2, if both were timed."""
    times = {entry["scale"]: entry["times"]["episode"]["median"] for entry in scales}
    return times[4.0] / times[2.0] if {2.0, 4.0} <= times.keys() else None


def _text(result: dict[str, Any]) -> str:
    from ..profiling.timing import RATIOS

    lines = [
        f"{result['photo']} photo, medians of {result['rounds']} rounds; whole episodes have"
        f" {result['steps']} steps"
    ]
    for name, found in result["networks"].items():
        for entry in found["scales"]:
            lines += ["", f"{name} at {entry['scale']:g}x{'ms':>32}{'least':>12}{'most':>12}"]
            for part, ms in entry["times"].items():
                lines.append(
                    f"  {part:36}{ms['median']:12.1f}{ms['least']:12.1f}{ms['most']:12.1f}"
                )
            for ratio in RATIOS:
                if ratio in entry["ratios"]:
                    low, high = map(_ratio, entry["ratio_spreads"][ratio])
                    middle = _ratio(entry["ratios"][ratio])
                    lines.append(f"  {ratio:44}{middle}  ({low} to {high})")
            if "peak" in entry:
                low, high = (entry["peak"][kind] for kind in ("feedforward", "episode"))
                lines.append(
                    f"  memory: feedforward {low / 1e6:.0f} MB, episode {high / 1e6:.0f} MB,"
                    f" {high / low:.2f} times"
                )
        if found["growth"] is not None:
            lines.append(f"  episode at 4x / at 2x{'':23}{_ratio(found['growth'])}")
    return "\n".join(lines)


def _ratio(value: float) -> str:
    return f"{value:.2f}" if value > 0.1 else f"1/{1 / value:.1f}"

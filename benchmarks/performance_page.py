"""Write docs/performance.md from results/benchmark-engines.json.

python benchmarks/performance_page.py [--results DIR] [--out docs/performance.md]
"""
# ruff: noqa: E501 - the lines of the page are as long as those of the other docs

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GOALS = (
    ("engine episode / eager", (1.0, 1.3)),
    ("episode / eager", None),
    ("engine pyramid / eager", (0.8, None)),
    ("pyramid / eager", None),
    ("step / eager", (1 / 100, 1 / 60)),
    ("step / reading at copy bandwidth", (2.0, 2.0)),
    ("whole network, batch norms / engine episode", (100.0, None)),
)
"""The ratios at 3x, with what was aimed at for the default network and for DLA-34."""

AT_LEAST = ("whole network, batch norms / engine episode",)
"""The ratios that are to be large."""

TIMES = (
    ("eager", "eager PyTorch, features, channels last"),
    ("eager, default layout", "eager PyTorch, features, default layout"),
    ("forward", "`torch`: features and scale space"),
    ("engine forward", "`openvino`: features and scale space"),
    ("episode", "32 steps with all maps, `torch`"),
    ("engine episode", "32 steps with all maps, `openvino`"),
    ("engine pyramid", "pyramid, three sizes, `openvino`"),
    ("step", "one step"),
    ("whole norm", "Tent: 32 steps on the batch norms of the whole network"),
    ("whole", "32 steps on all parameters"),
    ("multi-scale", "six sizes, mirrored too"),
)

PAGE = """# Performance

Generated from [benchmark-engines.json](../results/benchmark-engines.json) by `python benchmarks/performance_page.py`; edit that.

**On the processor measured here, what was aimed at is not reached**: an episode costs more than a plain
forward pass, and a step several times what reading its memory does. (What was aimed at was set on a
processor with bfloat16.)

An episode is a frozen part, encoded once, and steps that read it. This page says what runs each, what it
costs, and how to measure it; what made the steps fast is in [findings.md](findings.md#cost), a GPU's times
are in [gpu.md](gpu.md#captured-steps).

## The frozen part

| engine | where | what it is |
|---|---|---|
| `torch` | everywhere; the default of `run`, `evaluate`, `tables` | norms folded into the convolutions, channels last |
| `openvino` | CPU; the app's, as soon as it is prepared | backbone, aggregation, norm and scale space, converted once for inputs of any size |

On a GPU, `torch` replays small inputs as captured graphs. A converted network lies in `~/.cache/segviz`
under a hash of its weights and architecture and of the versions of OpenVINO and PyTorch. Conversion uses
OpenVINO's PyTorch frontend, and the package that reports each import to its makers is kept from loading,
so that no connection leaves the computer. Before it is used, its output on a small input is compared with
PyTorch's; if they differ, PyTorch serves. Networks of other libraries and inputs in tiles are encoded by
PyTorch.

## What it costs

`{command}`: a photo of {photo}, {device}, {threads} threads, PyTorch {torch}; medians of {rounds} rounds in
which everything runs in turn. Ratios are medians of the rounds' own, in brackets the least and the most.
*Eager* is the forward pass up to the features by plain PyTorch with channels last.

### Ratios at 3x, and what was aimed at

{goals}

### Milliseconds

{times}

Other scales, `dla34` and the peak memory are in [findings.md](findings.md#cost), by PyTorch alone.

## Measure it

`segviz benchmark --baselines --engine openvino` times, in turn in every round, eager PyTorch in both
layouts, the frozen part, whole episodes and a pyramid by PyTorch and by the engine, the steps' parts, a
copy of the memory that a step reads, and the baselines, such as Tent on the whole network and multi-scale
with mirror images. It prints ratios of times of the same round, with the least and the most. Other
programs on the machine slow down all parts of a round, but not alike: measure on an idle one.
"""


def performance_page(result: Mapping[str, Any]) -> str:
    """Return the page in Markdown.

    Arguments:
        result: What `segviz benchmark --out` wrote, with 3x among the scales.
    """
    networks = result["networks"]
    environment = next(iter(networks.values()))["environment"]
    return PAGE.format(
        command=result["command"],
        photo=result["photo"],
        rounds=result["rounds"],
        **{key: environment[key] for key in ("device", "threads", "torch")},
        goals=_goals(networks),
        times="\n\n".join(_times(name, network) for name, network in networks.items()),
    )


def _goals(networks: Mapping[str, Any]) -> str:
    head = [cell for name in networks for cell in (_title(name), "aimed at")]
    rows = [_row(["ratio", *head]), _row(["---"] * (len(head) + 1))]
    for ratio, goals in GOALS:
        cells = []
        for place, network in enumerate(networks.values()):
            (entry,) = (entry for entry in network["scales"] if entry["scale"] == 3)
            goal = goals[min(place, 1)] if goals else None
            cells.append(_measured(entry, ratio))
            sign = "at least" if ratio in AT_LEAST else "at most"
            cells.append("" if goal is None else f"{sign} {_number(goal)}")
        if any(cells):
            rows.append(_row([ratio, *cells]))
    return "\n".join(rows)


def _measured(entry: Mapping[str, Any], ratio: str) -> str:
    if ratio not in entry["ratios"]:
        return ""
    low, high = entry["ratio_spreads"][ratio]
    return f"{_number(entry['ratios'][ratio])} ({_number(low)} to {_number(high)})"


def _times(name: str, network: Mapping[str, Any]) -> str:
    scales = network["scales"]
    head = [_title(name), *(f"{entry['scale']:g}x" for entry in scales)]
    rows = [_row(head), _row(["---"] * len(head))]
    for part, title in TIMES:
        found = [entry["times"].get(part) for entry in scales]
        if any(found):
            rows.append(_row([title, *(_ms(times) for times in found)]))
    return "\n".join(rows)


def _title(name: str) -> str:
    return f"`{name}`"


def _ms(times: Mapping[str, float] | None) -> str:
    if times is None:
        return ""
    return f"{times['median']:,.0f}" if times["median"] >= 100 else f"{times['median']:.1f}"


def _number(value: float) -> str:
    if value < 0.1:
        return f"1/{1 / value:.0f}"
    return f"{value:.2f}" if value < 10 else f"{value:.0f}"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--out", type=Path, default=Path("docs/performance.md"))
    options = parser.parse_args()
    result = json.loads((options.results / "benchmark-engines.json").read_text())
    options.out.write_text(performance_page(result))


if __name__ == "__main__":
    main()

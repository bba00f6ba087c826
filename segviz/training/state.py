"""The state of a training run on disk: weights, momentum, iteration, and what it was made with."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..errors import InputError

__all__ = ["load_state", "save_state"]


def save_state(
    path: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    facts: dict[str, str],
    iteration: int,
    seconds: float = 0.0,
) -> None:
    """Write a state; a kill while writing leaves the old one.

    Arguments:
        path: The safetensors file.
        network: Whose weights and statistics are kept.
        optimiser: SGD, whose momentum is kept.
        facts: What the run depends on; a run with other facts cannot resume.
        iteration: The number of updates made.
        seconds: The time they took.
    """
    tensors = {f"model.{k}": v.detach().cpu().contiguous() for k, v in _tensors(network)}
    for index, parameter in enumerate(_parameters(optimiser)):
        buffer = optimiser.state[parameter].get("momentum_buffer")
        if buffer is not None:
            tensors[f"momentum.{index}"] = buffer.detach().cpu().contiguous()
    partial = path.with_suffix(".partial")
    save_file(
        tensors, partial, metadata={**facts, "iteration": str(iteration), "seconds": str(seconds)}
    )
    partial.replace(path)


def load_state(
    path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, facts: dict[str, str]
) -> tuple[int, float]:
    """Read a state into network and optimiser.

    Returns:
        The number of updates made, and the seconds that they took.

    Raises:
        InputError: If the file is damaged or of a run with other facts.
    """
    try:
        with safe_open(path, "pt") as file:
            found = file.metadata() or {}
        tensors = load_file(path)
        done = int(found["iteration"]), float(found["seconds"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise InputError(
            f"the state {path} is damaged ({error!r}); train without --resume."
        ) from error
    for key, value in facts.items():
        if found.get(key, value) != value:
            raise InputError(
                f"the state in {path.parent} was made with other"
                f" {_changes(key, found[key], value)};"
                " resume with the same options or choose another --out."
            )
    for key, tensor in _tensors(network):
        tensor.data.copy_(tensors[f"model.{key}"])
    for index, parameter in enumerate(_parameters(optimiser)):
        if (buffer := tensors.get(f"momentum.{index}")) is not None:
            kept = torch.empty_like(parameter).copy_(buffer)
            optimiser.state[parameter]["momentum_buffer"] = kept
    return done


def _tensors(network: nn.Module) -> list[tuple[str, Tensor]]:
    return sorted(network.state_dict(keep_vars=True).items())


def _parameters(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def _changes(name: str, before: str, now: str) -> str:
    """What of the facts of a state differs: options by name where they are JSON."""
    if name not in ("recipe", "architecture"):
        return name
    old, new = json.loads(before), json.loads(now)
    keys = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return ", ".join(f"{key} ({old.get(key)}, now {new.get(key)})" for key in keys)

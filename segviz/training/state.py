"""Resumable state of a training run: weights, momentum, iteration and fingerprint."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ..errors import InputError

__all__ = ["Progress", "load_state", "save_state"]


@dataclass(frozen=True)
class Progress:
    """How far a training run has come.

    Arguments:
        iteration: The updates made.
        seconds: The time they took.
    """

    iteration: Annotated[int, msgspec.Meta(ge=0)]
    seconds: Annotated[float, msgspec.Meta(ge=0)]


def save_state(
    path: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    fingerprint: Mapping[str, str],
    progress: Progress,
) -> None:
    """Write the state atomically: an interrupted write leaves the previous one.

    Arguments:
        path: The safetensors file.
        model: The module whose parameters and buffers are saved.
        optimiser: The SGD optimiser whose momentum is saved.
        fingerprint: What the run depends on, by name; `load_state` compares it.
        progress: How far the run has come.
    """
    tensors = {f"model.{k}": v.detach().cpu().contiguous() for k, v in _tensors(model)}
    for index, parameter in enumerate(_parameters(optimiser)):
        buffer = optimiser.state[parameter].get("momentum_buffer")
        if buffer is not None:
            tensors[f"momentum.{index}"] = buffer.detach().cpu().contiguous()
    partial = path.with_suffix(".partial")
    metadata = {
        **fingerprint,
        "iteration": str(progress.iteration),
        "seconds": str(progress.seconds),
    }
    save_file(tensors, partial, metadata=metadata)
    partial.replace(path)


def load_state(
    path: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    fingerprint: Mapping[str, str],
) -> Progress:
    """Load a state into model and optimiser and return the progress.

    Raises:
        InputError: If the file is damaged, or belongs to a run with another fingerprint.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        tensors = load_file(path)
        progress = msgspec.convert(metadata, Progress, strict=False)
        changes = [
            _difference(name, metadata[name], value)
            for name, value in fingerprint.items()
            if metadata.get(name, value) != value
        ]
    except (SafetensorError, OSError, msgspec.MsgspecError) as error:
        raise InputError(
            f"the state {path} is damaged ({error}); train without --resume."
        ) from error
    if changes:
        raise InputError(
            f"the state in {path.parent} belongs to a run with other {changes[0]};"
            " resume with the same options or choose another --out."
        )
    for key, tensor in _tensors(model):
        tensor.data.copy_(tensors[f"model.{key}"])
    for index, parameter in enumerate(_parameters(optimiser)):
        if (buffer := tensors.get(f"momentum.{index}")) is not None:
            # In the memory format of the parameter.
            momentum = torch.empty_like(parameter).copy_(buffer)
            optimiser.state[parameter]["momentum_buffer"] = momentum
    return progress


def _tensors(model: nn.Module) -> list[tuple[str, Tensor]]:
    return sorted(model.state_dict(keep_vars=True).items())


def _parameters(optimiser: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def _difference(name: str, before: str, now: str) -> str:
    """Describe how a fingerprint entry differs, by option where it is a JSON object."""
    if not now.startswith("{"):
        return name
    old = msgspec.json.decode(before, type=dict[str, Any])
    new = msgspec.json.decode(now, type=dict[str, Any])
    keys = [key for key in sorted({*old, *new}) if old.get(key) != new.get(key)]
    return ", ".join(f"{key} ({old.get(key)}, now {new.get(key)})" for key in keys)

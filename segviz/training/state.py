"""Resumable state of a training run: weights, momentum, iteration and fingerprint."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import msgspec
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor, nn

from ..errors import InputError, guard
from ..runtime.files import check_regular, write_atomically

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
    averages: Mapping[str, Tensor] | None = None,
) -> None:
    """Write the state; a full disk or a kill leaves the previous one.

    Arguments:
        path: The safetensors file.
        model: The module whose parameters and buffers are saved.
        optimiser: The SGD optimiser whose momentum is saved.
        fingerprint: What the run depends on, by name; `load_state` compares it.
        progress: How far the run has come.
        averages: Running averages of the log, by name.

    Raises:
        InputError: If it cannot be written.
    """
    tensors = {f"model.{k}": v.detach().cpu().contiguous() for k, v in _tensors(model)}
    for index, parameter in enumerate(_parameters(optimiser)):
        buffer = optimiser.state[parameter].get("momentum_buffer")
        if buffer is not None:
            tensors[f"momentum.{index}"] = buffer.detach().cpu().contiguous()
    for name, average in (averages or {}).items():
        tensors[f"average.{name}"] = average.cpu()
    metadata = {
        **fingerprint,
        "iteration": str(progress.iteration),
        "seconds": str(progress.seconds),
    }
    write_atomically(path, save(tensors, metadata=metadata))


def load_state(
    path: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    fingerprint: Mapping[str, str],
    averages: Mapping[str, Tensor] | None = None,
) -> Progress:
    """Load a state into model, optimiser and averages, and return the progress.

    Arguments:
        path: The safetensors file.
        model: The module to load parameters and buffers into.
        optimiser: The SGD optimiser to load the momentum into.
        fingerprint: What the run depends on, by name.
        averages: Running averages of the log, by name; a state without them leaves them as they
            are.

    Raises:
        InputError: If the file is damaged, or belongs to a run with another fingerprint.
    """
    remedy = "train without --resume"
    check_regular(path, "the state", remedy)
    with guard(f"the state {path} is damaged", remedy):
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        tensors = load_file(path)
        progress = msgspec.convert(metadata, Progress, strict=False)
        changes = [
            _difference(name, metadata[name], value)
            for name, value in fingerprint.items()
            if metadata.get(name, value) != value
        ]
    if changes:
        raise InputError(
            f"the state in {path.parent} belongs to a run with other {changes[0]};"
            " resume with the same options or choose another --out."
        )
    own = dict(_tensors(model))
    wrong = [key for key in own if _shape(tensors.get(f"model.{key}")) != own[key].shape]
    if wrong or not all(bool(value.isfinite().all()) for value in tensors.values()):
        what = f"no {wrong[0]} of this network" if wrong else "values that are not finite"
        raise InputError(f"the state {path} is damaged (it has {what}); {remedy}.")
    for key, tensor in own.items():
        tensor.data.copy_(tensors[f"model.{key}"])
    for index, parameter in enumerate(_parameters(optimiser)):
        if (buffer := tensors.get(f"momentum.{index}")) is not None:
            # In the memory format of the parameter.
            momentum = torch.empty_like(parameter).copy_(buffer)
            optimiser.state[parameter]["momentum_buffer"] = momentum
    for name, average in (averages or {}).items():
        saved = tensors.get(f"average.{name}")
        if saved is not None and saved.shape == average.shape:
            average.copy_(saved)
    return progress


def _shape(tensor: Tensor | None) -> torch.Size | None:
    return None if tensor is None else tensor.shape


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

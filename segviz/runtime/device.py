"""Choose the device that tensors live on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    import torch

__all__ = ["choose_device"]


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of a name.

    Of the processes that torchrun started, each takes another GPU, as far as there are any.

    Arguments:
        name: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`; `auto` prefers a GPU.

    Raises:
        InputError: If the name is malformed, or this machine has no such device.
    """
    import torch  # takes seconds, while pages are drawn

    available = ["cpu"]
    if torch.cuda.is_available():
        available.insert(0, "cuda")
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if name == "auto":
        name = available[0]
    remedy = f"choose one of {', '.join(available)}"
    if name.partition(":")[0] not in available:
        raise InputError(f"the device {name!r} is not available on this machine; {remedy}.")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"{name!r} is not a device; {remedy}.") from error
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if device.type == "cuda" and device.index is None and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]) % count)
    if (device.index or 0) >= count:
        raise InputError(
            f"the device {name!r} is not available on this machine; choose a number from 0 to"
            f" {count - 1}."
        )
    return device

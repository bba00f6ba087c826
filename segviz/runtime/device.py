"""Where tensors live."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    import torch

__all__ = ["choose"]


def choose(name: str = "auto") -> torch.device:
    """The device of that name; `auto` is a GPU where there is one.

    Processes that torchrun started take a GPU each, as far as there are any.

    Raises:
        InputError: If this machine has no such device.
    """
    import torch  # takes seconds, and pages are drawn meanwhile

    available = ["cpu"]
    if torch.cuda.is_available():
        available.insert(0, "cuda")
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if name == "auto":
        name = available[0]
    if name.partition(":")[0] not in available:
        raise InputError(
            f"the device {name!r} is not there; this machine has {', '.join(available)}."
        )
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(f"{name!r} is not a device; choose one of {', '.join(available)}.") from (
            error
        )
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if device.type == "cuda" and device.index is None and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"]) % count)
    if (device.index or 0) >= count:
        raise InputError(
            f"the device {name!r} is not there; its kind is numbered 0 to {count - 1}."
        )
    return device

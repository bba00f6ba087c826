"""State which software, device and network a number comes from."""

import platform
from typing import Any

import torch

from ..network.checkpoint import Checkpoint
from ..version import __version__

__all__ = ["environment"]


def environment(checkpoint: Checkpoint, engine: str = "torch", note: str = "") -> dict[str, Any]:
    """Return where a number comes from, JSON-ready, for records and result files.

    Arguments:
        checkpoint: The network.
        engine: What ran its frozen part.
        note: Why it was not another engine; "" leaves it out.
    """
    device = checkpoint.network.device
    cuda = device.type == "cuda"
    return {
        "segviz": __version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "device": torch.cuda.get_device_name(device) if cuda else str(device),
        "threads": torch.get_num_threads(),
        "engine": engine,
        **({"engine_note": note} if note else {}),
        # Paths may hold bytes that are not UTF-8.
        "checkpoint": checkpoint.name.encode("utf-8", "replace").decode(),
        "sha256": checkpoint.sha256,
    }

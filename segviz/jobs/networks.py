"""The trained networks of a server: each is loaded once, by whoever needs it first.

Free of Streamlit, and of torch until a network is loaded.
"""

from __future__ import annotations

import threading
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from ..errors import InputError
from ..network import checkpoint
from ..runtime.imports import importing

if TYPE_CHECKING:
    from ..network.checkpoint import Checkpoint

__all__ = ["Networks"]

MOST = 2


class Networks:
    """Networks by name, the latest `MOST` of them kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loaded: dict[str, Checkpoint] = {}

    def ready(self, name: str) -> Checkpoint | None:
        """A network that is loaded already; does not wait for one that is not."""
        return self._loaded.get(name)

    def load(self, name: str = checkpoint.DEFAULT) -> Checkpoint:
        """A network that ships, never written to; others who ask for it meanwhile wait.

        Raises:
            InputError: If it is missing or damaged.
        """
        with self._lock:
            found = self._loaded.pop(name, None) or self._load(name)
            self._loaded[name] = found
            for old in list(self._loaded)[:-MOST]:
                del self._loaded[old]
        return found

    def warm_up(self) -> None:
        """Load the default network in a thread, and what its first pictures need."""
        threading.Thread(target=self._warm_up, name="segviz warm-up", daemon=True).start()

    def _warm_up(self) -> None:
        from ..pictures import maps

        with suppress(InputError):  # whoever needs it is told
            self.load()
        maps.colour_table("entropy")

    def _load(self, name: str) -> Checkpoint:
        from ..runtime import device

        # The first time, torch is imported too.
        with nullcontext() if self._loaded else importing():
            return checkpoint.load(name, device.choose())

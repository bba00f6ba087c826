"""Import large packages faster."""

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["hidden_module", "pause_garbage_collection"]


@contextmanager
def pause_garbage_collection() -> Iterator[None]:
    """Pause garbage collection, and exempt what exists at the end from later collections.

    Modules are never freed. Scanning them again and again takes a quarter of the time to import
    torch and timm; scanning them later would stop all threads for 0.3 s each time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        atexit.register(gc.unfreeze)
        if enabled:
            gc.enable()


@contextmanager
def hidden_module(name: str) -> Iterator[None]:
    """Let imports inside the block find no module of a name, as if it were not installed."""
    found = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]
        if found is not None:
            sys.modules[name] = found

"""Import large packages faster."""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["pause_garbage_collection"]


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

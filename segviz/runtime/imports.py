"""Imports of what is large."""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["importing"]


@contextmanager
def importing() -> Iterator[None]:
    """No garbage collection within, and none after of what is there by then.

    What modules are made of stays for good. To look at it again and again while torch and timm are
    imported takes a quarter of the time; later, all threads would stand still for 0.3 s each time.
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

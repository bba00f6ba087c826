"""A full disk, as far as a process can be shown one."""

import resource
from contextlib import contextmanager


@contextmanager
def full_disk(room=100):
    """Let files grow to `room` bytes at most, within the block; what is larger stays."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

"""Code arrays as chunks of bytes, each once."""

import hashlib
import zlib
from collections.abc import Callable

import numpy as np

from ..pictures import maps

__all__ = ["KEY_EVERY", "ChunkBuffer", "Encoder"]

KEY_EVERY = 16
"""Every so many steps, a step is coded by itself: the browser may begin to decode there."""

Place = tuple[int, int]
"""Offset and length of a chunk."""


class Encoder:
    """Code arrays; what the last payload used is cached, so a run that grows codes only new steps.

    Arguments:
        compress: Deflates bytes at a level 0..9.
    """

    def __init__(self, compress: Callable[[bytes, int], bytes] = zlib.compress) -> None:
        self._compress = compress
        self._previous: dict[bytes, bytes] = {}
        self._current: dict[bytes, bytes] = {}

    def begin(self) -> None:
        """Begin a payload: chunks that the last one did not use are evicted."""
        self._previous, self._current = self._current, {}

    @property
    def cached(self) -> frozenset[bytes]:
        """The chunks that the current payload uses."""
        return frozenset(self._current.values())

    def deflate(self, values: np.ndarray) -> bytes:
        """Return the bytes of an array, deflated."""
        return self._cached(lambda: self._compress(values.tobytes(), 6), values)

    def deflate_steps(self, blocks: np.ndarray) -> list[bytes]:
        """Return a chunk for every step.

        Arguments:
            blocks: The bytes of every step, shape (T + 1, n), uint8.

        Returns:
            Deflated differences modulo 256 from the step before; every `KEY_EVERY` steps, the
            deflated bytes themselves.
        """
        return [
            self._difference(block, blocks[step - 1]) if step % KEY_EVERY else self.deflate(block)
            for step, block in enumerate(blocks)
        ]

    def png(self, picture: np.ndarray) -> bytes:
        """Return a picture (H, W, 3) uint8 as PNG."""
        return self._cached(lambda: maps.png(picture), picture)

    def _difference(self, values: np.ndarray, before: np.ndarray) -> bytes:
        return self._cached(lambda: self._compress((values - before).tobytes(), 6), values, before)

    def _cached(self, make: Callable[[], bytes], *arrays: np.ndarray) -> bytes:
        digest = hashlib.blake2b(digest_size=20)
        for array in arrays:
            digest.update(f"{array.shape}{array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).data)
        key = digest.digest()
        found = self._current.get(key) or self._previous.get(key)
        self._current[key] = make() if found is None else found
        return self._current[key]


class ChunkBuffer:
    """Chunks one after the other; equal chunks are stored once."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._length = 0
        self._places: dict[bytes, Place] = {}

    def add(self, chunk: bytes) -> Place:
        """Append a chunk and return its offset and length."""
        if chunk not in self._places:
            self._places[chunk] = (self._length, len(chunk))
            self._chunks.append(chunk)
            self._length += len(chunk)
        return self._places[chunk]

    def add_all(self, chunks: list[bytes]) -> list[Place]:
        """Append chunks and return their places."""
        return [self.add(chunk) for chunk in chunks]

    def bytes(self) -> bytes:
        """Return all chunks."""
        return b"".join(self._chunks)

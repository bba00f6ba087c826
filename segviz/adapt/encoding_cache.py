"""A cache of encoded views, shared by all runs of a server and bounded in bytes."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .photo_views import EncodedView

__all__ = ["EncodingCache"]


class EncodingCache:
    """Encoded views by what they are of; the least recently used are evicted.

    Views are shared, not copied: nobody writes to their tensors. Threads may share a cache.

    Arguments:
        limit: The bytes of all views together. A larger view is not kept.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._views: dict[Hashable, tuple[EncodedView, int]] = {}

    @property
    def bytes(self) -> int:
        """The bytes of all views."""
        with self._lock:
            return self._bytes()

    def find(self, key: Hashable) -> EncodedView | None:
        """Return a view, which is now the most recently used; None if there is none."""
        with self._lock:
            found = self._views.pop(key, None)
            if found is None:
                return None
            self._views[key] = found
            return found[0]

    def add(self, key: Hashable, view: EncodedView) -> None:
        """Keep a view, and evict others if there are too many."""
        size = tensor_bytes(view)
        with self._lock:
            self._views.pop(key, None)
            if size <= self.limit:
                self._views[key] = view, size
            while self._bytes() > self.limit:
                del self._views[next(iter(self._views))]

    def clear(self) -> None:
        """Let go of all views, such as for a run that needs their memory."""
        with self._lock:
            self._views.clear()

    def _bytes(self) -> int:
        return sum(size for _, size in self._views.values())


def tensor_bytes(value: Any) -> int:  # noqa: ANN401
    """Return the bytes of the tensors in nested tuples, lists, mappings and dataclasses."""
    if hasattr(value, "element_size"):
        return int(value.nelement() * value.element_size())
    if dataclasses.is_dataclass(value):
        value = vars(value)
    if isinstance(value, Mapping):
        return tensor_bytes(list(value.values()))
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return sum(map(tensor_bytes, value))
    return 0

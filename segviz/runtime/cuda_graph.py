"""CUDA graphs and streams: replay a function without launching its kernels one by one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

__all__ = ["SWITCH", "StreamPool", "are_graphs_enabled", "capture", "stream_pool"]

SWITCH = "SEGVIZ_CUDA_GRAPHS"
"""The environment variable that turns captured graphs off with the value 0."""

Result = TypeVar("Result")

_failed: list[torch.cuda.CUDAGraph] = []
"""Graphs whose capture failed: the allocator goes on to refer to them."""


def are_graphs_enabled() -> bool:
    """Return whether steps on a GPU may be captured."""
    return os.environ.get(SWITCH, "1") != "0"


def capture(
    function: Callable[[], Result], stream: torch.cuda.Stream
) -> tuple[torch.cuda.CUDAGraph, Result]:
    """Record the kernels of a function as a graph, without running them.

    Unlike `torch.cuda.graph`, it neither collects garbage nor empties the cache of the allocator,
    which take longer than an episode, and other threads may allocate memory meanwhile.

    Arguments:
        function: Reads and writes GPU tensors at addresses that stay the same. It must not wait for
            the GPU, and must have run on this stream before, so that libraries are set up.
        stream: The stream to capture on, used by no other thread.

    Returns:
        The graph, and what the function returned: tensors that each replay fills anew.

    Raises:
        RuntimeError: If the function cannot be captured.

    Source:
        https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
    """
    import torch

    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(stream):
        graph.capture_begin(capture_error_mode="thread_local")
        try:
            result = function()
            graph.capture_end()
        except BaseException:
            with suppress(RuntimeError):  # the first error says more
                graph.capture_end()
            _failed.append(graph)
            raise
    return graph, result


class StreamPool:
    """Streams of one device that threads use in turn: each has workspaces of its own.

    Arguments:
        device: A CUDA device.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._free: list[torch.cuda.Stream] = []
        self._lock = threading.Lock()

    @contextmanager
    def lease(self) -> Iterator[torch.cuda.Stream]:
        """Provide a stream that follows the current one, which follows it in turn afterwards."""
        import torch

        with self._lock:
            stream = self._free.pop() if self._free else torch.cuda.Stream(self.device)
        outer = torch.cuda.current_stream(self.device)
        stream.wait_stream(outer)
        try:
            yield stream
        finally:
            outer.wait_stream(stream)
            with self._lock:
                self._free.append(stream)


@cache
def stream_pool(device: torch.device) -> StreamPool:
    """Return the streams of a device, the same for the whole process."""
    return StreamPool(device)

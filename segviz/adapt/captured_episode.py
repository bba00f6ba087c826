"""Run an episode on a GPU as one captured graph, whose maps are copied while the next step runs."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ..runtime.cuda_graph import are_graphs_enabled, capture, stream_pool
from .device_step import DeviceStep, QuantisedStep, runs_on_device
from .photo_views import PhotoViews
from .settings import Settings

__all__ = ["captured_episode", "is_captured"]

WARM_UP = 2  # eager steps before the capture, in which libraries choose their kernels
IN_FLIGHT = 3  # steps that the device may be ahead of the host

logger = logging.getLogger(__name__)


def is_captured(views: PhotoViews, settings: Settings) -> bool:
    """Return whether an episode runs by `captured_episode`: on a GPU, and if it can."""
    on_gpu = views.network.device.type == "cuda"
    return on_gpu and are_graphs_enabled() and runs_on_device(views, settings)


def captured_episode(views: PhotoViews, settings: Settings) -> Iterator[QuantisedStep]:
    """Yield the steps of an episode, as `run_episode` does.

    On a GPU, the host waits only for the copy of a step that it yields, while later steps run. On
    a CPU the same steps run one after the other. Closing the generator early is safe; what it
    yielded stays valid.

    Arguments:
        views: The views of the photo.
        settings: Settings that `runs_on_device` accepts.
    """
    step = DeviceStep(views, settings)
    if views.network.device.type != "cuda":
        start = time.perf_counter()
        for index in range(settings.steps + 1):
            packed = step().numpy()
            ms = 1e3 * (time.perf_counter() - start)
            yield step.step(index, packed, ms)
            start = time.perf_counter()
        return
    with stream_pool(views.network.device).lease() as stream:
        copies = HostCopies(stream)
        replayed = ReplayedFunction(step, stream)
        try:
            for index in range(settings.steps + 1):
                copies.put(replayed())
                if index >= IN_FLIGHT - 1:
                    yield step.step(index - IN_FLIGHT + 1, *copies.take())
            for index in range(max(0, settings.steps + 2 - IN_FLIGHT), settings.steps + 1):
                yield step.step(index, *copies.take())
        finally:
            copies.finish()  # their memory and that of the graph are about to be freed
            replayed.release()


class ReplayedFunction:
    """A function of GPU tensors that is captured after its first calls; if it cannot be, it runs.

    Arguments:
        function: Returns a tensor, without waiting for the GPU.
        stream: The stream to run it on, used by no other thread.
    """

    def __init__(self, function: Callable[[], Tensor], stream: torch.cuda.Stream) -> None:
        self.function = function
        self.stream = stream
        self.calls = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.output: Tensor | None = None

    def __call__(self) -> Tensor:
        """Run the function once; what it returns is valid until the next call."""
        self.calls += 1
        if self.calls == WARM_UP + 1:
            self._capture()
        with torch.cuda.stream(self.stream):
            if self.graph is None or self.output is None:
                return self.function()
            self.graph.replay()
            return self.output

    def release(self) -> None:
        """Free the memory of the graph, once it has run."""
        self.output = None
        if self.graph is not None:
            self.graph.reset()
            self.graph = None

    def _capture(self) -> None:
        try:
            self.graph, self.output = capture(self.function, self.stream)
        except RuntimeError as error:
            _warn(str(error).partition("\n")[0])


@cache  # once for each reason
def _warn(reason: str) -> None:
    logger.warning("the steps could not be captured, so their kernels run singly: %s", reason)


class HostCopies:
    """Copies of vectors of one size to the host, in order, while the stream goes on.

    Arguments:
        stream: The stream that makes the vectors.
    """

    def __init__(self, stream: torch.cuda.Stream) -> None:
        self.stream = stream
        self.copying = torch.cuda.Stream(stream.device)
        self.waiting: deque[CopySlot] = deque()
        self.free: list[CopySlot] = []
        self.last = torch.cuda.Event(enable_timing=True)
        self.last.record(stream)

    def put(self, values: Tensor) -> None:
        """Start to copy what the stream has just made, which may be overwritten after that."""
        with torch.cuda.stream(self.stream):
            slot = self.free.pop() if self.free else CopySlot(values)
            slot.device.copy_(values)
            slot.made.record(self.stream)
        with torch.cuda.stream(self.copying):
            self.copying.wait_event(slot.made)
            slot.host.copy_(slot.device, non_blocking=True)
            slot.copied.record(self.copying)
        self.waiting.append(slot)

    def take(self) -> tuple[np.ndarray, float]:
        """Wait for the oldest copy; return it, and the milliseconds since the one before."""
        slot = self.waiting.popleft()
        slot.copied.synchronize()
        values = slot.host.numpy().copy()
        ms = self.last.elapsed_time(slot.made)
        # Swapped, since the slot's own event is recorded anew when the slot is used again.
        self.last, slot.made = slot.made, self.last
        self.free.append(slot)
        return values, ms

    def finish(self) -> None:
        """Wait until the device has made and copied all vectors."""
        self.stream.synchronize()
        self.copying.synchronize()


class CopySlot:
    """Room for one vector on its way: on the device, and in pinned memory of the host."""

    def __init__(self, values: Tensor) -> None:
        self.device = torch.empty_like(values)
        self.host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        self.made = torch.cuda.Event(enable_timing=True)
        self.copied = torch.cuda.Event()

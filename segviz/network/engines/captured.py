"""Encode small inputs on a GPU by replaying a captured graph of the frozen part."""

import logging
import threading
from collections import OrderedDict
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from ...runtime.cuda_graph import are_graphs_enabled, capture
from ..dynamic import Encoding, Segmenter
from ..interface import Network

__all__ = ["MAX_PIXELS", "CapturedEncoder", "captured_encode"]

MAX_PIXELS = 600_000
"""The largest input to capture: larger ones take a GPU longer than their kernels to launch."""

USES = 2  # encoded so often kernel by kernel, a size is captured
SIZES = 4  # captured sizes that are kept, each with the memory of a forward pass

logger = logging.getLogger(__name__)


class CapturedForward(NamedTuple):
    """A captured forward pass of one input size."""

    graph: torch.cuda.CUDAGraph
    x: Tensor
    encoding: Encoding


class CapturedEncoder:
    """`Segmenter.encode` of inputs on a GPU; sizes that come again are captured.

    Arguments:
        network: A frozen network on a CUDA device.
    """

    def __init__(self, network: Segmenter) -> None:
        self.stream = torch.cuda.Stream(network.device)
        self.forwards: OrderedDict[torch.Size, CapturedForward] = OrderedDict()
        self.uses: dict[torch.Size, int] = {}
        self.fails = False
        self._lock = threading.Lock()

    @torch.no_grad()
    def encode(self, network: Segmenter, x: Tensor) -> Encoding:
        """Return the encoding of an input (1, 3, H, W), in memory of its own."""
        outer = torch.cuda.current_stream(x.device)
        with self._lock:
            forward = self._forward(network, x)
            if forward is None:
                return network.encode(x)
            self.stream.wait_stream(outer)
            with torch.cuda.stream(self.stream):
                forward.x.copy_(x, non_blocking=True)
                forward.graph.replay()
                encoding = Encoding(*(values.clone() for values in forward.encoding))
        outer.wait_stream(self.stream)
        x.record_stream(self.stream)
        for values in encoding:
            values.record_stream(outer)
        return encoding

    def _forward(self, network: Segmenter, x: Tensor) -> CapturedForward | None:
        """Return the captured pass of an input's size; None as long as there is none."""
        size = x.shape
        if size in self.forwards:
            self.forwards.move_to_end(size)
            return self.forwards[size]
        self.uses[size] = self.uses.get(size, 0) + 1
        if self.fails or self.uses[size] <= USES:
            return None
        try:
            self.forwards[size] = self._capture(network, x)
        except RuntimeError as error:
            self.fails = True
            reason = str(error).partition("\n")[0]
            logger.warning("the forward pass could not be captured: %s", reason)
            return None
        if len(self.forwards) > SIZES:
            self.forwards.popitem(last=False)
        return self.forwards[size]

    def _capture(self, network: Segmenter, x: Tensor) -> CapturedForward:
        x = x.clone()
        self.stream.wait_stream(torch.cuda.current_stream(x.device))
        with torch.cuda.stream(self.stream):
            network.encode(x)  # sets up the libraries on this stream
        graph, encoding = capture(lambda: network.encode(x), self.stream)
        return CapturedForward(graph, x, encoding)


_encoders: "WeakKeyDictionary[Segmenter, CapturedEncoder]" = WeakKeyDictionary()
_lock = threading.Lock()


def captured_encode(network: Network, x: Tensor) -> Any:  # noqa: ANN401
    """Return what `network.encode` returns, by a captured graph where that is faster.

    Arguments:
        network: The network, in eval mode.
        x: Normalised input, shape (1, 3, H, W).
    """
    small = x.is_cuda and x.shape[-2] * x.shape[-1] <= MAX_PIXELS
    plain = torch.is_autocast_enabled("cuda") or not are_graphs_enabled()
    if not small or plain or not isinstance(network, Segmenter) or not network.frozen:
        return network.encode(x)
    with _lock:
        encoder = _encoders.get(network)
        if encoder is None:
            encoder = _encoders[network] = CapturedEncoder(network)
    return encoder.encode(network, x)

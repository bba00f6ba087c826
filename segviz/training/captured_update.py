"""Replay forward and backward pass as one CUDA graph, without launching kernels one by one."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

__all__ = ["CapturedUpdate"]

WARM_UP = 3  # eager calls before the capture, in which libraries choose their kernels


class CapturedUpdate:
    """A function of tensors on a GPU that is captured at its fourth call and replayed from then on.

    Every call runs the function once. What it computes stays in the same memory; all it reads
    besides its arguments is read where it was at the capture.

    Arguments:
        function: Takes tensors whose shapes and types never change, and returns a tensor. It must
            not wait for the GPU.

    Source:
        https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.function = function
        self.calls = 0
        self.stream = torch.cuda.Stream()
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: Sequence[Tensor] = ()
        self.output: Tensor | None = None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Return what the function returns; valid until the next call."""
        if self.calls < WARM_UP:
            self.calls += 1
            return self._run_aside(inputs)
        if self.graph is None:
            self.inputs = [value.clone() for value in inputs]
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph):
                self.output = self.function(*self.inputs)
        for held, value in zip(self.inputs, inputs, strict=True):
            held.copy_(value, non_blocking=True)
        self.graph.replay()
        assert self.output is not None
        return self.output

    def _run_aside(self, inputs: Sequence[Tensor]) -> Tensor:
        """Run the function on another stream, as a capture will."""
        self.stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.stream):
            result = self.function(*inputs)
        torch.cuda.current_stream().wait_stream(self.stream)
        return result

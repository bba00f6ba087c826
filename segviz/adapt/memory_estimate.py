"""How much memory a run takes, known before it starts."""

import copy
import weakref
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor, nn

from ..network.dynamic import Encoding, Segmenter
from ..network.grid import largest, resize_photo
from . import objectives, parameters
from .episode import Prepared, optimise
from .meta_memory import Live
from .pixelwise import Differentiable
from .settings import Settings

__all__ = ["BASE", "Estimate", "estimate"]

OVERHEAD = 1.2
"""What a count is multiplied with for scratch space of the kernels and gaps between blocks."""

BASE = 64_000_000
"""Bytes added for compiled kernels and what else does not grow with the photo."""


@dataclass(frozen=True)
class Estimate:
    """The memory that a run takes, in bytes, beside the network itself.

    Arguments:
        forward: The peak of the frozen forward pass.
        kept: What stays of it for the steps: input, features and scale space.
        steps: The peak of the steps, what stays included.
        record: The maps of all steps; in the machine's memory also where the rest is on a GPU.
    """

    forward: int
    kept: int
    steps: int
    record: int

    @property
    def total(self) -> int:
        """The peak of all of it: the record fills during the steps."""
        return max(self.forward, self.steps + self.record)


def estimate(
    network: Segmenter, height: int, width: int, settings: Settings, truth: bool = True
) -> Estimate | None:
    """What a run of a photo will take.

    Forward pass and steps are followed on torch's meta device, where tensors have sizes but no
    contents: nothing is computed, and the tensors alive are counted at every operation. Where it
    depends on values how much there is to do, as for the pixels of S, it is taken to be all.

    Arguments:
        network: The network, in eval mode.
        height: Of the photo, in pixels.
        width: Of the photo, in pixels.
        settings: The run's settings.
        truth: Whether the photo has labels; else there is a forward pass at scale 1, too.

    Returns:
        None if network or objective cannot be followed without values.
    """
    s = settings
    key = replace(s, steps=min(s.steps, 1), learning_rate=1e-3, tolerance=0.0)
    reference = weakref.ref(network)  # a cache must keep no network
    try:
        forward, kept, steps = _followed(reference, height, width, key)
        if not truth and s.scale < 1:
            feedforward = _followed(reference, height, width, Settings(scale=1.0, steps=0))
            forward = max(forward, feedforward[0], feedforward[2])
    except Exception:  # somebody's own objective may do anything with numbers that are not there
        return None
    grid, classes = network.grid, network.architecture.classes
    sides = [max(1, round(s.scale * length)) for length in (height, width)]
    pixels = grid.valid(sides[0]) * grid.valid(sides[1])
    # Labels; entropy, sigma, S and the classes' log-probabilities, a byte each.
    record = (s.steps + 1) * (height * width + (3 + classes) * pixels) + 4 * height * width
    forward, kept, steps = (round(OVERHEAD * size) + BASE for size in (forward, kept, steps))
    return Estimate(forward, kept, steps, record)


@lru_cache(maxsize=1024)  # one for each size of a data set and scale
def _followed(
    reference: "weakref.ref[Segmenter]", height: int, width: int, settings: Settings
) -> tuple[int, int, int]:
    """Bytes at the peak of the forward pass, after it, and at the peak of the steps."""
    half = settings.precision == "bfloat16"
    network, encoder = _shape(reference, False), _shape(reference, half)
    meta = torch.device("meta")
    live = Live()
    with live, torch.no_grad():
        photo = torch.empty(3, height, width, dtype=torch.uint8, device=meta)
        x = network.normalise(resize_photo(photo, settings.scale)[None])
        x = x.contiguous(memory_format=torch.channels_last)
        passed = encoder.encode(x.bfloat16() if half else x)
        encoding = Encoding(*(part.float() for part in passed))
        del photo, passed
        rows, columns = torch.empty(height, device=meta), torch.empty(width, device=meta)
        target = torch.empty(len(encoding.R), dtype=torch.int64, device=meta)
    forward, kept, live.peak = live.peak, live.now, 0
    prepared = Prepared(x, encoding, rows, columns, target, 0.0, {})
    with live:
        if settings.variables == "all" and settings.steps:
            _step_end_to_end(network, prepared, settings)
            # Adam's two moments, and the gradients of the step before.
            live.peak += 3 * sum(4 * one.numel() for one in network.parameters())
        else:
            for state in optimise(network, prepared, settings):
                largest(state.logits, rows, columns)
                # What the codes of the log-probabilities are made through, and they.
                torch.empty(5, *state.logits.shape, dtype=torch.uint8, device=meta)
    return forward, kept, live.peak


def _step_end_to_end(network: Segmenter, prepared: Prepared, settings: Settings) -> None:
    """Prediction and gradient, without the update: hundreds of parameters take their time."""
    adapted = parameters.EndToEnd(network, prepared.x)
    pixels = Differentiable(adapted.predict().logits.flatten(1).T, prepared.target)
    loss = objectives.find(settings.objective).loss(pixels)
    adapted.backward(pixels.gradient(loss))


@lru_cache(maxsize=8)
def _shape(reference: "weakref.ref[Segmenter]", half: bool) -> Segmenter:
    """A network with the sizes of another and no contents."""
    network = reference()
    assert network is not None, "the network has gone"
    memo: dict[int, object] = {}

    def empty(value: Tensor) -> Tensor:
        floating = half and value.is_floating_point()
        return value.detach().to("meta", torch.bfloat16 if floating else value.dtype)

    for part in (network, *network._frozen):
        for parameter in part.parameters():
            memo[id(parameter)] = nn.Parameter(empty(parameter), requires_grad=False)
        for buffer in part.buffers():
            memo[id(buffer)] = empty(buffer)
    return copy.deepcopy(network, memo)

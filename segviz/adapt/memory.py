"""Estimate the memory of a run, and refuse runs that do not fit.

The network and the first step are traced on torch's meta device, where tensors have sizes but no
contents: nothing is computed, and the bytes of the tensors alive are counted at every operation.
Where the amount of work depends on values, as for the pixels of S, it is taken to be all of it.
"""

import copy
import math
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..errors import InputError
from ..network.interface import Network
from ..network.resampling import resampled_argmax, resize_photo
from ..network.tiled import TiledNetwork
from ..runtime.free_memory import available_bytes, format_bytes
from .method import END_TO_END, default_variables
from .objectives import OBJECTIVES
from .optimisation import optimise
from .photo_views import Axis, EncodedView, PhotoViews, Reference
from .settings import LIMITS, Settings
from .views import VIEWS, views_of

__all__ = ["BASE", "MAX_INPUT", "MemoryBudget", "MemoryEstimate", "MemoryNeed", "most_demanding"]

MAX_INPUT = 9_000_000
"""The largest network input, in pixels, where need or free memory are unknown."""

TILES = (2048, 1024, 512)
"""The sides of tiles that are tried where the whole input does not fit, in pixels."""

MAX_TILES = 64
"""The most tiles that an input is cut into without being asked: every tile has its own estimate."""

OVERHEAD = 1.2
"""Factor on a count, for scratch space of the kernels and gaps between blocks."""

BASE = 64_000_000
"""Bytes added for compiled kernels and whatever else does not grow with the photo."""


Free = tuple[int | None, ...]


class MemoryEstimate(NamedTuple):
    """The memory that a run takes, in bytes, beside the network itself."""

    forward: int  # the peak of the frozen forward pass
    encoding: int  # what stays of it during the steps: input, features and scale space
    steps: int  # the peak of the steps, the encoding included
    record: int  # the maps of all steps; in host memory also where the rest is on a GPU

    @property
    def total(self) -> int:
        """The peak of the whole run: the record fills during the steps."""
        return max(self.forward, self.steps + self.record)


class MemoryNeed(NamedTuple):
    """What a run takes of one memory, and what is free there, in bytes; None = unknown."""

    bytes: int | None
    free: int | None

    @property
    def lacks(self) -> bool:
        """Whether the run is known not to fit."""
        return self.bytes is not None and self.free is not None and self.bytes > self.free


@dataclass(frozen=True)
class MemoryBudget:
    """Compare what runs on one photo take with the memory that is free.

    Arguments:
        network: The network, in eval mode.
        height: Height of the photo, in pixels.
        width: Width of the photo, in pixels.
        truth: Whether the photo has labels; without, there is a forward pass at scale 1, too.
        encoded: Whether the forward pass has been made.
        recorded: Whether a record is kept.
    """

    network: Network
    height: int
    width: int
    truth: bool = True
    encoded: bool = False
    recorded: bool = True

    def estimate(self, settings: Settings) -> MemoryEstimate | None:
        """Return the estimate of a run; None if network or objective cannot be traced."""
        s, size = settings, (self.height, self.width)
        # A rule takes no less memory than a gate, and needs no training.
        method = s.method.replace(":gate", ":rule")
        key = replace(
            s, method=method, steps=min(s.steps, 1), learning_rate=1e-3, tolerance=0.0, stop=""
        )
        reference = weakref.ref(self.network)  # a cache must keep no network alive
        try:
            forward, encoding, steps, pixels = _trace(reference, *size, key)
            if not self.truth and s.scale < 1:
                feedforward = _trace(reference, *size, Settings(scale=1.0, steps=0, tile=s.tile))
                forward = max(forward, feedforward[0], feedforward[2])
        except Exception:  # an objective of the user's may do anything with values that are absent
            return None
        forward, encoding, steps = (
            round(OVERHEAD * count) + BASE for count in (forward, encoding, steps)
        )
        if self.encoded:
            forward, steps = 0, steps - encoding
        # Labels; entropy, sigma, S, sizes and the log-probabilities of the classes: a byte each.
        count = 3 + bool(s.info.combination) + self.network.classes
        maps = (s.last_step + 1) * (math.prod(size) + count * pixels)
        record = maps + 4 * math.prod(size) if self.recorded else 0
        return MemoryEstimate(forward, encoding, steps, record)

    def needs(self, settings: Settings, free: Free | None = None) -> tuple[MemoryNeed, ...]:
        """Return the need on the network's device and, if that is a GPU, on the host.

        Arguments:
            settings: The settings of the run.
            free: The bytes free in each of them; None = as measured now.
        """
        free = free or self._free()
        found = self.estimate(settings)
        if found is None:
            return tuple(MemoryNeed(None, count) for count in free)
        if len(free) == 1:
            return (MemoryNeed(found.total, free[0]),)
        on_gpu = max(found.forward, found.steps)
        return MemoryNeed(on_gpu, free[0]), MemoryNeed(found.record, free[1])

    def in_tiles(self, settings: Settings) -> Settings:
        """Return settings with the largest tiles that fit, where whole inputs are known not to.

        They are returned as they are if they say tiles, or none of `TILES` fits either, or it would
        take more than `MAX_TILES`.
        """
        free = self._free()
        if settings.tile or not self._lacks(settings, free):
            return settings
        cut = (replace(settings, tile=tile) for tile in self._few_tiles(settings))
        return next((each for each in cut if not self._lacks(each, free)), settings)

    def check(self, settings: Settings) -> None:
        """Refuse a run that does not fit.

        Raises:
            InputError: With what is needed, what is free, and what would fit; or if one of these
                is unknown, and the input has more than `MAX_INPUT` pixels.
        """
        free = self._free()
        for need in self.needs(settings, free):
            if need.bytes is None or need.free is None:
                self._check_input(settings)
            elif need.lacks:
                raise InputError(
                    f"{self._describe(settings)} needs about {format_bytes(need.bytes)} of memory,"
                    f" but {format_bytes(need.free, up=False)} are free;"
                    f" {self._remedies(settings, free)}."
                )

    @contextmanager
    def guard(self, settings: Settings) -> Iterator[None]:
        """Turn running out of memory inside the block into a refusal.

        Raises:
            InputError: If the memory runs out.
        """
        try:
            yield
        except (MemoryError, RuntimeError) as error:
            exhausted = isinstance(error, MemoryError | torch.OutOfMemoryError)
            if not exhausted and "can't allocate memory" not in str(error):
                raise
            raise InputError(
                f"{self._describe(settings)} needs more memory than is free; choose a smaller scale"
                " or fewer steps, or close other programs."
            ) from error

    def _few_tiles(self, settings: Settings) -> list[int]:
        """Return the sides in `TILES` that cut the input into at most about `MAX_TILES`."""
        area = settings.scale**2 * self.height * self.width
        return [side for side in TILES if area / side**2 <= MAX_TILES]

    def _lacks(self, settings: Settings, free: Free) -> bool:
        """Return whether settings are known not to fit."""
        return any(need.lacks for need in self.needs(settings, free))

    def _input_pixels(self, settings: Settings) -> float:
        """Return the pixels of the largest input that the network gets."""
        sides = (settings.scale * self.height, settings.scale * self.width)
        return math.prod(min(side, settings.tile or side) for side in sides)

    def _check_input(self, settings: Settings) -> None:
        pixels = self._input_pixels(settings)
        if pixels > MAX_INPUT:
            most = math.floor(100 * (MAX_INPUT / (self.height * self.width)) ** 0.5) / 100
            raise InputError(
                f"{self._describe(settings)} has {pixels / 1e6:.1f} million pixels, but without an"
                f" estimate of the memory the limit is {MAX_INPUT / 1e6:.0f} million; choose a"
                f" scale up to {most:g}, tiles of {TILES[-1]} pixels or a smaller photo."
            )

    def _describe(self, settings: Settings) -> str:
        return f"a {self.width} x {self.height} photo at scale {settings.scale:g}"

    def _free(self) -> Free:
        device = self.network.device
        devices = (device, "cpu") if device.type == "cuda" else ("cpu",)
        return tuple(available_bytes(device) for device in devices)

    def _remedies(self, settings: Settings, free: Free) -> str:
        """Return the changes of the settings that suffice, each by itself."""
        s, found = settings, []

        def fits(**changes: Any) -> bool:  # noqa: ANN401
            return not self._lacks(replace(s, **changes), free)

        hundredths = range(math.ceil(100 * LIMITS["scale"][0]), math.ceil(100 * s.scale))
        scale = _last(hundredths, lambda n: fits(scale=n / 100))
        if scale is not None:
            found.append(f"a scale up to {scale / 100:g}")
        steps = _last(range(1, s.steps), lambda n: fits(steps=n))
        if steps is not None:
            found.append(f"at most {steps} step{'s' if steps > 1 else ''}")
        lighter = default_variables(s.method, self.network.groups)
        heavy = s.variables in END_TO_END
        if heavy and lighter not in END_TO_END and fits(variables=lighter, alpha=None):
            found.append(f"other variables than {s.variables}")
        tiles = () if s.tile else self._few_tiles(s)
        tile = next((tile for tile in tiles if fits(tile=tile)), None)
        if tile is not None:
            found.append(f"tiles of {tile} pixels (--tile {tile})")
        # Evaluations, which keep no record, have no such option.
        if self.recorded and s.precision != "bfloat16" and fits(precision="bfloat16"):
            found.append("--precision bfloat16 on the command line")
        return (f"choose {', '.join(found)}, or " if found else "") + "close other programs"


def most_demanding(settings: Iterable[Settings]) -> Settings:
    """Return the settings, of one scale and precision, of the run that takes the most memory."""

    def weight(s: Settings) -> tuple[bool, int, int, bool, bool, int]:
        adapts = s.steps > 0
        two_scales = adapts and s.objective is not None and OBJECTIVES[s.objective].two_scales
        end_to_end = adapts and s.variables in END_TO_END
        count = len(VIEWS[s.info.views])
        return end_to_end, count if end_to_end else 0, s.joins, adapts, two_scales, s.steps

    return max(settings, key=weight)


def _last(numbers: Sequence[int], holds: Callable[[int], bool]) -> int | None:
    """Return the last of ascending numbers where `holds`, true up to some number, is true."""
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if holds(numbers[middle]) else (low, middle)
    return numbers[low - 1] if low else None


@lru_cache(maxsize=1024)  # an entry for each photo size and scale of a data set
def _trace(
    reference: "weakref.ref[Network]", height: int, width: int, settings: Settings
) -> tuple[int, int, int, int]:
    """Return the bytes at the peak of the forward passes, after them, at the peak of the steps.

    The last number is that of the pixels of a map.
    """
    half = settings.precision == "bfloat16"
    network, encoder = (
        _in_meta_tiles(_without_contents(reference, dtype), settings.tile)
        for dtype in (False, half)
    )
    views = MetaViews(network, encoder if half else network, height, width)
    factors = views_of(settings.info.views, settings.scale * max(height, width))
    pixels = 0
    with TensorCounter() as counter:
        for view in factors:
            scale = settings.scale * view.factor
            views.predicted(scale, view.mirrored, keep=bool(settings.steps), alpha=view.alpha)
        forward, after, counter.peak = counter.peak, counter.now, 0
        for state in optimise(views, settings):
            resampled_argmax(state.logits, *views.positions(state.logit_axes))
            # The log-probabilities as scaled floats and as codes, when they are recorded.
            torch.empty(5, *state.log_probabilities.shape, dtype=torch.uint8, device="meta")
            pixels = state.entropy.numel()
    return forward, after, counter.peak, pixels


class MetaViews(PhotoViews):
    """The views of a photo without contents.

    Arguments:
        network: A network without contents.
        encoder: The same, in the precision of the frozen part.
        height: The height of the photo, in pixels.
        width: Its width.
    """

    def __init__(self, network: Network, encoder: Network, height: int, width: int) -> None:
        photo = np.broadcast_to(np.uint8(0), (height, width, 3))
        super().__init__(network, photo, Reference(photo[..., 0]))
        self.traced_encoder = encoder

    def target(self, axes: tuple[Axis, Axis], shape: tuple[int, ...]) -> Tensor:
        """Return labels without contents."""
        return torch.empty(math.prod(shape), dtype=torch.int64, device="meta")

    def _input(self, scale: float, mirrored: bool) -> Tensor:
        pixels = torch.empty(3, *self.photo.shape[:2], dtype=torch.uint8, device="meta")
        x = self.network.normalise(resize_photo(pixels, scale)[None])
        return x.contiguous(memory_format=torch.channels_last)

    def _encode(self, scale: float, mirrored: bool) -> EncodedView:
        with torch.no_grad():
            x = self._input(scale, mirrored)
            encoder = self.traced_encoder
            encoding = encoder.encode(x if encoder is self.network else x.bfloat16())
        lattices = self.network.lattices(encoding, *x.shape[-2:])
        axes = Axis(lattices[0], x.shape[-2]), Axis(lattices[1], x.shape[-1], mirrored)
        return EncodedView(x, encoding, axes, 0.0, {})


class MetaTiles(TiledNetwork):
    """A network without contents that traces only one tile of each size."""

    def __init__(self, network: Network, side: int) -> None:
        super().__init__(network, side)
        self._traced: dict[torch.Size, Any] = {}

    def encode_tile(self, x: Tensor) -> Any:  # noqa: ANN401
        """Return the encoding of a tile, or a copy of that of one of its size."""
        if x.shape not in self._traced:
            self._traced[x.shape] = self.network.encode(x)
        return copy.deepcopy(self._traced[x.shape])


def _in_meta_tiles(network: Network, side: int) -> Network:
    return MetaTiles(network, side) if side else network


@lru_cache(maxsize=8)
def _without_contents(reference: "weakref.ref[Network]", half: bool) -> Network:
    """Return a copy of a network on the meta device, in bfloat16 or as it is."""
    network = reference()
    assert network is not None, "the network has been deleted"
    memo: dict[int, Any] = {}
    for module in network.parts():
        for tensor in chain(module.parameters(), module.buffers()):
            dtype = torch.bfloat16 if half and tensor.is_floating_point() else tensor.dtype
            empty = tensor.detach().to("meta", dtype)
            trained = isinstance(tensor, nn.Parameter)
            memo[id(tensor)] = nn.Parameter(empty, requires_grad=False) if trained else empty
    return copy.deepcopy(network, memo)


aten = torch.ops.aten

META_KERNELS: dict[Any, Callable[..., Any]] = {
    # These depend on values: any number will do, and at most all entries are not zero.
    aten._local_scalar_dense.default: lambda value: 1.0,
    aten.nonzero.default: lambda mask: mask.new_empty(mask.numel(), mask.dim(), dtype=torch.int64),
    # torch's own are written in Python and slow.
    aten.upsample_bilinear2d.default: lambda x, size, *_: x.new_empty(*x.shape[:2], *size),
    aten.native_batch_norm.default: lambda x, weight, bias, mean, variance, training, *_: (
        torch.empty_like(x),
        x.new_empty(x.shape[1] if training else 0),
        x.new_empty(x.shape[1] if training else 0),
    ),
}


def _pointwise(function: Any, args: tuple[Any, ...]) -> Tensor:  # noqa: ANN401
    """Return the result of a pointwise operation on the meta device, faster than torch's kernels.

    It makes one tensor, and has no keywords.
    """
    kinds = tuple(
        (arg.dtype, (1,) * min(arg.dim(), 1)) if isinstance(arg, Tensor) else type(arg)
        for arg in args
    )
    dtype = _dtype_of_result(function, kinds)
    tensors = [arg for arg in args if isinstance(arg, Tensor)]
    shape = torch.broadcast_shapes(*(tensor.shape for tensor in tensors))
    for tensor in tensors:
        if tensor.shape == shape:
            return torch.empty_like(tensor, dtype=dtype)  # in its memory format
    return tensors[0].new_empty(shape, dtype=dtype)


@lru_cache(maxsize=1024)
def _dtype_of_result(
    function: Any,  # noqa: ANN401
    kinds: tuple[type | tuple[torch.dtype, tuple[int, ...]], ...],
) -> torch.dtype:
    """Ask torch for the dtype of a result; the arguments are numbers, or dtype and shape."""
    args = [
        kind() if isinstance(kind, type) else torch.empty(kind[1], dtype=kind[0], device="meta")
        for kind in kinds
    ]
    dtype: torch.dtype = function(*args).dtype
    return dtype


class TensorCounter(TorchDispatchMode):
    """Count the bytes of the tensors alive that are made while the mode is active.

    Attributes:
        now: The bytes alive.
        peak: The most bytes alive after an operation; set it to 0 to start again.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.peak = 0
        self._storages: dict[int, weakref.ref[torch.UntypedStorage]] = {}

    def __torch_dispatch__(
        self,
        function: Any,  # noqa: ANN401
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Run one operation and count what it makes."""
        meta = bool(args) and isinstance(args[0], Tensor) and args[0].is_meta
        is_pointwise = meta and torch.Tag.pointwise in function.tags
        if is_pointwise and function._schema.name.endswith("_"):
            return args[0]  # nothing is made, and torch's checks are slow
        if is_pointwise and not kwargs and len(function._schema.returns) == 1:
            made = _pointwise(function, args)
        else:
            kernel = META_KERNELS.get(function, function) if meta else function
            made = kernel(*args, **(kwargs or {}))
        for value in made if isinstance(made, tuple | list) else (made,):
            if isinstance(value, Tensor):
                self._count(value)
        self.peak = max(self.peak, self.now)
        return made

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._storages:
            return

        def freed(_: object) -> None:
            self.now -= size
            del self._storages[key]

        self._storages[key] = weakref.ref(storage, freed)
        self.now += size

"""Any module that maps an image to logits, as a network that an episode can adapt."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..errors import InputError, reason_of
from .classifier_graph import (
    ClassifierCall,
    ClassifierWeights,
    GraphRecorder,
    Operation,
    calls_of,
    replay,
    widened,
)
from .interface import Prediction
from .norm_layers import has_affine_norms
from .resampling import Lattice

__all__ = ["WrappedEncoding", "WrappedModule", "logits_of"]

MAX_CLASSES = 255
SIZES = (
    *((1, False), (16, False), (32, False), (64, False), (14, False)),
    *((16, True), (32, True), (14, True)),
)
"""What is tried: the multiple that sides of inputs are of, and whether inputs are square."""

PROBE = (128, 256)
"""The size of the input that a module is tried on, in pixels; rounded up to its multiple."""


class WrappedEncoding(NamedTuple):
    """The part of a prediction before the classifiers, and the graph behind them."""

    node: ClassifierCall | Operation  # the logits, on their own grid
    shape: tuple[int, int]  # (h, w) of the grid, without what lies on padding
    lattices: tuple[Lattice, Lattice]  # of its rows and columns


class WrappedModule(nn.Module):
    r"""A module, frozen, whose classifiers are found by running it.

    The classifiers are the convolutions or linear maps whose outputs become the logits by
    interpolation, addition and changes of shape alone. The logits are taken before the last
    bilinear interpolation to the input's size. With n input pixels and m pixels of that grid along
    an axis, pixel i of the grid lies at

    .. math:: x(i) = \frac{n}{m} (i + \frac{1}{2}) - \frac{1}{2}
        \quad \text{or, with aligned corners,} \quad x(i) = \frac{n - 1}{m - 1} \, i.

    A single logit z, whose sigmoid is the probability of an object, is that of two classes with the
    logits 0 and z, whose softmax it is.

    Arguments:
        module: Maps (1, 3, H, W) to what `logits_of` takes: logits (1, K, h, w), alone or among
            other outputs. It is put into eval mode and frozen, but not changed otherwise.
        mean: The mean of each channel, 0..255.
        std: The standard deviation of each channel, 0..255.
        classifier: The names of the classifiers, which may then be followed by any function;
            () = find them.
        multiple: Sides of inputs are padded with zeros to a multiple of this; None = find it.
        bgr: Whether the module takes blue, green, red.

    Raises:
        InputError: If the module fails, returns something else, or no classifier is found.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        module: nn.Module,
        mean: Sequence[float],
        std: Sequence[float],
        classifier: Sequence[str] = (),
        multiple: int | None = None,
        bgr: bool = False,
    ) -> None:
        super().__init__()
        self.module = module.eval().requires_grad_(False)
        self.bgr = bgr
        self.has_norms = has_affine_norms(self.module)
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32), persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32), persistent=False)
        self.named = bool(classifier)
        self.classifier_names = self._check_names(tuple(classifier))
        self.multiple, self.square = self._find_sizes(multiple)
        self.cuts = False  # whether the last interpolation is left to whoever reads the logits
        self.aligned = False  # whether it aligns corners
        channels, self.stride = self._find_classifiers()
        self.is_binary = channels == 1
        self.classes = max(channels, 2)
        self.eval()

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of parameters that an episode can adapt."""
        return "score", *(("norm",) if self.has_norms else ()), "all"

    @property
    def max_sigma(self) -> None:
        """None: there is no dynamic receptive field."""
        return None

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.mean.device

    @property
    def classifiers(self) -> tuple[ClassifierWeights, ...]:
        """The classifiers, as parameters."""
        return tuple(map(self._classifier, self.classifier_names))

    def parts(self) -> tuple[nn.Module, ...]:
        """Return the modules that hold its tensors."""
        return (self,)

    def normalise(self, photo: Tensor) -> Tensor:
        """Return the network input (B, 3, H, W) for photos (B, 3, H, W) in 0..255."""
        x = photo.flip(1) if self.bgr else photo
        return (x - self.mean.view(3, 1, 1)) / self.std.view(3, 1, 1)

    def encode(self, x: Tensor) -> WrappedEncoding:
        """Run the module on one input (1, 3, H, W), and return what its classifiers get.

        Raises:
            InputError: If the module fails on an input of this size.
        """
        weights = [classifier.weight for classifier in self.classifiers]
        node, size, grid = self._record(x, weights, self.cuts)
        lattices = tuple(map(self._lattice, size, grid))
        shape = tuple(
            min(count, max(1, int((length - 1 - lattice.offset) // lattice.stride) + 1))
            if padded > length
            else count
            for count, length, padded, lattice in zip(
                grid, x.shape[-2:], size, lattices, strict=True
            )
        )
        return WrappedEncoding(node, (shape[0], shape[1]), (lattices[0], lattices[1]))

    def predict(
        self, encoding: WrappedEncoding, classifiers: Sequence[ClassifierWeights] | None = None
    ) -> Prediction:
        """Return the prediction from an encoding, by the trained classifiers or by others."""
        used = self.classifiers if classifiers is None else classifiers
        return self.logits(encoding, lambda call: call.apply(used[call.index]))

    def logits(
        self, encoding: WrappedEncoding, apply: Callable[[ClassifierCall], Tensor]
    ) -> Prediction:
        """Return the prediction from an encoding, by a function that applies the classifiers."""
        height, width = encoding.shape
        logits = widened(replay(encoding.node, apply)[0, :, :height, :width])
        if self.is_binary:
            logits = torch.cat((torch.zeros_like(logits), logits))
        return Prediction(logits, None)

    def lattices(
        self, encoding: WrappedEncoding, height: int, width: int
    ) -> tuple[Lattice, Lattice]:
        """Return where the rows and the columns of the logits lie on the input."""
        return encoding.lattices

    def predict_end_to_end(self, x: Tensor) -> Prediction:
        """Return the prediction for one input (1, 3, H, W), differentiable in all parameters."""
        return self.predict(self.encode(x))

    def forward(self, x: Tensor) -> Tensor:
        """Return the module's own logits for one input, at the size that it gives them."""
        return logits_of(self._run(x))

    def _record(
        self, x: Tensor, weights: Sequence[Tensor], cuts: bool
    ) -> tuple[ClassifierCall | Operation, tuple[int, int], tuple[int, int]]:
        """Return the last node before the cut, the size of the input, and that of the logits."""
        height, width = x.shape[-2:]
        size = self._padded(height, width)
        if size != (height, width):
            x = functional.pad(x, (0, size[1] - width, 0, size[0] - height))
            x = x.contiguous(memory_format=torch.channels_last)
        recorder = GraphRecorder(weights, self.named, size if cuts else None)
        with recorder:
            output = self._run(x)
        logits = logits_of(output)
        node = recorder.node(logits)
        if node is None:
            raise InputError(self._not_found(logits))
        if cuts:
            assert isinstance(node, Operation)
            logits, node = recorder.source(node)
        return node, size, (logits.shape[-2], logits.shape[-1])

    def _padded(self, height: int, width: int) -> tuple[int, int]:
        """Return the size that an input is padded to."""
        if self.square:
            height = width = max(height, width)
        m = self.multiple
        return -(-height // m) * m, -(-width // m) * m

    def _run(self, x: Tensor) -> Any:  # noqa: ANN401
        try:
            return self.module(x)
        except (MemoryError, torch.OutOfMemoryError, InputError):
            raise
        except Exception as error:
            if "can't allocate memory" in str(error):
                raise
            raise InputError(
                f"the network fails on an input of {x.shape[-1]} x {x.shape[-2]} pixels"
                f" ({reason_of(error)}); choose another scale, or a network for inputs of any"
                " size."
            ) from error

    def _lattice(self, length: int, count: int) -> Lattice:
        if self.aligned:
            return Lattice((length - 1) / max(count - 1, 1) or 1.0, 0.0)
        stride = length / count
        return Lattice(stride, (stride - 1) / 2)

    def _classifier(self, name: str) -> ClassifierWeights:
        part: Any = self.module.get_submodule(name)
        return ClassifierWeights(part.weight, part.bias)

    def _linear_maps(self) -> list[str]:
        """Return the names of the convolutions and linear maps."""
        kinds = nn.Conv2d, nn.ConvTranspose2d, nn.Linear
        return [name for name, part in self.module.named_modules() if isinstance(part, kinds)]

    def _check_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        known = self._linear_maps()
        for name in names:
            if name not in known:
                raise InputError(
                    f"the module has no convolution or linear map {name!r}; the last that it has"
                    f" are {', '.join(known[-4:]) or 'none'}."
                )
        return names

    @torch.no_grad()
    def _find_sizes(self, given: int | None) -> tuple[int, bool]:
        """Return the multiple that sides must be of, and whether inputs must be square."""
        reason: Exception | None = None
        sizes = SIZES if given is None else ((given, False), (given, True))
        for multiple, square in sizes:
            height, width = (97, 131) if multiple == 1 else (5 * multiple, 7 * multiple)
            # Of squares two, as some modules take those of one size.
            shapes = ((height, height), (width, width)) if square else ((height, width),)
            try:
                for shape in shapes:
                    self.module(torch.zeros(1, 3, *shape, device=self._device()))
            except Exception as error:
                reason = error
            else:
                return multiple, square
        assert reason is not None
        raise InputError(
            f"the module fails on images of several sizes ({reason_of(reason)}); segviz needs one"
            " that takes (1, 3, H, W) of any size, or of a multiple of some pixels that is given as"
            " multiple=."
        ) from reason

    @torch.no_grad()
    def _find_classifiers(self) -> tuple[int, float]:
        """Find the classifiers and the last interpolation; return the channels and the stride."""
        height, width = self._padded(*PROBE)
        x = torch.linspace(-2, 2, 3 * height * width, device=self._device())
        x = x.view(1, 3, height, width)
        names = self.classifier_names or self._linear_maps()
        maps = [self._classifier(name) for name in names]
        recorder = GraphRecorder([part.weight for part in maps], self.named)
        with recorder:
            logits = logits_of(self._run(x))
        _check_logits(logits, (height, width))
        node = recorder.node(logits)
        found = list(dict.fromkeys(call.index for call in calls_of(node)))
        if node is None or not found:
            raise InputError(self._not_found(logits))
        self.classifier_names = tuple(names[index] for index in found)
        if not torch.equal(replay(node, lambda call: call.apply(maps[call.index])), logits):
            raise InputError(
                f"the logits of the module do not follow from {', '.join(self.classifier_names)}"
                " alone; name other convolutions or linear maps by classifier=."
            )
        if isinstance(node, Operation) and node.is_bilinear and logits.shape[-2:] == x.shape[-2:]:
            self.cuts, self.aligned = True, node.align_corners
        return logits.shape[1], self.encode(x).lattices[0].stride

    def _not_found(self, logits: Tensor) -> str:
        maps = self._linear_maps()
        if bool(((logits >= 0) & (logits <= 1)).all()):
            return (
                "the module returns probabilities, as after a softmax or a sigmoid, but segviz"
                " needs logits; return what goes into it."
            )
        return (
            "no convolution or linear map leads to the logits by interpolation, addition and"
            " changes of shape alone; name the last one by classifier=, such as"
            f" classifier={maps[-1] if maps else 'head'!r}."
        )

    def _device(self) -> torch.device:
        return next(self.module.parameters(), self.mean).device


def logits_of(output: Any) -> Tensor:  # noqa: ANN401
    """Return the logits in what a module returns.

    Arguments:
        output: The logits, a tuple or a list that they are the first entry of, or a mapping or an
            object with the entry `logits` or `out`.

    Raises:
        InputError: If there are none.
    """
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping):
        found = [output.get(name) for name in ("logits", "out")]
    else:  # a named tuple may be an object with the entry, too
        found = [getattr(output, name, None) for name in ("logits", "out")]
        found += output[:1] if isinstance(output, tuple | list) else ()
    for value in found:
        if isinstance(value, Tensor):
            return value
    kind = type(output).__name__
    if isinstance(output, Mapping):
        kind += f" with {', '.join(map(str, output)) or 'nothing'}"
    elif isinstance(output, tuple | list):
        kind += f" of {', '.join(type(value).__name__ for value in output) or 'nothing'}"
    raise InputError(
        f"the module returns {kind}, but segviz needs logits: a tensor (1, K, h, w), a tuple with"
        " it first, or a mapping or an object with the entry logits or out; return one of these"
        " from forward()."
    )


def _check_logits(logits: Tensor, size: tuple[int, int]) -> None:
    """Refuse what cannot be the logits of an input."""
    shape = tuple(logits.shape)
    if logits.dim() != 4 or len(logits) != 1 or not logits.is_floating_point():
        raise InputError(
            f"the module returns {str(logits.dtype).removeprefix('torch.')} of shape {shape}, but"
            " logits are floating-point (1, K, h, w); return what goes into the argmax."
        )
    if not 1 <= shape[1] <= MAX_CLASSES:
        raise InputError(
            f"the module has {shape[1]} classes, but segviz adapts at most {MAX_CLASSES}; give a"
            " network of fewer classes."
        )
    rows, columns = (side / count for side, count in zip(size, shape[2:], strict=True))
    if max(rows, columns) > 1.3 * min(rows, columns):
        raise InputError(
            f"the module returns logits of {shape[3]} x {shape[2]} pixels for an input of"
            f" {size[1]} x {size[0]}; segviz needs logits that cover the input evenly."
        )

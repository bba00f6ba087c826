"""Record how the logits of a module follow from its classifiers, and replay it with other weights.

While a module runs, torch reports every function that it calls. Those that lead from a
classifier, the last convolution or linear map, to the logits make a small graph, which gives the
logits for any weights of the classifier without running the rest of the module again.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

__all__ = [
    "ClassifierCall",
    "ClassifierWeights",
    "GraphRecorder",
    "Operation",
    "calls_of",
    "replay",
    "widened",
]

LINEAR_MAPS = ("conv2d", "conv_transpose2d", "linear")

RESIZERS = ("interpolate", "upsample")
SUMS = ("add", "__add__", "__radd__", "add_", "__iadd__")
SHAPES = (
    *("view", "reshape", "permute", "transpose", "swapaxes", "swapdims", "movedim", "flatten"),
    *("unflatten", "squeeze", "unsqueeze", "__getitem__", "narrow", "pixel_shuffle"),
)
COPIES = ("contiguous", "clone", "detach", "float", "to")
DROPOUTS = ("dropout", "dropout2d", "feature_dropout")  # in eval mode

OPERATIONS = frozenset((*RESIZERS, *SUMS, *SHAPES, *COPIES, *DROPOUTS))
"""The functions that may lead from a classifier to the logits: interpolation, addition, shapes."""

OUT_OF_PLACE: dict[str, Callable[..., Any]] = {"add_": torch.add, "__iadd__": torch.add}
"""What replays a function that writes to its argument."""


class ClassifierWeights(NamedTuple):
    """The weights of a classifier."""

    weight: Tensor
    bias: Tensor | None


@dataclass(frozen=True, eq=False)
class ClassifierCall:
    """A call of a classifier.

    Arguments:
        index: Which classifier it is.
        function: The convolution or the linear map.
        input: What it is applied to, at least float32.
        options: Its further arguments, such as the padding.
    """

    index: int
    function: Callable[..., Tensor]
    input: Tensor
    options: Mapping[str, Any]

    @property
    def input_axes(self) -> tuple[int, ...]:
        """The axes of the weight that an output channel sums over."""
        if self.function.__name__ == "linear":
            return (1,)
        return (0, 2, 3) if self.function.__name__ == "conv_transpose2d" else (1, 2, 3)

    def outputs(self, weight: Tensor) -> int:
        """Return the number of output channels."""
        return weight.shape[1 if self.function.__name__ == "conv_transpose2d" else 0]

    def apply(self, classifier: ClassifierWeights) -> Tensor:
        """Return the output with some weights."""
        return self.function(self.input, classifier.weight, classifier.bias, **self.options)


@dataclass(frozen=True, eq=False)
class Operation:
    """A call of another function between the classifiers and the logits.

    Arguments:
        function: The function.
        arguments: Its arguments; nodes of the graph where they depend on a classifier.
        options: Its keyword arguments, likewise.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]

    @property
    def resizes(self) -> bool:
        """Whether it is an interpolation."""
        return self.function.__name__ in RESIZERS

    @property
    def is_bilinear(self) -> bool:
        """Whether it is a bilinear interpolation without antialiasing."""
        smooths = bool(_option(self, "antialias", 6))
        return self.resizes and _option(self, "mode", 3) == "bilinear" and not smooths

    @property
    def align_corners(self) -> bool:
        """Whether an interpolation aligns the centres of the corner pixels."""
        return bool(_option(self, "align_corners", 4))


Node = ClassifierCall | Operation


class GraphRecorder(TorchFunctionMode):
    """Record the graph behind the classifiers while a module runs.

    Arguments:
        weights: The weights of the classifiers; those of further maps are ignored.
        any_operation: Whether all functions are recorded, rather than `OPERATIONS` alone.
        skipped: The size (H, W) of an interpolation that ends the graph: it is not computed, and
            the module goes on with zeros; None = all are computed.
    """

    def __init__(
        self,
        weights: Sequence[Tensor],
        any_operation: bool = False,
        skipped: tuple[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.indices = {id(weight): index for index, weight in enumerate(weights)}
        self.any_operation = any_operation
        self.skipped = skipped
        self._nodes: dict[int, tuple[Tensor, Node]] = {}  # the tensor, so that its id stays its own

    def node(self, tensor: Any) -> Node | None:  # noqa: ANN401
        """Return the node whose output a tensor is; None if it does not follow from classifiers."""
        return self._nodes.get(id(tensor), (None, None))[1]

    def source(self, resize: Operation) -> tuple[Tensor, Node]:
        """Return what an interpolation is applied to, and its node."""
        before = _option(resize, "input", 0)
        return next(entry for entry in self._nodes.values() if entry[1] is before)

    def __torch_function__(
        self,
        function: Any,  # noqa: ANN401
        types: Any,  # noqa: ANN401
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Run a function and record it."""
        options = kwargs or {}
        name = getattr(function, "__name__", "")
        if name in LINEAR_MAPS:
            result = function(*args, **options)
            call = self._classifier_call(function, args, options)
            if call is not None:
                self._nodes[id(result)] = result, call
                return result
        elif not self._nodes:
            return function(*args, **options)
        operation = self._operation(function, name, args, options)
        if operation is not None and self.skipped and operation.resizes:
            result = self._skip(operation, args[0] if args else options["input"])
            if result is not None:
                self._nodes[id(result)] = result, operation
                return result
        result = function(*args, **options)
        if operation is not None:
            self._add(result, operation)
        return result

    def _classifier_call(
        self, function: Callable[..., Tensor], args: tuple[Any, ...], options: dict[str, Any]
    ) -> ClassifierCall | None:
        names = ("input", "weight", "bias", *_REST.get(function.__name__, ()))
        values = dict(zip(names, args, strict=False)) | options
        index = self.indices.get(id(values["weight"]))
        if index is None:
            return None
        rest = {key: value for key, value in values.items() if key not in names[:3]}
        return ClassifierCall(index, function, widened(values["input"]), rest)

    def _operation(
        self,
        function: Callable[..., Any],
        name: str,
        args: tuple[Any, ...],
        options: dict[str, Any],
    ) -> Operation | None:
        tensors = list(_tensors((*args, *options.values())))
        if name in SUMS:  # with a bias of its own, too
            tensors = [each for each in tensors if not isinstance(each, nn.Parameter)]
        follow = [self.node(tensor) is not None for tensor in tensors]
        if not any(follow) or not (self.any_operation or (name in OPERATIONS and all(follow))):
            return None
        arguments = self._referred(args)
        referred = {key: self._referred(value) for key, value in options.items()}
        return Operation(OUT_OF_PLACE.get(name, function), arguments, referred)

    def _referred(self, value: Any) -> Any:  # noqa: ANN401
        """Return a value with tensors replaced by the nodes that they are the output of."""
        if type(value) in (tuple, list):
            return type(value)(map(self._referred, value))
        return value if self.node(value) is None else self.node(value)

    def _skip(self, operation: Operation, maps: Tensor) -> Tensor | None:
        """Return zeros in place of the last interpolation, which take no memory."""
        size, factor = _option(operation, "size", 1), _option(operation, "scale_factor", 2)
        if size is None:
            factors = factor if isinstance(factor, tuple | list) else (factor, factor)
            sides = zip(maps.shape[-2:], factors, strict=True)
            size = [int(side * factor) for side, factor in sides]
        elif not isinstance(size, tuple | list | torch.Size):
            size = [size, size]
        if tuple(map(int, size)) != self.skipped:
            return None
        return maps.new_zeros(()).expand(*maps.shape[:2], *self.skipped)

    def _add(self, result: Any, operation: Operation) -> None:  # noqa: ANN401
        if isinstance(result, Tensor):
            self._nodes[id(result)] = result, operation
        elif isinstance(result, tuple | list):
            for index, part in enumerate(result):
                if isinstance(part, Tensor):
                    item = Operation(operator.getitem, (operation, index), {})
                    self._nodes[id(part)] = part, item


def widened(values: Tensor) -> Tensor:
    """Return values of half precision as float32, and others as they are."""
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


_REST = {
    "conv2d": ("stride", "padding", "dilation", "groups"),
    "conv_transpose2d": ("stride", "padding", "output_padding", "groups", "dilation"),
}


def _tensors(value: Any) -> Iterator[Tensor]:  # noqa: ANN401
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part)


def _option(operation: Operation, name: str, position: int) -> Any:  # noqa: ANN401
    if name in operation.options:
        return operation.options[name]
    arguments = operation.arguments
    return arguments[position] if len(arguments) > position else None


def calls_of(node: Any) -> Iterator[ClassifierCall]:  # noqa: ANN401
    """Yield the calls of classifiers that a node follows from."""
    if isinstance(node, ClassifierCall):
        yield node
    elif isinstance(node, Operation):
        yield from calls_of((*node.arguments, *node.options.values()))
    elif isinstance(node, tuple | list):
        for part in node:
            yield from calls_of(part)


def replay(node: Node, apply: Callable[[ClassifierCall], Tensor]) -> Tensor:
    """Return the output of a node.

    Arguments:
        node: The last node of a graph.
        apply: Returns the output of a classifier's call.
    """
    done: dict[int, Any] = {}

    def value(part: Any) -> Any:  # noqa: ANN401
        if isinstance(part, ClassifierCall | Operation):
            if id(part) not in done:
                done[id(part)] = apply(part) if isinstance(part, ClassifierCall) else run(part)
            return done[id(part)]
        return type(part)(map(value, part)) if type(part) in (tuple, list) else part

    def run(operation: Operation) -> Any:  # noqa: ANN401
        options = {key: value(part) for key, part in operation.options.items()}
        return operation.function(*value(operation.arguments), **options)

    return value(node)

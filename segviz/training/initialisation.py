"""The weights that training starts from: a whole checkpoint, or parts from other files."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from ..errors import InputError
from ..network import checkpoint
from ..network.architecture import Architecture
from ..network.backbone import read_tensors
from ..network.dynamic import Segmenter
from .imagenet_weights import PREFIX, load_package

__all__ = ["Classifier", "Initialisation", "InitialisedNetwork"]


class Classifier(NamedTuple):
    """A linear classifier of C features.

    Arguments:
        weight: (K, C).
        bias: (K,).
    """

    weight: Tensor
    bias: Tensor


class InitialisedNetwork(NamedTuple):
    """A network at the start of training.

    Arguments:
        network: The network, on the CPU.
        classifier: What its classifier is to be set to once the features' statistics are known.
        origin: What the card of its starting checkpoint says; None without one.
    """

    network: Segmenter
    classifier: Classifier | None
    origin: dict[str, Any] | None


@dataclass(frozen=True)
class Initialisation:
    """Which weights training starts from; what is None is initialised at random.

    Arguments:
        backbone: Backbone weights: the path of a safetensors file with timm's names, or
            "package:NAME" for those of an installed package (see `imagenet_weights`).
        context: Weights of the pooled context module (safetensors).
        classifier: A classifier of that module's maps (safetensors, `logits`); needs cached
            samples.
        checkpoint: A trained checkpoint of the same architecture, by name or path; with other
            classes, its classifier is left out.
        pretrained: Whether timm downloads ImageNet weights where `backbone` is None.
    """

    backbone: Path | str | None = None
    context: Path | None = None
    classifier: Path | None = None
    checkpoint: str | None = None
    pretrained: bool = False

    def build(self, architecture: Architecture, cached: bool) -> InitialisedNetwork:
        """Build a network and load its initial weights.

        Arguments:
            architecture: The network's architecture.
            cached: Whether it is trained on cached samples.

        Raises:
            InputError: If a file cannot be read or does not fit the network.
        """
        network = Segmenter(architecture, pretrained=self.pretrained and self.backbone is None)
        if self.backbone is not None:
            _load_backbone(network, str(self.backbone))
        if self.context is not None:
            _load_context(network, self.context)
        origin = None if self.checkpoint is None else _load_checkpoint(network, self.checkpoint)
        classifier = (
            None if self.classifier is None else _read_classifier(network, self.classifier, cached)
        )
        return InitialisedNetwork(network, classifier, origin)


def _load_backbone(network: Segmenter, source: str) -> None:
    if source.startswith(PREFIX):
        load_package(network.backbone, source.removeprefix(PREFIX))
    else:
        network.backbone.load_init(Path(source))


def _load_checkpoint(network: Segmenter, name: str) -> dict[str, Any]:
    """Load a checkpoint of the same architecture and return what its card says of its origin.

    With another number of classes, all but the classifier is loaded.
    """
    trained = checkpoint.load(name)
    found = trained.dynamic
    theirs = found.architecture
    if replace(theirs, classes=network.architecture.classes) != network.architecture:
        raise InputError(
            f"the checkpoint {name} has another architecture ({theirs});"
            " give the same --backbone, --stride, --channels and --levels."
        )
    own = network.state_dict()
    network.load_state_dict(
        {
            key: value if value.shape == own[key].shape else own[key]
            for key, value in found.state_dict().items()
        }
    )
    wanted = ("name", "sha256", "command", "training", "began_as")
    return {key: trained.card[key] for key in wanted if key in trained.card}


def _load_context(network: Segmenter, path: Path) -> None:
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


def _read_classifier(network: Segmenter, path: Path, cached: bool) -> Classifier:
    a, tensors = network.architecture, read_tensors(path)
    weight, bias = tensors.get("logits.weight"), tensors.get("logits.bias")
    shape = (a.classes, a.channels, 1, 1)
    if weight is None or bias is None or weight.shape != shape:
        raise InputError(
            f"{path} does not hold a classifier logits.weight of shape {shape} with its bias;"
            " give one made for this network."
        )
    if not (cached and network.aggregation.inputs == a.channels):
        raise InputError(
            "--classifier-init needs --cached-samples and as many feature channels as the coarsest"
            f" map has ({network.aggregation.inputs}), got {a.channels}."
        )
    return Classifier(weight[..., 0, 0], bias)

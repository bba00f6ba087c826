"""Save and load trained networks: safetensors weights, and a JSON card with their hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ..errors import InputError, guard
from ..runtime import resources
from ..runtime.files import open_regular, read_file, write_together
from .architecture import GROUPS, Architecture
from .card import check_card

if TYPE_CHECKING:  # reading a card imports no torch, which takes seconds
    import torch
    from torch import Tensor, nn

    from ..data.classes import ClassList
    from .dynamic import Segmenter
    from .interface import Network

__all__ = [
    "CHECKPOINTS",
    "DEFAULT",
    "Checkpoint",
    "NetworkFacts",
    "check_finite",
    "classes_on_card",
    "is_foreign",
    "load",
    "locate",
    "names",
    "read_card",
    "read_facts",
    "save",
    "tensor_hash",
]

CHECKPOINTS = resources.folder("checkpoints")
DEFAULT = "mobilenetv2_100-voc"

MAX_CARD = 8_000_000
"""The largest size of a card in bytes."""


@dataclass(frozen=True)
class Checkpoint:
    """A network in eval mode, never written to, with its card.

    Arguments:
        name: The file stem, the path, or the spelling that it was loaded by.
        sha256: The hash of the weights file, verified; of other libraries' networks that of the
            tensors and of what else determines predictions, such as mean and std.
        card: The card as plain JSON values, of the types of `Card`.
        network: The network, on its device, gradients off.
    """

    name: str
    sha256: str
    card: dict[str, Any]
    network: Network

    @property
    def facts(self) -> NetworkFacts:
        """What is known of the network before it runs."""
        return NetworkFacts(
            self.name, self.sha256, self.class_list, tuple(self.network.groups), self.card
        )

    @property
    def gate_hash(self) -> str:
        """The SHA-256 of the gate on the card, "" if there is none."""
        gate = self.card.get("gate")
        return "" if gate is None else hashlib.sha256(msgspec.json.encode(gate)).hexdigest()

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, VOC's where the card has none."""
        from ..data.classes import CLASSES  # with numpy, which help texts do without

        return tuple(self.card.get("classes") or CLASSES)

    @property
    def dynamic(self) -> Segmenter:
        """The network, if it is one of segviz.

        Raises:
            InputError: If it is a module of another library.
        """
        from .dynamic import Segmenter

        if not isinstance(self.network, Segmenter):
            raise InputError(
                f"{self.name} is a network of another library, which can be adapted and evaluated"
                " only; choose a network that segviz train made."
            )
        return self.network

    @property
    def class_list(self) -> ClassList:
        """The classes with their colours, see `classes_on_card`."""
        return classes_on_card(self.card, self.network.classes)


@dataclass(frozen=True)
class NetworkFacts:
    """What is known of a network without its weights.

    Arguments:
        name: The name or spelling that it is loaded by.
        sha256: The hash of its weights, as that of `Checkpoint`.
        classes: Its classes with their colours.
        groups: The groups of parameters that an episode can adapt.
        card: Its card.
    """

    name: str
    sha256: str
    classes: ClassList
    groups: tuple[str, ...]
    card: dict[str, Any]

    @property
    def has_gate(self) -> bool:
        """Whether a gate weighs the sizes of a photo."""
        return self.card.get("gate") is not None


def read_facts(name: str) -> NetworkFacts:
    """Return what the card of a checkpoint says of its network, without loading it.

    Raises:
        InputError: As `read_card`.
    """
    card = read_card(name)
    classes = classes_on_card(card, Architecture.from_json(card["architecture"]).classes)
    return NetworkFacts(name, card["sha256"], classes, GROUPS, card)


def is_foreign(name: str) -> bool:
    """Return whether a name is the spelling of a network of another library."""
    from .loaders import LOADERS

    prefix, colon, _ = name.partition(":")
    return bool(colon) and prefix in LOADERS


def classes_on_card(card: dict[str, Any], count: int) -> ClassList:
    """Return the classes on a card with their colours, or VOC's, or as many numbers.

    Arguments:
        card: The card, as plain JSON values.
        count: The number of classes of the network.
    """
    from ..data.classes import CLASSES, ClassList

    names = tuple(card.get("classes") or CLASSES)
    if len(names) != count:
        names = tuple(f"class {label}" for label in range(count))
    colours = card.get("colours")
    return ClassList(names, colours and tuple((red, green, blue) for red, green, blue in colours))


def names() -> list[str]:
    """Return the names of the shipped checkpoints, the default first."""
    found = sorted(
        p.stem for p in CHECKPOINTS.glob("*.json") if p.with_suffix(".safetensors").exists()
    )
    return sorted(found, key=lambda name: name != DEFAULT)


def locate(name: str) -> Path:
    """Return the weights file of a checkpoint given by name or by path.

    Raises:
        InputError: If there is none.
    """
    direct = Path(name)
    with suppress(OSError, ValueError):  # of names that are too long or no names
        if direct.suffix == ".safetensors" and direct.exists():
            return direct
        shipped = CHECKPOINTS / f"{direct.name}.safetensors"
        if direct.name == name and shipped.exists():
            return shipped
    raise InputError(
        f"there is no checkpoint {name!r}; shipped are {', '.join(names()) or 'none'},"
        " or give the path of a .safetensors file with its .json card beside it, or a network of"
        " another library as hf:, tv:, smp: or py:."
    )


def read_card(name: str) -> dict[str, Any]:
    """Return the card of a checkpoint as plain JSON values, without loading the weights.

    Raises:
        InputError: If the checkpoint or its card is missing, or the card is not a segviz card.
    """
    path = locate(name).with_suffix(".json")
    if not path.exists():
        raise InputError(f"the card {path} is missing; a checkpoint needs its JSON card beside it.")
    remedy = "restore it or train again"
    data = read_file(path, "the card", MAX_CARD, remedy)
    with guard(f"the card {path} is not a segviz card", remedy):
        card = msgspec.json.decode(data)
        check_card(card)
    return card


def load(name: str = DEFAULT, device: torch.device | str = "cpu") -> Checkpoint:
    """Load a network.

    Arguments:
        name: A shipped checkpoint, the path of one, whose hash is verified, or the spelling of a
            network of another library, see `loaders`.
        device: Where to run it.

    Raises:
        InputError: If it is missing or damaged, or does not fit the architecture on its card.
    """
    import torch

    from . import loaders
    from .backbone import read_tensors
    from .dynamic import Segmenter

    if is_foreign(name):
        return loaders.load_foreign(name, device)
    path = locate(name)
    card = read_card(name)
    with open_regular(path, "the weights", "restore them") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != card["sha256"]:
        raise InputError(
            f"{path.name} has SHA-256 {digest[:12]}… but its card says {card['sha256'][:12]}…;"
            " the file is damaged or not the one described: fetch it again."
        )
    with guard(f"the network {path.name} cannot be loaded", "restore the pair or train again"):
        architecture = check_card(card)
        tensors = _floats(read_tensors(path), path.name)
        _check_backbone(architecture, sum(value.numel() for value in tensors.values()))
        network = Segmenter(architecture)
        expected = {
            key: value.shape
            for key, value in network.state_dict().items()
            if not key.endswith("num_batches_tracked")
        }
        found = {key: value.shape for key, value in tensors.items()}
        wrong = sorted({key for key, _ in expected.items() ^ found.items()})
        if wrong:
            raise InputError(
                f"{path.name} does not fit the architecture on its card ({len(wrong)} tensors"
                f" missing, unknown or of another shape, such as {wrong[0][:80]}); restore the pair"
                " or train again."
            )
        network.load_state_dict(tensors, strict=False)
    # Twice as fast on the CPU from scale 2 on.
    network = network.to(device).to(memory_format=torch.channels_last).freeze()
    return Checkpoint(name=name, sha256=digest, card=card, network=network)


def _check_backbone(architecture: Architecture, numbers: int) -> None:
    """Refuse a backbone that is much larger than the weights, before it is built.

    Arguments:
        architecture: The architecture on a card.
        numbers: How many numbers the file of weights holds.
    """
    import timm
    import torch

    from .backbone import BACKBONES

    name = architecture.backbone
    if name in BACKBONES or not timm.is_model(name):
        return
    with torch.device("meta"):
        whole = timm.create_model(name, num_classes=0)
    parameters = sum(parameter.numel() for parameter in whole.parameters())
    if parameters > 2 * numbers:  # a backbone may leave out the last layers
        raise InputError(
            f"the card says that the backbone is {name}, which has {parameters:,} parameters, but"
            f" the file of weights holds {numbers:,} numbers; restore the pair."
        )


def _floats(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return tensors as float32.

    Raises:
        InputError: If they are not numbers that a network computes with, such as NaN.
    """
    found = {}
    for key, value in tensors.items():
        if not value.is_floating_point():
            raise InputError(
                f"{name} has {key[:80]} in {value.dtype}, but weights are floating-point numbers;"
                " train again."
            )
        found[key] = value.float()
        negative = key.endswith("running_var") and bool((found[key] < 0).any())
        if negative or not bool(found[key].isfinite().all()):
            what = "negative variances" if negative else "values that are not finite"
            raise InputError(f"{name} has {what} in {key[:80]}; fetch it again or train again.")
    return found


def check_finite(module: nn.Module, name: str) -> None:
    """Refuse a module with parameters or buffers that are not finite.

    Raises:
        InputError: If there is one; it names the tensor.
    """
    for key, value in module.state_dict().items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise InputError(
                f"{name} has values that are not finite in {key[:80]}; give a network whose"
                " training did not diverge."
            )


def save(network: Segmenter, path: Path, card: dict[str, Any], half: bool = True) -> dict[str, Any]:
    """Write `path` (.safetensors) and its card beside it.

    Arguments:
        network: The network to write.
        path: Where the weights go; the card takes the suffix .json.
        card: The other keys of `Card`; `architecture`, `parameters` and `sha256` are filled in.
        half: Store float16 (running variances stay float32: they exceed float16's range).

    Returns:
        The card as written.

    Raises:
        ValueError: If `read_card` would refuse the card.
        InputError: If a file cannot be written, or the weights are not finite.
    """
    from safetensors.torch import save as serialise

    tensors = {
        key: _compact(key, value.detach().cpu().contiguous(), half)
        for key, value in network.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    _floats(tensors, path.name)
    # One entry only: more are written in any order, and equal weights would have unequal hashes.
    weights = serialise(tensors, metadata={"format": "pt"})
    full = {
        **card,
        "architecture": asdict(network.architecture),
        "parameters": sum(p.numel() for p in network.parameters()),
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    data = msgspec.json.encode(full)
    written = msgspec.json.decode(data)
    check_card(written)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(data, indent=2) + b"\n"
    write_together({path: weights, path.with_suffix(".json"): text})
    return written


def _compact(key: str, value: Tensor, half: bool) -> Tensor:
    return (
        value.half() if half and value.is_floating_point() and "running_var" not in key else value
    )


def tensor_hash(*modules: nn.Module | None) -> str:
    """Return the SHA-256 over all parameters and buffers, which changes if any is written to."""
    import torch

    digest = hashlib.sha256()
    for module in modules:
        for key, value in sorted(module.state_dict().items()) if module is not None else ():
            digest.update(key.encode())
            values = value.detach().cpu().contiguous().flatten()  # numpy has no bfloat16
            digest.update(values.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()

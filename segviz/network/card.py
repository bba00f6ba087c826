"""The card of a checkpoint: JSON that says what the network is and how it was made."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from .architecture import Architecture

__all__ = ["Card", "check_card"]


Byte = Annotated[int, Meta(ge=0, le=255)]
Name = Annotated[str, Meta(max_length=4096)]  # also of paths
ClassName = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=100_000)]


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """The keys of a card and their types; a card may have further keys.

    Arguments:
        architecture: The shape of the network, as `Architecture.from_json` reads it.
        sha256: The hash of the weights file.
        parameters: How many parameters the network has.
        name: The name of the checkpoint.
        classes: The names of the classes, in the order of the scores.
        palette: The name of their colours.
        colours: Their colours, RGB, 0..255, in the order of the scores; None = VOC's of each id.
        training: The settings of the training.
        origin: What the training started from, and where that comes from.
        data: The images that it was trained on.
        command: The command that trained it.
        commit: The version of the code that trained it.
        licence: The licence of the weights.
        measured: Measured mIoU: the JSON of `segviz evaluate`, or an mIoU for each scale.
        gate: What weighs the sizes of a photo, as `adapt.gate.GateCard`; made by `segviz gate`.
    """

    architecture: dict[str, Any]
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    parameters: Annotated[int, Meta(ge=1)] | None = None
    name: Name | None = None
    classes: Annotated[tuple[ClassName, ...], Meta(max_length=255)] | None = None
    palette: Name | None = None
    colours: tuple[tuple[Byte, Byte, Byte], ...] | None = None
    training: dict[str, Any] | None = None
    origin: Text | None = None
    data: dict[str, Any] | None = None
    command: Text | None = None
    commit: Text | None = None
    licence: Text | None = None
    measured: Any = None
    gate: dict[str, Any] | None = None


def check_card(values: dict[str, Any]) -> Architecture:
    """Return the architecture on a card, if all of the card has the types of `Card`.

    Raises:
        ValueError: If a key is missing, or a value has another type or is out of its bounds.
    """
    card = msgspec.convert(values, Card)
    architecture = Architecture.from_json(card.architecture)
    if card.classes is not None and len(card.classes) != architecture.classes:
        raise ValueError(
            f"classes must be {architecture.classes} names, as many as the architecture has, got"
            f" {len(card.classes)}"
        )
    if card.colours is not None and len(card.colours) != architecture.classes:
        raise ValueError(
            f"colours must be {architecture.classes}, one for each class, got {len(card.colours)}"
        )
    return architecture

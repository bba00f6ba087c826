"""The architecture of the dynamic network, as a value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import msgspec

from ..errors import InputError
from ..validation import check_range

__all__ = ["GROUPS", "LIMITS", "Architecture"]

GROUPS = ("score", "scale", "norm", "all")
"""The groups of parameters of a dynamic network that an episode can adapt."""

LIMITS = {
    "output_stride": (1, 64),
    "stride": (1, 64),
    "channels": (1, 1024),
    "groups": (1, 1024),
    "levels": (2, 8),  # sigma doubles with each, and its kernel
    "classes": (2, 255),
}
"""The least and the largest value of each number of an architecture, which a card may give."""


@dataclass(frozen=True)
class Architecture:
    """All that determines the shape of a network; the card of a checkpoint holds it as JSON.

    Arguments:
        backbone: A timm model name.
        output_stride: The backbone's coarsest stride, in input pixels.
        stride: The feature stride r, in input pixels.
        channels: The number of feature channels C.
        groups: The number of channel groups of the free-form filter, a divisor of C.
        levels: The number of levels L of the scale space: sigma 0, 1, 2, ... 2^(L-2).
        pooled_context: Whether the coarsest map passes through the pooled context module.
        classes: The number of classes K.
        mean: Subtracted from the RGB input in 0..255.
        std: Divides the input after that.

    Raises:
        InputError: If a number is outside of `LIMITS`, the groups do not divide the channels, or
            the backbone is the name of a hub or a folder.
    """

    backbone: str = "mobilenetv2_100"
    output_stride: int = 16
    stride: int = 16
    channels: int = 256
    groups: int = 4
    levels: int = 5
    pooled_context: bool = True
    classes: int = 21
    mean: tuple[float, ...] = (127.5, 127.5, 127.5)
    std: tuple[float, ...] = (127.5, 127.5, 127.5)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_.]{1,80}", self.backbone):
            raise InputError(
                f"the backbone must be the name of a timm model, got {self.backbone[:80]!r}; names"
                " of hubs and folders, such as hf-hub:, are not accepted."
            )
        for name, (least, most) in LIMITS.items():
            check_range(name, getattr(self, name), least, most)
        for name, lowest in (("mean", -1e4), ("std", 1e-3)):
            values = getattr(self, name)
            if len(values) != 3:
                raise InputError(
                    f"{name} must be 3 numbers, got {len(values)}; give one a channel."
                )
            for value in values:
                check_range(name, value, lowest, 1e4)
        if self.channels % self.groups:
            raise InputError(
                f"groups must be a divisor of the {self.channels} channels, got {self.groups};"
                " choose 1 or another divisor."
            )

    @classmethod
    def of(cls, backbone: str, **overrides: Any) -> Self:  # noqa: ANN401
        """Return the preset architecture of a backbone, with `overrides` that are not None."""
        from .backbone import BACKBONES, BackboneDefaults  # imports timm, which takes seconds

        preset = BACKBONES.get(backbone, BackboneDefaults())
        values: dict[str, Any] = {
            "backbone": backbone,
            "output_stride": preset.output_stride,
            "stride": preset.feature_stride,
            "channels": preset.channels,
            "groups": preset.groups,
            # sigma up to 64 input pixels at strides 4 and 8, 128 at 16
            "levels": {4: 6, 8: 5}.get(preset.feature_stride, 5),
            "pooled_context": preset.pooled_context,
            "mean": preset.mean,
            "std": preset.std,
        }
        values.update({key: value for key, value in overrides.items() if value is not None})
        return cls(**values)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the architecture that `dataclasses.asdict` and JSON have written.

        Raises:
            ValueError: If a key is unknown, or a value has another type or is out of its bounds.
        """
        unknown = values.keys() - {field.name for field in fields(cls)}
        if unknown:  # ignoring it would build another network
            raise ValueError(f"unknown key {min(unknown)[:80]!r} of an architecture")
        return msgspec.convert(values, cls)

    @property
    def sigmas(self) -> tuple[float, ...]:
        """The standard deviation of each level, in feature pixels."""
        return tuple(0.0 if level == 0 else 2.0 ** (level - 1) for level in range(self.levels))

"""Hyperparameters of a training run: the single source of their defaults, limits and help."""

from dataclasses import dataclass, field, fields
from typing import Any

from ..errors import InputError
from ..validation import check_range

__all__ = ["LIMITS", "Recipe"]


def _hyperparameter(
    default: Any,  # noqa: ANN401
    text: str,
    limits: tuple[float, float] | None = None,
) -> Any:  # noqa: ANN401
    """Declare a field with its default, help text and inclusive range."""
    return field(default=default, metadata={"help": text, "limits": limits})


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters that determine a training run; each field's metadata documents it.

    The defaults are the paper's where a laptop can afford them. The command line takes its options,
    defaults and help from here.

    Raises:
        InputError: If a value is out of its range, or `smallest` exceeds `largest`.

    Source:
        Paper section 3, training.
    """

    augment: bool = _hyperparameter(
        True, "random crop, scale, rotation, colour and flip; otherwise centred and padded photos"
    )
    crop: int = _hyperparameter(512, "side of a sample in pixels (paper: 512)", (16, 4096))
    batch: int = _hyperparameter(16, "samples per update over all processes (paper: 64)", (1, 4096))
    epochs: float = _hyperparameter(50.0, "passes over the images (paper: 500)", (1e-3, 1e5))
    learning_rate: float = _hyperparameter(
        0.01, "initial learning rate of new layers (paper: 0.01); decays polynomially", (1e-7, 10.0)
    )
    backbone_rate: float = _hyperparameter(
        1.0, "factor on the learning rate for backbone and context; 0 freezes them", (0.0, 100.0)
    )
    # At the full rate theta_scale diverges.
    scale_rate: float = _hyperparameter(
        0.1, "factor on the learning rate for theta_scale", (0.0, 100.0)
    )
    momentum: float = _hyperparameter(0.9, "momentum of SGD", (0.0, 0.999))
    weight_decay: float = _hyperparameter(1e-4, "weight decay of SGD", (0.0, 1.0))
    warmup: int = _hyperparameter(50, "updates of linear warm-up", (0, 10**6))
    minutes: float = _hyperparameter(
        0.0, "time limit in minutes, not exactly repeatable; 0 = none", (0.0, 1e6)
    )
    freeze_norm: bool = _hyperparameter(
        True, "keep the batch norm statistics of backbone and context, for small batches"
    )
    loss_stride: int = _hyperparameter(
        1, "take the loss at every n-th pixel both ways; 1 = all", (1, 64)
    )
    cached_samples: int = _hyperparameter(
        0,
        "whole-photo samples per image whose features a frozen backbone computes once and caches"
        " on disk; 0 = new crops for every update",
        (0, 1000),
    )
    mixed: bool = _hyperparameter(False, "bfloat16 autocast")
    smallest: float = _hyperparameter(0.5, "smallest random scale of a sample", (0.05, 16.0))
    largest: float = _hyperparameter(2.0, "largest random scale of a sample", (0.05, 16.0))
    rotation: float = _hyperparameter(
        10.0, "largest random rotation of a sample in degrees, either way", (0.0, 180.0)
    )
    colour: float = _hyperparameter(
        0.4, "largest relative change of brightness, contrast and saturation", (0.0, 1.0)
    )
    distil: float = _hyperparameter(
        0.0, "weight of the divergence from the teacher's prediction", (0.0, 1e3)
    )
    hints: float = _hyperparameter(
        0.0, "weight of the regression of the teacher's feature maps", (0.0, 1e3)
    )
    seed: int = _hyperparameter(0, "seed of initialisation, order and augmentation", (0, 2**63 - 1))

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            check_range(name.replace("_", " "), getattr(self, name), low, high)
        if self.smallest > self.largest:
            raise InputError(
                "the smallest scale must not exceed the largest, got"
                f" {self.smallest:g} and {self.largest:g}."
            )

    def check(self, images: int, processes: int) -> None:
        """Check the recipe against the training set and the number of processes.

        Raises:
            InputError: If there are no images, the processes cannot share a batch evenly, or cached
                samples meet several processes or a backbone that is trained.
        """
        if self.batch % processes:
            raise InputError(
                f"batch must be a multiple of the {processes} processes, got {self.batch}."
            )
        if images < 1:
            raise InputError("there are no training images; check the split and --exclude.")
        if self.cached_samples and (self.backbone_rate > 0 or processes > 1):
            raise InputError(
                f"--cached-samples {self.cached_samples} needs a frozen backbone and one process;"
                " give --backbone-rate 0 without torchrun, or leave it out."
            )

    def iterations(self, images: int) -> int:
        """Return the number of updates for `images` training images, at least 1."""
        return max(1, round(self.epochs * images / self.batch))


LIMITS: dict[str, tuple[float, float]] = {
    spec.name: spec.metadata["limits"] for spec in fields(Recipe) if spec.metadata["limits"]
}
"""The inclusive range of each numeric hyperparameter."""

"""How to train, as a value."""

from dataclasses import dataclass

from ..errors import InputError
from ..validation import check_range

__all__ = ["Recipe"]

LIMITS = {
    "crop": (16, 4096),
    "batch": (1, 4096),
    "epochs": (1e-3, 1e5),
    "learning_rate": (1e-7, 10.0),
    "backbone_rate": (0.0, 100.0),
    "scale_rate": (0.0, 100.0),
    "momentum": (0.0, 0.999),
    "weight_decay": (0.0, 1.0),
    "warmup": (0, 10**6),
    "minutes": (0.0, 1e6),
    "loss_stride": (1, 64),
    "kept": (0, 1000),
    "smallest": (0.05, 16.0),
    "largest": (0.05, 16.0),
    "distil": (0.0, 1e3),
    "hints": (0.0, 1e3),
    "seed": (0, 2**63 - 1),
}


@dataclass(frozen=True)
class Recipe:
    """Everything that fixes a training run; the defaults are the paper's where a laptop allows.

    Arguments:
        augment: Crop, scale 0.5 to 2, rotation, colour, flip; or photos padded to `crop`.
        crop: The side of the samples in pixels (paper: 512).
        batch: Samples per update over all processes (paper: 64).
        epochs: Passes over the ids (paper: 500).
        learning_rate: Initial rate of the new layers (paper: 0.01), "poly" with power 0.9.
        backbone_rate: Factor on the learning rate for backbone and context; 0 freezes them.
        scale_rate: Factor on the learning rate for theta_scale, which a full rate blows up.
        momentum: SGD's momentum.
        weight_decay: SGD's weight decay.
        warmup: Updates over which the rate rises linearly.
        minutes: End after so long, even if epochs are left, the rate falling to 0 by then; 0 = by
            epochs alone. Such a run cannot be repeated exactly.
        freeze_norm: Batch norm of backbone and context keeps its statistics: for batches too small
            for good statistics.
        loss_stride: The loss is taken at every n-th pixel both ways (1 = all).
        kept: With a frozen backbone: so many views of each image, whole photos at random scales,
            are seen by it once and kept on disk; 0 = every sample is new, and cropped.
        mixed: bfloat16 arithmetic where it is safe.
        smallest: The smallest random scale of an augmented sample.
        largest: The largest.
        distil: Weight of the divergence from a teacher's prediction (D in `segviz.teacher`).
        hints: Weight of what is unexplained of a teacher's maps (H there).
        seed: Of initialisation, order and augmentation.

    Raises:
        InputError: If a value is out of its range, or the largest scale below the smallest.

    Source:
        Paper section 3, training.
    """

    augment: bool = True
    crop: int = 512
    batch: int = 16
    epochs: float = 50.0
    learning_rate: float = 0.01
    backbone_rate: float = 1.0
    scale_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warmup: int = 50
    minutes: float = 0.0
    freeze_norm: bool = True
    loss_stride: int = 1
    kept: int = 0
    mixed: bool = False
    smallest: float = 0.5
    largest: float = 2.0
    distil: float = 0.0
    hints: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            check_range(name.replace("_", " "), getattr(self, name), low, high)
        if self.smallest > self.largest:
            raise InputError(
                f"the smallest scale is {self.smallest:g}, but must not be above the largest,"
                f" {self.largest:g}."
            )

    def iterations(self, images: int) -> int:
        """The number of updates for a training set of that size, at least 1."""
        return max(1, round(self.epochs * images / self.batch))

    def rate(self, iteration: int, iterations: int, used: float = 0.0) -> float:
        """The factor on the learning rate at an update: linear warm-up, then poly 0.9.

        Arguments:
            iteration: The updates made.
            iterations: The updates there will be.
            used: How much of the minutes is used, from 0; what is further on counts.
        """
        poly = (1 - min(1.0, max(iteration / iterations, used))) ** 0.9
        return poly * min(1.0, (iteration + 1) / max(1, self.warmup))

"""The settings that determine an episode."""

from dataclasses import dataclass

from ..errors import InputError
from ..validation import check_range
from . import objectives

__all__ = ["PRECISIONS", "VARIABLES", "Settings"]

VARIABLES = {
    "score": "theta_score, the classifier",
    "scale": "theta_scale, the regressor of sigma",
    "both": "theta_score and theta_scale",
    "all": "every parameter, end to end (slow: the paper's negative control)",
}
PRECISIONS = ("float32", "bfloat16")
LIMITS: dict[str, tuple[float, float]] = {
    "scale": (0.25, 8.0),
    "steps": (0, 512),
    "learning_rate": (1e-7, 1.0),
}


@dataclass(frozen=True)
class Settings:
    """The settings of an episode; the paper's values are the defaults.

    Arguments:
        scale: The resize factor s of the photo, 0.25 to 8.
        objective: A name in `OBJECTIVES`.
        variables: Which parameters are adapted, a name in `VARIABLES`.
        steps: The number of updates T, 0 (feedforward) to 512.
        learning_rate: Adam's learning rate, 1e-7 to 1.
        centred: Whether the bias compensates a change of the weight, so that the weight acts on
            features centred on the image's mean at step 0.
        tolerance: Stop early once a step changes the loss by less than this fraction; 0 = never.
        precision: The arithmetic of the frozen part; the steps are always float32.

    Raises:
        InputError: If a value is out of its range.
    """

    scale: float = 3.0
    objective: str = "entropy"
    variables: str = "both"
    steps: int = 32
    learning_rate: float = 1e-3
    centred: bool = False
    tolerance: float = 0.0
    precision: str = "float32"

    def __post_init__(self) -> None:
        for name, (low, high) in LIMITS.items():
            check_range(name.replace("_", " "), getattr(self, name), low, high)
        if self.steps != int(self.steps):
            raise InputError(f"steps must be a whole number, got {self.steps}; round it.")
        object.__setattr__(self, "steps", int(self.steps))  # 32.0 from JSON or a URL
        if not 0 <= self.tolerance < 1:
            raise InputError(
                f"tolerance must be at least 0 and below 1, got {self.tolerance}; choose a fraction"
                " such as 0.01."
            )
        objectives.find(self.objective)
        if self.variables not in VARIABLES:
            raise InputError(
                f"there are no variables {self.variables!r}; choose one of {', '.join(VARIABLES)}."
            )
        if self.precision not in PRECISIONS:
            raise InputError(
                f"there is no precision {self.precision!r}; choose one of {', '.join(PRECISIONS)}."
            )
        if self.centred and self.variables == "all":
            raise InputError(
                "centred updates are defined for theta_score and theta_scale, but the variables are"
                " 'all'; choose score, scale or both, or switch centring off."
            )

    @property
    def needs_truth(self) -> bool:
        """Whether the episode cannot run without labels."""
        return self.steps > 0 and objectives.find(self.objective).needs_truth

"""The settings of an episode: a method, at a scale, in a precision."""

from dataclasses import dataclass, fields

from ..errors import InputError
from ..network.tile_sizes import TILE_SIDES, TILE_UNIT
from ..validation import check_range
from .method import LIMITS, OPTIMISERS, VARIABLES, Method

__all__ = ["LIMITS", "OPTIMISERS", "PRECISIONS", "VARIABLES", "Settings"]

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class Settings(Method):
    """A method with what else determines an episode; the paper's values are the defaults.

    Arguments:
        scale: The resize factor s of the photo, 0.25 to 8.
        precision: The arithmetic of the frozen part; the steps are always float32.
        tile: The side of the overlapping tiles that larger inputs are cut into, in pixels, a
            multiple of 64 from 256 to 8192; 0 = none.

    Raises:
        InputError: If a value is out of its range, here or of `Method`.
    """

    scale: float = 3.0
    precision: str = "float32"
    tile: int = 0

    def __post_init__(self) -> None:
        check_range("scale", self.scale, *LIMITS["scale"])
        super().__post_init__()
        if self.precision not in PRECISIONS:
            raise InputError(
                f"there is no precision {self.precision!r}; choose one of {', '.join(PRECISIONS)}."
            )
        low, high = TILE_SIDES
        if self.tile and not (low <= self.tile <= high and self.tile % TILE_UNIT == 0):
            raise InputError(
                f"tile must be 0, or a multiple of {TILE_UNIT} from {low} to {high} pixels, got"
                f" {self.tile}; choose such as 512."
            )

    @classmethod
    def of(
        cls, method: Method, scale: float, precision: str = "float32", tile: int = 0
    ) -> "Settings":
        """Return the settings of a method at a scale."""
        values = {field.name: getattr(method, field.name) for field in fields(Method)}
        return cls(**values, scale=scale, precision=precision, tile=tile)

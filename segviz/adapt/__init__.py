"""Test-time optimisation of one image: settings in, record out."""

from typing import TYPE_CHECKING, Any

from .objectives import OBJECTIVES, Objective
from .record import Record
from .settings import VARIABLES, Settings

if TYPE_CHECKING:
    from .run import Run

__all__ = ["OBJECTIVES", "VARIABLES", "Objective", "Record", "Run", "Settings"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """`Run` when it is first asked for: torch comes with it, and takes seconds."""
    if name == "Run":
        from .run import Run

        return Run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

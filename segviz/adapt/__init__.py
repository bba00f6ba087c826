"""Test-time optimisation of one image: settings in, record out."""

from .objectives import OBJECTIVES, Objective
from .record import Record
from .run import Run
from .settings import VARIABLES, Settings

__all__ = ["OBJECTIVES", "VARIABLES", "Objective", "Record", "Run", "Settings"]

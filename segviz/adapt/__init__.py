"""Test-time adaptation of one image: objectives, variables, optimisation."""

from .objectives import OBJECTIVES, Objective
from .settings import VARIABLES, Settings

__all__ = ["OBJECTIVES", "VARIABLES", "Objective", "Settings"]

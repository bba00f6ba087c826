"""Test-time adaptation of one photo: methods, objectives, variables, optimisation."""

from .method import VARIABLES, Method
from .methods import FEEDFORWARD, METHODS
from .objectives import OBJECTIVES, Objective
from .settings import Settings

__all__ = [
    "FEEDFORWARD",
    "METHODS",
    "OBJECTIVES",
    "VARIABLES",
    "Method",
    "Objective",
    "Settings",
]

"""Test-time adaptation of one photo: methods, objectives, variables, optimisation."""

from .method import END_TO_END, OPTIMISERS, VARIABLES, Method
from .methods import FEEDFORWARD, METHODS
from .objectives import OBJECTIVES, Objective
from .settings import Settings

__all__ = [
    "END_TO_END",
    "FEEDFORWARD",
    "METHODS",
    "OBJECTIVES",
    "OPTIMISERS",
    "VARIABLES",
    "Method",
    "Objective",
    "Settings",
]

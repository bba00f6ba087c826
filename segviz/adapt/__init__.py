"""Test-time adaptation of one photo: methods, objectives, variables, optimisation."""

from .method import END_TO_END, OPTIMISERS, VARIABLES, Method
from .methods import FEEDFORWARD, METHODS
from .objectives import OBJECTIVES, Objective
from .settings import Settings
from .stop import STOP_RULES

__all__ = [
    "END_TO_END",
    "FEEDFORWARD",
    "METHODS",
    "OBJECTIVES",
    "OPTIMISERS",
    "STOP_RULES",
    "VARIABLES",
    "Method",
    "Objective",
    "Settings",
]

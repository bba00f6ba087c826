"""Pieces of JSON that somebody else may have written: what they have to be, or what is wrong."""

import math
from typing import Any

import numpy as np

__all__ = [
    "UnfitError",
    "count",
    "mapping",
    "mappings",
    "number",
    "numbers",
    "sequence",
    "text",
    "texts",
]

LARGEST = 1e12


class UnfitError(Exception):
    """What is wrong with a piece, to complete a sentence."""


def mapping(value: object, what: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise UnfitError(f"{what} is no object")
    return value


def sequence(value: object, what: str) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise UnfitError(f"{what} is no list")
    return value


def mappings(value: object, what: str, one: str) -> list[dict[str, Any]]:
    """A JSON array of objects, each called `one`."""
    return [mapping(each, one) for each in sequence(value, what)]


def text(value: object, what: str) -> str:
    """A JSON string."""
    if not isinstance(value, str):
        raise UnfitError(f"{what} is no text")
    return value


def texts(value: object, what: str, one: str) -> list[str]:
    """A JSON array of strings, each called `one`."""
    return [text(each, one) for each in sequence(value, what)]


def count(value: object, what: str) -> int:
    """A whole number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < LARGEST:
        raise UnfitError(f"{what} is no number of things")
    return value


def number(value: object, what: str) -> float | None:
    """A finite number, or None for null."""
    if value is None:
        return None
    known = isinstance(value, int | float) and not isinstance(value, bool)
    if not known or not abs(value) < LARGEST:  # type: ignore[arg-type]
        raise UnfitError(f"{what} is no number")
    return float(value)  # type: ignore[arg-type]


def numbers(value: object, what: str) -> np.ndarray:
    """Numbers, shape (N,), float64, NaN for null."""
    found = [number(one, what) for one in sequence(value, what)]
    return np.array([math.nan if one is None else one for one in found], np.float64)

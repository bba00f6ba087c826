"""One parameter of an address: how a value becomes text and text a value."""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

__all__ = ["MAX_RUNS", "Parameter", "choice", "flag", "number", "optional", "pattern", "several"]

MAX_RUNS = 12
"""The largest number of runs shown side by side."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a page.

    Arguments:
        default: The value that addresses leave out.
        read: Parses text; raises ValueError if it is not valid.
        write: Formats a value.
        valid: Completes the sentence "it must be".
    """

    default: Any
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    valid: str


def number(default: float | None, low: float, high: float, kind: type = float) -> Parameter:
    """Return a parameter with a number from `low` to `high`."""

    def read(text: str) -> float:
        value = kind(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    valid = f"a {'whole ' if kind is int else ''}number from {low:g} to {high:g}"
    return Parameter(default, read, lambda value: f"{value:.12g}", valid)


def choice(default: str, options: Collection[str], names: str = "") -> Parameter:
    """Return a parameter with one of some values; `names` are these in short."""

    def read(text: str) -> str:
        if text not in options:
            raise ValueError(text)
        return text

    return Parameter(default, read, str, f"one of {names or ', '.join(options)}")


def optional(parameter: Parameter) -> Parameter:
    """Return a parameter whose default None stands for a value of its own kind."""
    return Parameter(
        None,
        lambda text: None if text == "" else parameter.read(text),
        lambda value: "" if value is None else parameter.write(value),
        parameter.valid,
    )


def flag(default: bool) -> Parameter:
    """Return a parameter that is on or off."""
    return Parameter(
        default, lambda text: bool(("0", "1").index(text)), lambda on: str(int(on)), "0 or 1"
    )


def several(default: tuple[Any, ...], item: Parameter, most: int = MAX_RUNS) -> Parameter:
    """Return a parameter of several values, joined by underscores; commas are read, too."""

    def read(text: str) -> tuple[Any, ...]:
        found = tuple(dict.fromkeys(item.read(part) for part in re.split("[_,]", text)))
        if not 1 <= len(found) <= most:
            raise ValueError(text)
        return found

    def write(values: tuple[Any, ...]) -> str:
        return "_".join(item.write(value) for value in values)

    return Parameter(default, read, write, f"up to {most}, joined by _, each {item.valid}")


def pattern(default: str, regex: str, valid: str) -> Parameter:
    """Return a parameter of text that matches a regular expression."""

    def read(text: str) -> str:
        if not re.fullmatch(regex, text, re.ASCII):
            raise ValueError(text)
        return text

    return Parameter(default, read, str, valid)

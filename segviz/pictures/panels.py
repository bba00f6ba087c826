"""The pictures of a step, by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..data.classes import IGNORE, PALETTE
from ..errors import InputError
from ..runs.record import Record
from . import maps

__all__ = ["OPACITY", "PANELS", "Panel", "bar", "choose", "legend", "outcomes"]

OPACITY = 0.6
"""Of the labels in the panel overlay."""


@dataclass(frozen=True)
class Panel:
    """One picture of a step.

    Arguments:
        title: What it shows.
        picture: Of a record and a step, the picture (H, W, 3) uint8 at the photo's own pixels.
        moves: Whether it changes from step to step.
        judged: Whether it needs truth.
        labels: Of a record and a step, the class ids (H, W) uint8 that the picture shows, if it
            shows nothing else.
    """

    title: str
    picture: Callable[[Record, int], np.ndarray]
    moves: bool = True
    judged: bool = False
    labels: Callable[[Record, int], np.ndarray] | None = None


def _truth(record: Record) -> np.ndarray:
    assert record.truth is not None, "panels that need truth are chosen only where there is truth"
    return record.truth


PANELS: dict[str, Panel] = {
    "photo": Panel("photo", lambda record, _: record.photo, moves=False),
    "overlay": Panel(
        "prediction over photo",
        lambda record, step: maps.overlay(record.photo, record.labels[step], OPACITY),
    ),
    "feedforward": Panel(
        "prediction of step 0",
        lambda record, _: maps.label_picture(record.labels[0]),
        moves=False,
        labels=lambda record, _: record.labels[0],
    ),
    "prediction": Panel(
        "prediction",
        lambda record, step: maps.label_picture(record.labels[step]),
        labels=lambda record, step: record.labels[step],
    ),
    "entropy": Panel(
        "entropy",
        lambda record, step: maps.entropy_picture(record, step, maps.limits_of(record.entropy)),
    ),
    "receptive-field": Panel(
        "receptive field (sigma)",
        lambda record, step: maps.receptive_field_picture(
            record, step, maps.limits_of(record.sigma)
        ),
    ),
    "truth": Panel(
        "truth",
        lambda record, _: maps.label_picture(_truth(record)),
        moves=False,
        judged=True,
        labels=lambda record, _: _truth(record),
    ),
    "right-wrong": Panel(
        "right and wrong, since step 0",
        lambda record, step: maps.outcome_picture(
            _truth(record), record.labels[0], record.labels[step]
        ),
        judged=True,
    ),
}


def choose(record: Record, names: Sequence[str] = ()) -> list[str]:
    """Names of `PANELS` that the record has, in the order given; without names, all of them.

    Raises:
        InputError: If a name is unknown, or needs truth where there is none.
    """
    judged = record.reference == "truth" and record.truth is not None
    there = [name for name, panel in PANELS.items() if judged or not panel.judged]
    for name in names:
        if name not in PANELS:
            raise InputError(f"there is no panel {name!r}; choose one of {', '.join(there)}.")
        if name not in there:
            raise InputError(
                f"the panel {name!r} needs truth, but this run had none;"
                f" choose one of {', '.join(there)}."
            )
    return list(dict.fromkeys(names)) or there


Bar = tuple[str, tuple[float, float], str]


def bar(record: Record, name: str) -> Bar | None:
    """The colour bar of a panel: its map in `COLOUR_MAPS`, its range over all steps, its unit."""
    if name == "entropy":
        return "entropy", maps.limits_of(record.entropy), "nats"
    if name == "receptive-field":
        return "sigma", maps.limits_of(record.sigma), "input px"
    return None


Swatches = list[tuple[tuple[int, int, int], str]]


def legend(record: Record) -> Swatches:
    """Colour and name of the classes that any step or the truth has."""
    ids = maps.classes_in(record)
    entries = [(_colour(id), record.classes[id]) for id in ids if id < len(record.classes)]
    if record.reference == "truth" and (_truth(record) == IGNORE).any():
        entries.append((_colour(IGNORE), "ignored in truth"))
    return entries


def outcomes() -> Swatches:
    """Colour and name of what the panel right-wrong tells apart."""
    return [(colour, name) for name, colour in maps.OUTCOMES.items()]


def _colour(id: int) -> tuple[int, int, int]:
    r, g, b = PALETTE[id].tolist()
    return r, g, b

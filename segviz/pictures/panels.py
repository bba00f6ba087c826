"""The panels: every picture that there is of a step, in one registry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..data.classes import IGNORE
from ..errors import InputError
from ..glossary import MAPS, PROBABILITY
from ..runs.record import Quantised, Record
from . import maps

__all__ = [
    "OPACITY",
    "PANELS",
    "PROBABILITY_LIMITS",
    "THRESHOLD",
    "Panel",
    "bar",
    "choose",
    "has_map",
    "has_panel",
    "has_truth",
    "legend",
    "outcomes",
]

OPACITY = 0.6
"""The opacity of the labels in the panel overlay."""

THRESHOLD = 0.9
"""The confidence below which the panel confident is grey, until the reader moves it."""


@dataclass(frozen=True)
class Panel:
    """One picture of a step.

    Arguments:
        title: Its caption.
        help: What it shows, one sentence.
        draws: What it is drawn from: the photo, the photo under the predicted labels, the predicted
            labels, truth, a map of numbers, the outcome of each pixel since step 0, the class
            probabilities, labels above a confidence, or the difference from another prediction.
        picture: Returns the picture (H, W, 3) uint8 of a record at a step, at the photo's size.
        changes: Whether it changes from step to step.
        shared: Whether all runs on one photo have the same.
        needs_truth: Whether it needs truth.
        map: The map of `maps.COLOUR_MAPS` that it draws, if it draws one; not every record has it.
        labels: Returns the class ids (H, W) uint8 of a record at a step, if it shows nothing else.
    """

    title: str
    help: str
    draws: Literal[
        "photo",
        "overlay",
        "labels",
        "truth",
        "map",
        "outcomes",
        "probability",
        "confident",
        "difference",
    ]
    picture: Callable[[Record, int], np.ndarray]
    changes: bool = True
    shared: bool = False
    needs_truth: bool = False
    map: str | None = None
    labels: Callable[[Record, int], np.ndarray] | None = None


def _sizes(record: Record) -> Quantised:
    assert record.sizes is not None, "panels of the scale read are chosen only where it is known"
    return record.sizes


def _truth(record: Record) -> np.ndarray:
    assert record.truth is not None, "panels that need truth are chosen only where there is truth"
    return record.truth


PROBABILITY_LIMITS = 0.0, 1.0
"""The colour range of probabilities, whatever the step."""

PANELS: dict[str, Panel] = {
    "photo": Panel(
        "Photo",
        "The photo.",
        "photo",
        lambda record, _: record.photo,
        changes=False,
        shared=True,
    ),
    "overlay": Panel(
        "Photo and prediction",
        "The photo under the predicted classes; background is left clear.",
        "overlay",
        lambda record, step: maps.overlay(
            record.photo, record.labels[step], OPACITY, record.palette, record.background
        ),
    ),
    "feedforward": Panel(
        "Prediction, step 0",
        "The feedforward prediction, before any update.",
        "labels",
        lambda record, _: maps.label_picture(record.labels[0], record.palette),
        changes=False,
        labels=lambda record, _: record.labels[0],
    ),
    "prediction": Panel(
        "Prediction",
        "The class predicted for each pixel at this step.",
        "labels",
        lambda record, step: maps.label_picture(record.labels[step], record.palette),
        labels=lambda record, step: record.labels[step],
    ),
    "entropy": Panel(
        "Entropy",
        MAPS["entropy"].help,
        "map",
        lambda record, step: maps.entropy_picture(record, step, maps.limits_of(record.entropy)),
        map="entropy",
    ),
    "receptive-field": Panel(
        "Receptive field",
        MAPS["sigma"].help,
        "map",
        lambda record, step: maps.receptive_field_picture(
            record, step, maps.limits_of(record.sigma)
        ),
        map="sigma",
    ),
    "scale-read": Panel(
        "Scale read",
        MAPS["sizes"].help,
        "map",
        lambda record, step: maps.scale_picture(record, step, maps.limits_of(_sizes(record))),
        map="sizes",
    ),
    "truth": Panel(
        "Truth",
        "The labels that the prediction is compared with.",
        "truth",
        lambda record, _: maps.label_picture(_truth(record), record.palette),
        changes=False,
        shared=True,
        needs_truth=True,
        labels=lambda record, _: _truth(record),
    ),
    "right-wrong": Panel(
        "Right and wrong",
        "Which pixels are right or wrong, and which have changed since step 0.",
        "outcomes",
        lambda record, step: maps.outcome_picture(
            _truth(record), record.labels[0], record.labels[step]
        ),
        needs_truth=True,
    ),
    "probability": Panel(
        PROBABILITY.title,
        PROBABILITY.help,
        "probability",
        lambda record, step: maps.coloured(
            maps.confidence(record, step), PROBABILITY_LIMITS, "probability"
        ),
        map="probability",
    ),
    "confident": Panel(
        "Confident pixels",
        "The predicted classes where their probability reaches the threshold; grey below it.",
        "confident",
        lambda record, step: maps.confident_picture(record, step, THRESHOLD),
    ),
    "difference": Panel(
        "Difference",
        "Pixels predicted otherwise than at another step or by another run, in the colours of this"
        " step; the others are dark. It needs no truth.",
        "difference",
        lambda record, step: maps.difference_picture(record, step, record.labels[0]),
    ),
}


def has_truth(record: Record) -> bool:
    """Return whether a record has truth, rather than a prediction that stands in for it."""
    return record.reference == "truth" and record.truth is not None


def has_map(record: Record, name: str | None) -> bool:
    """Return whether a record has a map: sigma and sizes are not known of every method."""
    if name == "sigma":
        return record.sigma is not None
    return name != "sizes" or record.sizes is not None


def has_panel(record: Record, panel: Panel) -> bool:
    """Return whether a record has what a panel is drawn from."""
    return (has_truth(record) or not panel.needs_truth) and has_map(record, panel.map)


def choose(record: Record, names: Sequence[str] = ()) -> list[str]:
    """Return the names of `PANELS` that are asked for, in that order, each once.

    Arguments:
        record: The record that must have the panels.
        names: The names asked for; none = all panels that the record has.

    Raises:
        InputError: If a name is unknown, or needs truth where there is none.
    """
    there = [name for name, panel in PANELS.items() if has_panel(record, panel)]
    for name in names:
        if name not in PANELS:
            raise InputError(f"there is no panel {name!r}; choose one of {', '.join(there)}.")
        if name not in there:
            needed = "truth" if PANELS[name].needs_truth else f"a map of {PANELS[name].map}"
            raise InputError(
                f"the panel {name!r} needs {needed}, but this run had none;"
                f" choose one of {', '.join(there)}."
            )
    return list(dict.fromkeys(names)) or there


Bar = tuple[str, tuple[float, float], str]


def bar(record: Record, name: str) -> Bar | None:
    """Return the colour bar of a panel: its map, its range over all steps, its unit."""
    map = PANELS[name].map
    if map is None:
        return None
    if map == "probability":
        return map, PROBABILITY_LIMITS, PROBABILITY.unit
    return map, maps.limits_of(getattr(record, map)), MAPS[map].unit


Swatches = list[tuple[tuple[int, int, int], str]]


def legend(record: Record) -> Swatches:
    """Return colour and name of the classes that any step or the truth has."""
    ids = maps.classes_in(record)
    entries = [(_colour(record, id), record.classes[id]) for id in ids if id < len(record.classes)]
    if has_truth(record) and (_truth(record) == IGNORE).any():
        entries.append((_colour(record, IGNORE), "ignored in truth"))
    return entries


def outcomes() -> Swatches:
    """Return colour and name of each outcome of the panel right-wrong."""
    return [(colour, name) for name, colour in maps.OUTCOMES.items()]


def _colour(record: Record, id: int) -> tuple[int, int, int]:
    r, g, b = record.palette[id].tolist()
    return r, g, b

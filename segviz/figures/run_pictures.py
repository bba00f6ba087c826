"""Pictures of runs in the panels of a figure: photos, predictions, truth and entropy maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_hex
from matplotlib.figure import Figure, SubFigure

from ..data.classes import IGNORE
from ..errors import InputError
from ..network.receptive_field_size import extent
from ..pictures import maps
from ..runs import describe
from ..runs.record import Record
from ..runs.verdict import score
from .style import MUTED, WIDTH, add_legend

__all__ = [
    "BAR_HEIGHT",
    "LEGEND_HEIGHT",
    "RunPair",
    "RunStep",
    "add_class_legend",
    "add_headings",
    "field_sizes",
    "picture_grid",
    "show_entropies",
    "show_photo",
    "show_predictions",
    "show_truth",
]

WORDS_HEIGHT, BAR_HEIGHT, LEGEND_HEIGHT = 0.32, 0.45, 0.3
"""Inches for the words around a picture, a colour bar and a legend."""


@dataclass(frozen=True)
class RunPair:
    """The two runs on a photo that a figure compares.

    Arguments:
        base: Feedforward at scale 1.
        adapted: The adaptation, at another scale.
    """

    base: Record
    adapted: Record

    @property
    def truth(self) -> np.ndarray | None:
        """The labels that the runs were compared with, (H, W); None without truth."""
        return self.adapted.truth if self.adapted.reference == "truth" else None

    @property
    def title(self) -> str:
        """The title of the photo on one line."""
        return describe.one_line(self.adapted.title)


class RunStep(NamedTuple):
    """A step of a run, and its title in a figure."""

    title: str
    record: Record
    step: int


def field_sizes(record: Record, step: int) -> np.ndarray:
    """Return the receptive field sizes of a step on the feature grid, (h, w), input pixels.

    Raises:
        InputError: If the network has no dynamic receptive field.
    """
    if record.sigma is None:
        raise InputError(
            "this figure shows dynamic receptive fields, but the network of the run has none;"
            " choose another figure or a network of segviz."
        )
    return extent(record.sigma[step] / record.stride, record.stride)


def picture_grid(
    rows: Sequence[RunPair], columns: int, keys: float, below: float = 0.0
) -> tuple[Figure, list[SubFigure], np.ndarray]:
    """Return a figure, its parts for pictures and for curves, and axes for the pictures.

    Arguments:
        rows: The run pair of each row of pictures.
        columns: Pictures in a row.
        keys: Inches for the keys below the pictures.
        below: Inches for the curves.
    """
    width = WIDTH / columns
    heights = [
        width * min(pair.adapted.photo.shape[0] / pair.adapted.photo.shape[1], 1) + WORDS_HEIGHT
        for pair in rows
    ]
    parts = [sum(heights) + keys, *([below] if below else [])]
    figure = Figure(figsize=(WIDTH, sum(parts)), layout="constrained")
    subfigures = figure.subfigures(len(parts), 1, height_ratios=parts, squeeze=False)[:, 0]
    axes = subfigures[0].subplots(
        len(rows), columns, squeeze=False, gridspec_kw={"height_ratios": heights}
    )
    for panel in axes.flat:
        panel.set(xticks=[], yticks=[], anchor="N")
        panel.spines[:].set_visible(False)
        panel.xaxis.label.set_color(MUTED)
    return figure, [*subfigures, None][:2], axes


def add_headings(axes: np.ndarray, titles: Sequence[str]) -> None:
    """Write lettered column titles above the axes of the first row."""
    for letter, panel, title in zip("abcdefgh", axes, titles, strict=False):
        panel.set_title(f"({letter}) {title}", weight="bold")


def add_class_legend(panels: SubFigure, pairs: Sequence[RunPair], steps: Sequence[RunStep]) -> None:
    """Name the classes that the predictions and the truth show."""
    shown = [each.record.labels[each.step] for each in steps]
    shown += [pair.truth for pair in pairs if pair.truth is not None]
    names = dict(enumerate(pairs[0].adapted.classes)) | {IGNORE: "ignored in truth"}
    ids = sorted({int(id) for labels in shown for id in np.unique(labels)})
    palette = pairs[0].adapted.palette
    add_legend(panels, {names[id]: to_hex(palette[id] / 255) for id in ids})


def show_photo(axes: Axes, pair: RunPair, title: str = "", label: str = "") -> None:
    """Show the photo of a run pair, with a title above and a label below."""
    axes.imshow(pair.adapted.photo)
    axes.set_title(title)
    axes.set_xlabel(describe.one_line(label, 28), loc="left")


def show_truth(axes: Axes, pair: RunPair, title: str = "") -> None:
    """Show the truth of a run pair; leave the axes empty without truth."""
    if pair.truth is not None:
        picture = maps.label_picture(pair.truth, pair.adapted.palette)
        axes.imshow(picture, interpolation="none")
        axes.set_title(title)


def show_predictions(axes: np.ndarray, steps: Sequence[RunStep]) -> None:
    """Show the predictions of steps, with their IoU or agreement below."""
    for panel, each in zip(axes, steps, strict=True):
        picture = maps.label_picture(each.record.labels[each.step], each.record.palette)
        panel.imshow(picture, interpolation="none")
        panel.set_xlabel(_measure(each), loc="right")


def show_entropies(panels: SubFigure, axes: np.ndarray, steps: Sequence[RunStep]) -> None:
    """Show entropy maps over one range, with their means and a colour bar."""
    limits = [maps.limits_of(each.record.entropy, each.step)[1] for each in steps]
    norm = Normalize(0, max(limits))
    for panel, each in zip(axes, steps, strict=True):
        values = maps.to_photo(each.record.entropy[each.step], each.record)
        image = panel.imshow(values, cmap=maps.COLOUR_MAPS["entropy"], norm=norm)
        panel.set_xlabel(
            f"mean {each.record.steps[each.step]['entropy'] or 0:.3f} nats", loc="right"
        )
    bar = panels.colorbar(
        image,
        ax=panels.axes,
        location="bottom",
        aspect=60,
        fraction=0.05,
        shrink=0.5,
        anchor=(0, 0),
    )
    bar.set_label("entropy, nats")


def _measure(each: RunStep) -> str:
    judged = score(each.record)
    value = each.record.steps[each.step][judged[0]] if judged else None
    if judged is None or value is None:
        return ""
    if judged[0] == "agreement" and each.record.settings.scale == 1 and each.step == 0:
        return "the reference"
    return f"{judged[0].replace('iou', 'IoU')} {value:.3f}"

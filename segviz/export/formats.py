"""Records to files that other programs open: one registry for pages and command line."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..data.masks import palette_image
from ..pictures import maps
from ..pictures.panels import PANELS, choose
from ..runs import describe
from ..runs.archive import read_record, read_zip, record_zip
from ..runs.record import NUMBERS, Record
from . import animation
from .contact_sheet import contact_sheet, spread

__all__ = [
    "Export",
    "Selection",
    "curves_text",
    "exports",
    "panel_png",
    "read_record",
    "read_zip",
    "record_zip",
    "step_picture",
]


@dataclass(frozen=True)
class Selection:
    """What of a record to export; each export takes what it can use.

    Arguments:
        step: The step of a picture; None = the last.
        steps: The steps of a contact sheet or an animation; none = its own choice.
        panels: Names of `PANELS`; none = its own choice.
    """

    step: int | None = None
    steps: tuple[int, ...] = ()
    panels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Export:
    """One kind of file.

    Arguments:
        label: What it is called on a button.
        help: What is in it, one sentence.
        suffix: Of the file's name, with the dot.
        mime: The type a browser is told.
        icon: A Material symbol for its button.
        make: The file's bytes, of a record and a selection.
        part: What its name says beside the run, of a record and a selection.
    """

    label: str
    help: str
    suffix: str
    mime: str
    icon: str
    make: Callable[[Record, Selection], bytes]
    part: Callable[[Record, Selection], str] = lambda record, selection: ""

    def __call__(self, record: Record, selection: Selection | None = None) -> bytes:
        """The file's bytes.

        Raises:
            InputError: If the selection names a step or panel that the record has not.
        """
        return self.make(record, selection or Selection())

    def name(self, record: Record, selection: Selection | None = None) -> str:
        """A safe name for the file."""
        part = self.part(record, selection or Selection())
        return "-".join(filter(None, (describe.file_stem(record), part))) + self.suffix


def curves_text(record: Record) -> str:
    """The numbers of every step as CSV with a header."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, NUMBERS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(record.steps)
    return buffer.getvalue()


def panel_png(record: Record, step: int, name: str) -> bytes:
    """One panel of a step in true pixels; labels as a palette PNG, as VOC stores them.

    Raises:
        InputError: If there is no such step or panel.
    """
    (step,) = spread(record, (step,))
    (name,) = choose(record, (name,))
    labels = PANELS[name].labels
    if labels is None:
        return maps.png(PANELS[name].picture(record, step))
    buffer = io.BytesIO()
    palette_image(labels(record, step)).save(buffer, "PNG")
    return buffer.getvalue()


def step_picture(record: Record, step: int, names: tuple[str, ...] = ()) -> np.ndarray:
    """Panels of a step side by side in true pixels, shape (H, n W, 3), uint8.

    Arguments:
        record: The record.
        step: The step.
        names: Which of `PANELS`; none: photo, prediction, entropy, receptive field and truth.

    Raises:
        InputError: If there is no such step or panel.
    """
    (step,) = spread(record, (step,))
    usual = ("photo", "prediction", "entropy", "receptive-field", "truth")
    there = choose(record)
    chosen = choose(record, names or [name for name in usual if name in there])
    return np.concatenate([PANELS[name].picture(record, step) for name in chosen], axis=1)


def _step(record: Record, selection: Selection) -> int:
    return record.last if selection.step is None else selection.step


def _png_part(record: Record, selection: Selection) -> str:
    return "-".join([f"step-{_step(record, selection):03d}", *selection.panels])


def _png(record: Record, selection: Selection) -> bytes:
    step = _step(record, selection)
    if len(selection.panels) == 1:
        return panel_png(record, step, selection.panels[0])
    return maps.png(step_picture(record, step, selection.panels))


def _html(record: Record, _: Selection) -> bytes:
    from ..viewer.view_state import NamedRecord
    from .report import report

    return report([NamedRecord(record, describe.run(record))], record.title).encode()


exports: dict[str, Export] = {
    "png": Export(
        "Pictures of this step",
        "The panels of one step in true pixels; one label map alone keeps VOC's palette.",
        ".png",
        "image/png",
        ":material/image:",
        _png,
        _png_part,
    ),
    "sheet": Export(
        "Contact sheet",
        "Chosen steps on one picture, with colour bars, classes and settings.",
        ".png",
        "image/png",
        ":material/grid_on:",
        lambda record, chosen: maps.png(contact_sheet(record, chosen.steps, chosen.panels)),
        lambda *_: "sheet",
    ),
    "gif": Export(
        "GIF",
        "The run as an animation; labels in their exact colours, the rest in few.",
        ".gif",
        "image/gif",
        ":material/gif_box:",
        lambda record, chosen: animation.gif(record, chosen.steps, chosen.panels),
    ),
    "webp": Export(
        "WebP",
        "The run as a lossless animation in all colours.",
        ".webp",
        "image/webp",
        ":material/animated_images:",
        lambda record, chosen: animation.webp(record, chosen.steps, chosen.panels),
    ),
    "csv": Export(
        "Curves",
        "The numbers of every step as CSV.",
        ".csv",
        "text/csv",
        ":material/show_chart:",
        lambda record, _: curves_text(record).encode(),
    ),
    "zip": Export(
        "Record",
        "Everything about the run (NPZ and JSON); segviz opens it again without computing.",
        ".zip",
        "application/zip",
        ":material/folder_zip:",
        lambda record, _: record_zip(record, describe.file_stem(record)),
    ),
    "html": Export(
        "Report",
        "One page with the viewer and all its data; opens in a browser, without network.",
        ".html",
        "text/html",
        ":material/html:",
        _html,
    ),
}

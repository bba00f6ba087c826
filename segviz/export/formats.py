"""The registry of exports: files made of a record, for the app and the command line."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..data.masks import palette_image
from ..pictures import maps
from ..pictures.panels import PANELS, choose
from ..runs import describe
from ..runs.archive import record_zip
from ..runs.record import NUMBERS, Record
from . import animation, video
from .contact_sheet import choose_steps, contact_sheet

__all__ = [
    "EXPORTS",
    "Export",
    "Selection",
    "curves_text",
    "panel_png",
    "step_picture",
]

DEFAULT_PANELS = ("photo", "prediction", "entropy", "receptive-field", "truth")


@dataclass(frozen=True)
class Selection:
    """What to export of a record; each export uses what applies to it.

    Arguments:
        step: The step of a picture; None = the last.
        steps: The steps of a contact sheet or an animation; none = the default of the export.
        panels: Names of `PANELS`; none = the default of the export.
    """

    step: int | None = None
    steps: tuple[int, ...] = ()
    panels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Export:
    """A kind of file.

    Arguments:
        label: The label of its button.
        help: Its content in one sentence.
        suffix: The suffix of its name, with the dot.
        mime: Its media type.
        icon: The Material symbol of its button.
        make: Returns its bytes, given a record and a selection.
        qualifier: Returns what its name adds to that of the run, given a record and a selection.
        is_available: Returns whether what makes it is installed.
    """

    label: str
    help: str
    suffix: str
    mime: str
    icon: str
    make: Callable[[Record, Selection], bytes]
    qualifier: Callable[[Record, Selection], str] = lambda record, selection: ""
    is_available: Callable[[], bool] = lambda: True

    def __call__(self, record: Record, selection: Selection | None = None) -> bytes:
        """Return the bytes of the file.

        Raises:
            InputError: If the record lacks a step or panel of the selection.
        """
        return self.make(record, selection or Selection())

    def name(self, record: Record, selection: Selection | None = None) -> str:
        """Return a name for the file, safe on every file system."""
        qualifier = self.qualifier(record, selection or Selection())
        return "-".join(filter(None, (describe.file_stem(record), qualifier))) + self.suffix


def curves_text(record: Record) -> str:
    """Return the numbers of every step as CSV with a header."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, NUMBERS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(record.steps)
    return buffer.getvalue()


def panel_png(record: Record, step: int, name: str) -> bytes:
    """Return a panel of a step in true pixels; labels as a palette PNG, as VOC stores them.

    Raises:
        InputError: If there is no such step or panel.
    """
    (step,) = choose_steps(record, (step,))
    (name,) = choose(record, (name,))
    labels = PANELS[name].labels
    if labels is None:
        return maps.png(PANELS[name].picture(record, step))
    buffer = io.BytesIO()
    palette_image(labels(record, step), record.palette).save(buffer, "PNG")
    return buffer.getvalue()


def step_picture(record: Record, step: int, names: tuple[str, ...] = ()) -> np.ndarray:
    """Return panels of a step side by side in true pixels, shape (H, n W, 3), uint8.

    Arguments:
        record: The record.
        step: The step.
        names: Names of `PANELS`; none = photo, prediction, entropy, receptive field and truth.

    Raises:
        InputError: If there is no such step or panel.
    """
    (step,) = choose_steps(record, (step,))
    available = choose(record)
    chosen = choose(record, names or [name for name in DEFAULT_PANELS if name in available])
    return np.concatenate([PANELS[name].picture(record, step) for name in chosen], axis=1)


def _step(record: Record, selection: Selection) -> int:
    return record.last if selection.step is None else selection.step


def _png_qualifier(record: Record, selection: Selection) -> str:
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


EXPORTS: dict[str, Export] = {
    "png": Export(
        "Pictures of this step",
        "The panels of one step in true pixels; a label map alone keeps VOC's palette.",
        ".png",
        "image/png",
        ":material/image:",
        _png,
        _png_qualifier,
    ),
    "sheet": Export(
        "Contact sheet",
        "Chosen steps in one picture, with colour bars, classes and settings.",
        ".png",
        "image/png",
        ":material/grid_on:",
        lambda record, chosen: maps.png(contact_sheet(record, chosen.steps, chosen.panels)),
        lambda *_: "sheet",
    ),
    "gif": Export(
        "GIF",
        "The run as an animation: class colours exact, the others reduced to a palette.",
        ".gif",
        "image/gif",
        ":material/gif_box:",
        lambda record, chosen: animation.gif(record, chosen.steps, chosen.panels),
    ),
    "webp": Export(
        "WebP",
        "The run as a lossless animation: all colours exact.",
        ".webp",
        "image/webp",
        ":material/animated_images:",
        lambda record, chosen: animation.webp(record, chosen.steps, chosen.panels),
    ),
    "mp4": Export(
        "MP4",
        "The run as a video, for slides and video players; needs the package imageio-ffmpeg.",
        ".mp4",
        "video/mp4",
        ":material/movie:",
        lambda record, chosen: video.mp4(record, chosen.steps, chosen.panels),
        is_available=video.has_encoder,
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
        "All data of the run (NPZ and JSON); segviz opens it without computing it again.",
        ".zip",
        "application/zip",
        ":material/folder_zip:",
        lambda record, _: record_zip(record, describe.file_stem(record)),
    ),
    "html": Export(
        "Report",
        "One page with the viewer and all data; opens in a browser without a network.",
        ".html",
        "text/html",
        ":material/html:",
        _html,
    ),
}

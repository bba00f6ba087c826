"""Records to files that other programs open."""

import csv
import io
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from ..adapt.record import NUMBERS, Record
from . import maps

__all__ = ["curves_csv", "curves_text", "record_zip", "step_picture", "step_png"]


def curves_text(record: Record) -> str:
    """The numbers of every step as CSV with a header."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, NUMBERS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(record.steps)
    return buffer.getvalue()


def curves_csv(record: Record, path: Path) -> None:
    """Write `curves_text` to a file."""
    path.write_text(curves_text(record), encoding="utf-8")


def step_picture(record: Record, step: int) -> np.ndarray:
    """Photo, prediction, entropy, receptive field and truth of a step side by side, uint8."""
    panels = [
        record.photo,
        maps.label_picture(record.labels[step]),
        maps.entropy_picture(record, step, maps.limits_of(record.entropy)),
        maps.receptive_field_picture(record, step, maps.limits_of(record.sigma)),
    ]
    if record.reference == "truth" and record.truth is not None:
        panels.append(maps.label_picture(record.truth))
    return np.concatenate(panels, axis=1)


def step_png(record: Record, step: int, path: Path) -> None:
    """Write `step_picture` to a PNG."""
    path.write_bytes(maps.png(step_picture(record, step)))


def record_zip(record: Record, stem: str = "record") -> bytes:
    """The record as one ZIP file with `stem`.npz and `stem`.json in it."""
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(buffer, "w") as archive:
        for file in record.save(Path(folder) / stem):
            archive.write(file, file.name)
    return buffer.getvalue()

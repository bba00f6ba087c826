"""Rasterise segviz/data/sample_masks/polygons.json to the palette PNGs beside it.

    python tools/draw_masks.py

The file maps the name of a sample to its size [width, height] and its shapes, painted in order:
each has a class (one of VOC's, or "ignore") and a polygon of points [x, y] in pixels; pixel centres
are at whole numbers. Pixels within BAND of a border between two classes become ignore.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from segviz.data.classes import CLASSES, IGNORE
from segviz.data.masks import palette_image

FOLDER = Path(__file__).parents[1] / "segviz" / "data" / "sample_masks"
BAND = 2
IDS = {name: id for id, name in enumerate(CLASSES)} | {"ignore": IGNORE}


def inside(polygon: list[list[float]], width: int, height: int) -> np.ndarray:
    """Return which pixel centres are in the polygon by the even-odd rule, (height, width) bool."""
    xs, ys = np.arange(width), np.arange(height)
    odd = np.zeros((height, width), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        rows = (y0 > ys) != (y1 > ys)
        if rows.any():
            crossing = x0 + (ys[rows] - y0) * (x1 - x0) / (y1 - y0)
            odd[rows] ^= xs < crossing[:, None]
    return odd


def draw(entry: dict[str, Any]) -> np.ndarray:
    """Return the class ids of one entry of the file, shape (H, W), uint8."""
    width, height = entry["size"]
    ids = np.zeros((height, width), dtype=np.uint8)
    for shape in entry["shapes"]:
        ids[inside(shape["polygon"], width, height)] = IDS[shape["class"]]
    padded = np.pad(ids, BAND, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * BAND + 1, 2 * BAND + 1))
    border = windows.min(axis=(2, 3)) != windows.max(axis=(2, 3))
    return np.where(border, IGNORE, ids).astype(np.uint8)


def main() -> None:
    """Write every mask."""
    for name, entry in json.loads((FOLDER / "polygons.json").read_text()).items():
        palette_image(draw(entry)).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()

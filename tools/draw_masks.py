"""Rasterises segviz/sample_masks/polygons.json to the palette PNGs beside it.

    python tools/draw_masks.py

The file maps a sample's name to its size [width, height] and to shapes, painted in their order:
each has a class ("ignore" and "background" are such) and a polygon of points [x, y] in pixels,
with the centres of pixels at whole numbers. Borders between classes become ignore, BAND pixels
to each side.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from segviz.data.voc import CLASSES, IGNORE, PALETTE

FOLDER = Path(__file__).parents[1] / "segviz" / "data" / "sample_masks"
BAND = 2
IDS = {name: id for id, name in enumerate(CLASSES)} | {"ignore": IGNORE}


def inside(polygon: list[list[float]], width: int, height: int) -> np.ndarray:
    """Returns which pixel centres (height, width) are in the polygon, by the even-odd rule."""
    xs, ys = np.arange(width), np.arange(height)
    odd = np.zeros((height, width), dtype=bool)
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        rows = (y0 > ys) != (y1 > ys)
        if rows.any():
            crossing = x0 + (ys[rows] - y0) * (x1 - x0) / (y1 - y0)
            odd[rows] ^= xs < crossing[:, None]
    return odd


def draw(entry: dict) -> np.ndarray:
    """Returns the class ids (H, W) uint8 of one entry of the file."""
    width, height = entry["size"]
    ids = np.zeros((height, width), dtype=np.uint8)
    for shape in entry["shapes"]:
        ids[inside(shape["polygon"], width, height)] = IDS[shape["class"]]
    padded = np.pad(ids, BAND, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * BAND + 1, 2 * BAND + 1))
    border = windows.min(axis=(2, 3)) != windows.max(axis=(2, 3))
    return np.where(border, IGNORE, ids).astype(np.uint8)


def main() -> None:
    """Writes every mask."""
    for name, entry in json.loads((FOLDER / "polygons.json").read_text()).items():
        image = Image.fromarray(draw(entry))
        image.putpalette(PALETTE.tobytes())
        image.save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()

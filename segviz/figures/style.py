"""The style of printed figures, their captions, legends and files."""

import io
import textwrap
import warnings
from collections.abc import Mapping
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Patch
from PIL import Image

from ..data.classes import CLASSES, IGNORE
from ..data.voc_palette import PALETTE
from ..pictures.gif_palette import palette_for, reduce_colours

__all__ = [
    "DPI",
    "MUTED",
    "STYLE",
    "WIDTH",
    "add_caption",
    "add_legend",
    "figure_bytes",
]

WIDTH = 7.2
"""The width of a figure in inches: two columns of a paper."""
DPI = {"png": 200, "pdf": 300}
"""The formats, and the resolution of their pictures in pixels an inch."""
MUTED, LINE = "#6c6c6c", "#d0d0d0"
STYLE: Any = {  # its type in matplotlib is a literal of every name
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 3,
    "axes.titlesize": "medium",
    "figure.constrained_layout.h_pad": 0.06,
    "figure.titlesize": 8,
    "figure.titleweight": "bold",
    "font.family": "DejaVu Sans",  # comes with matplotlib, and has many alphabets
    "font.size": 7,
    "grid.color": LINE,
    "grid.linewidth": 0.4,
    "legend.borderaxespad": 0,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # text stays text
    "text.parse_math": False,  # a dollar in the title of a photo is a dollar
    "xtick.color": LINE,
    "xtick.labelcolor": MUTED,
    "xtick.major.size": 2.5,
    "ytick.color": LINE,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 2.5,
}
"""Settings of matplotlib with which figures are drawn and saved."""
CAPTION_COLUMNS = 148
"""Characters on a line of a caption."""
LINE_HEIGHT = 0.125
"""The height of a line of a caption in inches."""


def add_caption(figure: Figure, title: str, text: str) -> None:
    """Write a bold title above a figure, and a caption below it."""
    lines = textwrap.wrap(text, CAPTION_COLUMNS)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + (len(lines) + 3) * LINE_HEIGHT)
    figure.suptitle(title, x=0.01, horizontalalignment="left")
    caption = "\n".join(lines)
    figure.supxlabel(
        caption, x=0.01, horizontalalignment="left", color=MUTED, size="medium", linespacing=1.4
    )


def add_legend(figure: Figure | SubFigure, colours: Mapping[str, str], columns: int = 6) -> None:
    """Add a legend of names and hexadecimal colours below the panels of a figure."""
    handles = [
        Patch(facecolor=colour, edgecolor=LINE, label=name) for name, colour in colours.items()
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=columns, handlelength=1)


@rc_context(STYLE)
def figure_bytes(figure: Figure, format: str, title: str = "", few_colours: bool = False) -> bytes:
    """Return a figure as a file; the same figure gives the same bytes.

    Arguments:
        figure: The figure.
        format: A key of `DPI`.
        title: The title in the file's metadata.
        few_colours: Whether a PNG has a palette: class colours exact, the rest nearly, a third of
            the size.
    """
    metadata: dict[str, str | None] = {"Title": title}
    if format == "pdf":
        metadata |= {"Creator": "segviz", "CreationDate": None}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a title in an alphabet that the font lacks
        figure.savefig(
            buffer,
            format=format,
            dpi=DPI[format],
            metadata=metadata,
            bbox_inches="tight",
            pad_inches=0.1,
        )
    return _palette_png(buffer) if few_colours and format == "png" else buffer.getvalue()


def _palette_png(png: io.BytesIO) -> bytes:
    image = Image.open(png).convert("RGB")
    exact = map(tuple, PALETTE[[*range(len(CLASSES)), IGNORE]].tolist())
    reduced = io.BytesIO()
    reduce_colours(image, palette_for([*exact], image)).save(reduced, "PNG", optimize=True)
    return reduced.getvalue()

"""The viewer's JavaScript and CSS, one text each."""

from functools import cache
from pathlib import Path

__all__ = ["assets"]

_FOLDER = Path(__file__).parent


@cache
def assets() -> dict[str, str]:
    """Return the viewer for a page of HTML.

    Returns:
        `js`: an ES module that exports `mount(parent, head, frames, options)`, where head and
        frames are those of a payload, and as its default a Streamlit component; `npm run build`
        makes it from `js/`. `css`: its style.
    """
    files = {"js": "viewer.bundle.js", "css": "viewer.css"}
    return {kind: (_FOLDER / name).read_text(encoding="utf-8") for kind, name in files.items()}

"""The viewer's JavaScript and CSS, one text each."""

import re
from functools import cache
from pathlib import Path

__all__ = ["MODULES", "assets"]

MODULES = (
    "dom.js",
    "decode.js",
    "sample.js",
    "paint.js",
    "model.js",
    "frame.js",
    "pointer.js",
    "wipe.js",
    "stage.js",
    "controls.js",
    "inspector.js",
    "charts.js",
    "numbers.js",
    "pins.js",
    "keys.js",
    "mount.js",
)
"""The files of JavaScript: each imports only from those before it."""

_FOLDER = Path(__file__).parent / "js"
_IMPORT = re.compile(r"^import \{[^}]*\} from \"\./[a-z]+\.js\";\n", re.MULTILINE)
_EXPORT = re.compile(r"^export \{[^}]*\};\n", re.MULTILINE)


@cache
def assets() -> dict[str, str]:
    """The viewer for a page of HTML.

    Returns:
        `js`: one ES module that exports `mount(parent, head, frames, options)`, where head and
        frames are those of a payload; `css`: its style.
    """
    js = "\n".join(text(name) for name in MODULES) + "\nexport { mount };\n"
    return {"js": js, "css": Path(__file__).with_name("viewer.css").read_text(encoding="utf-8")}


def text(name: str) -> str:
    """A file of JavaScript without its imports and exports, to stand with others in one module."""
    whole = (_FOLDER / name).read_text(encoding="utf-8")
    return _EXPORT.sub("", _IMPORT.sub("", whole))

"""Watch a segmentation network adapt itself to one image.

    import segviz

    record = segviz.run("sample:cat", scale=3, objective="entropy", steps=32)
    record.numbers("entropy")

Importing this package loads no torch: each name below is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .adapt.settings import Settings
    from .api import load, run
    from .runs.record import Record
    from .runs.run import Run

__all__ = ["Record", "Run", "Settings", "__version__", "load", "run"]

_MODULES = {
    "Record": ".runs.record",
    "Run": ".runs.run",
    "Settings": ".adapt.settings",
    "load": ".api",
    "run": ".api",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

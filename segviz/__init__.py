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
    from .evaluation.evaluate import evaluate_dataset as evaluate
    from .network.wrap import wrap
    from .runs.record import Record
    from .runs.run import Run

__all__ = ["Record", "Run", "Settings", "__version__", "evaluate", "load", "run", "wrap"]

_HOMES = {
    "Record": (".runs.record", "Record"),
    "Run": (".runs.run", "Run"),
    "Settings": (".adapt.settings", "Settings"),
    "evaluate": (".evaluation.evaluate", "evaluate_dataset"),
    "load": (".api", "load"),
    "run": (".api", "run"),
    "wrap": (".network.wrap", "wrap"),
}
"""The module of each public name, and its name there."""


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module, __name__), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

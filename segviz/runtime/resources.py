"""Locate the folders that ship beside the library: app, checkpoints, results."""

from pathlib import Path

__all__ = ["folder"]

_LIBRARY = Path(__file__).resolve().parents[1]
_PACKAGED = _LIBRARY / "_app"  # made by setup.py when a wheel is built


def folder(name: str = ".") -> Path:
    """Return a folder of the repository, or its copy in an installed wheel.

    Arguments:
        name: The folder's path relative to the root of the repository, such as `checkpoints`.
    """
    return (_PACKAGED if _PACKAGED.is_dir() else _LIBRARY.parent) / name

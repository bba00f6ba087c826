"""What commands write: standard output, folders, notes on photos, and the command line itself."""

from __future__ import annotations

import io
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ..errors import InputError, reason_of
from ..runtime.files import check_writable

if TYPE_CHECKING:
    from ..data.sources import Photo

__all__ = ["Output", "check_file_name", "command_line", "make_folder", "print_note"]


class Output(io.TextIOBase):
    """A standard stream that survives what it is connected to.

    Characters that its encoding lacks are escaped. What is written after the reader has gone, as in
    `| head`, is dropped.

    Arguments:
        stream: The stream of the process.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._stream, name)

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream."""
        return self._stream.encoding

    def fileno(self) -> int:
        """Return the descriptor of the stream."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Write text; whole lines at once, so that errors come now and not at the end.

        Raises:
            InputError: If it cannot be written, as on a full disk.
        """
        with self._tolerance():
            self._stream.write(text)
            if text.endswith("\n"):
                self._stream.flush()
        return len(text)

    def flush(self) -> None:
        """Write what is buffered; raises as `write`."""
        with self._tolerance():
            self._stream.flush()

    @contextmanager
    def _tolerance(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            self._discard()
        except OSError as error:
            self._discard()
            raise InputError(
                f"the output cannot be written ({reason_of(error)}); redirect it to another place."
            ) from error

    def _discard(self) -> None:
        """Let what is buffered, and all that follows, go nowhere."""
        with suppress(OSError, ValueError):
            target = os.open(os.devnull, os.O_WRONLY)
            os.dup2(target, self._stream.fileno())
            os.close(target)


MAX_FILE_NAME = 200  # bytes; file systems allow 255, and suffixes are added


def check_file_name(option: str, name: str) -> None:
    """Check the name of a file that is written at the end of the work.

    Arguments:
        option: The option that gives the name.
        name: The name, without folder and suffix.

    Raises:
        InputError: If it is empty, names a folder, is too long or has control characters.
    """
    plain = name.strip(".") and name.isprintable() and not {"/", "\\"} & set(name)
    if not plain or len(os.fsencode(name)) > MAX_FILE_NAME:
        raise InputError(
            f"{option} must be a file name of at most {MAX_FILE_NAME} bytes without / and control"
            f" characters, got {name!r}; give the folder by --out."
        )


def make_folder(out: str, option: str = "--out") -> Path:
    """Create the output folder, before the work that fills it.

    Raises:
        InputError: If it cannot be made, or files cannot be written to it.
    """
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {out} cannot be made ({error.strerror}); choose another {option}."
        ) from error
    check_writable(folder, f"choose another {option}")
    return folder


def print_note(photo: Photo) -> None:
    """Print on stderr what was changed about a photo, or is missing."""
    if photo.note:
        print(f"segviz: {photo.title}: {photo.note}", file=sys.stderr)


def command_line() -> str:
    """Return the command of this process, for results and cards."""
    return "segviz " + shlex.join(sys.argv[1:])

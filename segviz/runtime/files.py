"""Read files that need not be trusted, and write files that are complete or absent."""

import codecs
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from ..errors import InputError, guard, reason_of

__all__ = [
    "check_regular",
    "check_writable",
    "decode_text",
    "open_regular",
    "partial_path",
    "read_file",
    "write_atomically",
    "write_together",
]


@contextmanager
def open_regular(path: Path, noun: str, remedy: str) -> Iterator[BufferedReader]:
    """Open a regular file for reading; what else has a name is refused without waiting for it.

    Arguments:
        path: The file.
        noun: What errors call it, such as "the card".
        remedy: How to mend it, the end of a sentence.

    Raises:
        InputError: If it is a folder, a device, a pipe or a socket, or cannot be opened.
    """
    with guard(f"{noun} {path} cannot be read", remedy):
        # Opening a pipe to read waits for a writer.
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _BINARY)
    mode = os.fstat(number).st_mode
    if not stat.S_ISREG(mode):
        os.close(number)
        kind = "folder" if stat.S_ISDIR(mode) else "device or a pipe"
        raise InputError(f"{noun} {path} cannot be read: it is a {kind}; {remedy}.")
    with os.fdopen(number, "rb") as file:
        yield file


_BINARY = getattr(os, "O_BINARY", 0)  # Windows


def check_regular(path: Path, noun: str, remedy: str) -> None:
    """Check that a path is a regular file that can be opened, see `open_regular`."""
    with open_regular(path, noun, remedy):
        pass


def read_file(path: Path, noun: str, max_bytes: int, remedy: str) -> bytes:
    """Return the bytes of a regular file.

    Arguments:
        path: The file.
        noun: What errors call it, such as "the card".
        max_bytes: The largest size allowed.
        remedy: How to mend it, the end of a sentence.

    Raises:
        InputError: If it is not a regular file, cannot be read or is larger.
    """
    with open_regular(path, noun, remedy) as file:
        with guard(f"{noun} {path} cannot be read", remedy):
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise InputError(
                f"{noun} {path} has more than {max_bytes:,} bytes, the limit; {remedy}."
            )
    return data


def decode_text(data: bytes) -> str:
    """Return text in UTF-8 or UTF-16, with or without a byte order mark.

    Raises:
        ValueError: If it is neither, or holds null characters, as of binary files.
    """
    marked = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError("it is not text in UTF-8") from error
    if "\0" in text:
        raise ValueError("it is not text: it holds null characters")
    return text


Content = bytes | str | Callable[[BinaryIO], object]
"""What to write: bytes, text as UTF-8, or a function that writes to a binary file."""


def write_atomically(path: Path, content: Content, remedy: str = "choose another --out") -> int:
    """Write a file so that it is complete or as it was before, and return its size in bytes.

    Arguments:
        path: The file.
        content: What to write.
        remedy: What to do about a file that cannot be written.

    Raises:
        InputError: If it cannot be written.
    """
    return write_together({path: content}, remedy)[0]


def write_together(
    contents: Mapping[Path, Content], remedy: str = "choose another --out"
) -> list[int]:
    """Write files that belong together, and return their sizes in bytes.

    The contents go to temporary files in the same folders, which take the names once all are
    complete: a full disk or a kill costs no earlier file.

    Arguments:
        contents: What to write, by file.
        remedy: What to do about a file that cannot be written.

    Raises:
        InputError: If one cannot be written.
    """
    sizes, partials = [], {}
    try:
        for given, content in contents.items():
            path = Path(os.path.realpath(given))  # what a link leads to is replaced, not the link
            if path.exists() and not path.is_file():
                raise InputError(f"{path} cannot be written: it is not a regular file; {remedy}.")
            partial = partial_path(path)
            partials[path] = partial
            with partial.open("wb") as file:
                if callable(content):
                    content(file)
                else:
                    file.write(content.encode() if isinstance(content, str) else content)
                sizes.append(file.seek(0, os.SEEK_END))
        for path, partial in partials.items():
            partial.replace(path)
    except OSError as error:
        raise InputError(f"{given} cannot be written ({reason_of(error)}); {remedy}.") from error
    finally:
        for partial in partials.values():
            with suppress(OSError):
                partial.unlink()
    return sizes


def partial_path(path: Path) -> Path:
    """Return the temporary file that `write_together` writes before it takes the name of a file.

    It is left behind by a killed process, until the file is written again.
    """
    # As long as any name may be.
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:12]
    return path.with_name(f".{path.name[:20]}-{digest}.partial")


def check_writable(folder: Path, remedy: str = "choose another --out") -> None:
    """Check that files can be written to a folder, before the work that makes them.

    Raises:
        InputError: If they cannot.
    """
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * 4096)  # a full disk lets empty files be made
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise InputError(
            f"the folder {folder} cannot be written to ({reason_of(error)}); {remedy}."
        ) from error

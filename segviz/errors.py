"""The one error that a user's input can raise."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["InputError", "guard", "printable", "reason_of"]

MAX_MESSAGE = 2000  # characters
MAX_WORD = 400  # longer names are cut in their middle
MAX_REASON = 200


class InputError(ValueError):
    """Input that cannot be used.

    The message is one sentence on one line, without control characters: the value found, the limit,
    and the remedy. The command line prints it and exits with 2; a page shows it in place of the
    result.
    """

    def __init__(self, message: object = "") -> None:
        text = re.sub(
            f"\\S{{{MAX_WORD},}}", lambda long: f"{long[0][:200]}...{long[0][-100:]}", str(message)
        )
        super().__init__(_shorten(printable(text), MAX_MESSAGE))


def printable(text: object) -> str:
    """Return text from outside on one line: control characters and surrogates are escaped."""
    line = " ".join(str(text).splitlines())
    if line.isprintable():
        return line
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in line
    )


def reason_of(error: BaseException) -> str:
    """Return the reason of a foreign error in a few words, for use within a sentence."""
    text = getattr(error, "strerror", None) or next(iter(str(error).strip().splitlines()), "")
    return _shorten(str(text).rstrip(".:; "), MAX_REASON) or type(error).__name__


@contextmanager
def guard(subject: str, remedy: str) -> Iterator[None]:
    """Turn whatever a reader raises into "`subject` (reason); `remedy`."; `InputError` passes.

    Libraries raise anything on damaged files, so that no list of exceptions would be complete.

    Raises:
        InputError: If the block raises an exception.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        # msgspec wraps the errors of a value's own checks.
        cause = error.__cause__ if isinstance(error.__cause__, InputError) else error
        raise InputError(f"{subject} ({reason_of(cause)}); {remedy}.") from error


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 4]} ..."

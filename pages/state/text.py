"""Text in Streamlit's Markdown: escaped names, and errors as sentences."""

from segviz.errors import InputError

__all__ = ["plain", "sentence"]

_ESCAPED = str.maketrans({character: "\\" + character for character in r"\`*_{}[]()<>#+-.!|$:~^"})


def plain(text: object) -> str:
    """Escape text from outside, so that Markdown shows it unchanged."""
    return str(text).translate(_ESCAPED)


def sentence(error: Exception) -> str:
    """Return what to show of an error: the message of an `InputError`, never a traceback."""
    if isinstance(error, InputError):
        text = str(error)
    elif type(error).__name__ == "OutOfMemoryError":
        text = "the device ran out of memory; choose a smaller scale."
    else:
        text = f"the run failed with {type(error).__name__}; the server's log has the details."
    return plain(text[:1].upper() + text[1:])

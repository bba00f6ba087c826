"""Text for people."""

import re
from typing import Any

from segviz.errors import InputError

PLAIN = str.maketrans({character: "\\" + character for character in r"\`*_{}[]()<>#+-.!|$:~^"})


def plain(text: object) -> str:
    """Text from outside, so that Markdown shows it as it is."""
    return str(text).translate(PLAIN)


def sentence(error: Exception) -> str:
    """What to show of an error: the message meant for people, never a traceback."""
    if isinstance(error, InputError):
        text = str(error)
    elif type(error).__name__ == "OutOfMemoryError":
        text = "the device ran out of memory; choose a smaller scale."
    else:
        text = f"the run failed with {type(error).__name__}; the server's log has the details."
    return plain(text[:1].upper() + text[1:])


def measured(card: dict[str, Any]) -> str | None:
    """The measured feedforward mIoU on a checkpoint's card, if it has an entry `measured`.

    Understood are the JSON of `segviz evaluate`, its list of results, and scale -> mIoU.
    """
    entry = card.get("measured")
    if isinstance(entry, dict) and "results" in entry:
        entry = entry["results"]
    values: list[tuple[float, float]] = []
    if isinstance(entry, dict):
        for scale, value in entry.items():
            number = re.search(r"\d+(\.\d+)?", str(scale))
            if number and isinstance(value, int | float):
                values.append((float(number[0]), float(value)))
    elif isinstance(entry, list):
        for row in entry:
            if isinstance(row, dict) and row.get("method") == "feedforward" and "miou" in row:
                values.append((float(row["scale"]), float(row["miou"])))
    if not values:
        return None
    percent = [(scale, 100 * value if value <= 1 else value) for scale, value in sorted(values)]
    return "mIoU " + ", ".join(f"{value:.1f} at {scale:g}x" for scale, value in percent)

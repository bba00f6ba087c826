"""The colour of each method, the same in every chart and figure."""

from collections.abc import Sequence

from ..adapt.method import FEEDFORWARD
from ..evaluation.paper_tables import OURS

__all__ = ["GREY", "method_colours"]

GREY = "#8a8f98"
"""The colour of feedforward and of axes: legible on light and dark grounds."""

_FIXED = {
    FEEDFORWARD: GREY,
    "entropy": "#3987e5",
    OURS[0]: "#e58a39",
    "oracle": "#2fa36b",
    "adversary": "#d1495b",
}
_OTHERS = ("#9a6dd7", "#16a5b8", "#c9a227", "#d16ba5", "#7a8f3c")


def method_colours(methods: Sequence[str]) -> dict[str, str]:
    """Return a hexadecimal colour for each method; methods without a fixed colour share a cycle."""
    others = iter(_OTHERS * len(methods))
    return {method: _FIXED.get(method) or next(others) for method in dict.fromkeys(methods)}

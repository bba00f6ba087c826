"""The views of a photo that methods read: sizes, mirror images, normalisation statistics."""

import math
from typing import NamedTuple

__all__ = ["DOUBLED", "PLAIN", "SMALL", "View", "count", "views_of"]

SMALL = 350
"""Inputs with a long side below this many pixels are read at twice their size, too."""


class View(NamedTuple):
    """How a photo is read.

    Arguments:
        factor: The size relative to the scale s.
        mirrored: Whether left and right are exchanged.
        alpha: The weight of the image's own normalisation statistics, 0..1.
    """

    factor: float
    mirrored: bool = False
    alpha: float = 0.0


PLAIN = View(1.0)
"""The single view of feedforward, and of step 0 of every method."""

FACTORS = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)

ALPHAS = (0.2, 0.4, 0.6, 0.8, 1.0)

VIEWS: dict[str, tuple[View, ...]] = {
    "single": (PLAIN,),
    "flip": (PLAIN, View(1.0, mirrored=True)),
    "halved": (PLAIN, View(0.5)),
    "augmented": (PLAIN, View(1.0, mirrored=True), View(0.75), View(0.75, mirrored=True)),
    "octaves": (PLAIN, View(0.5), View(0.25)),
    "five": (
        PLAIN,
        View(0.5),
        View(0.5 / math.sqrt(2)),
        View(0.25),
        View(0.25, mirrored=True),
    ),
    "statistics": (PLAIN, *(View(1.0, alpha=alpha) for alpha in ALPHAS)),
    "multi-scale": tuple(
        View(factor, mirrored) for mirrored in (False, True) for factor in FACTORS
    ),
}
"""The views of each choice; octaves and five begin with the largest."""

DOUBLED = {
    name: tuple(view._replace(factor=2 * view.factor) for view in VIEWS[name])
    for name in ("octaves", "five")
}
"""The views of the pyramids for small inputs: all sizes are twice as large."""


def count(name: str) -> int:
    """Return the number of views of a name in `VIEWS`."""
    return len(VIEWS[name])


def views_of(name: str, long_side: float) -> tuple[View, ...]:
    """Return the views of a name in `VIEWS`.

    Arguments:
        name: The name.
        long_side: The longer side of the input at s, in pixels. Pyramids read small inputs at twice
            the sizes, such as 2s, s, s/2 instead of s, s/2, s/4: the size of the photo alone
            decides, nobody tells its scale.
    """
    return DOUBLED[name] if name in DOUBLED and long_side < SMALL else VIEWS[name]

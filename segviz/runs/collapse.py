r"""The collapse alarm: a class takes the pixels of another while entropy falls, without any labels.

With :math:`s_c^{(t)}` the share of the photo's pixels that step t labels c, class b is eaten at the
first step from which on, to the last,

.. math:: s_b^{(t)} < \frac{1}{2} s_b^{(0)}, \qquad s_b^{(0)} \ge 5 \%,

and the mean entropy is below that of step 0. The eater is the class that most of the pixels lost
belong to at the last step. The fall began at the first step from which on the share stays below
nine tenths of its start; the step before is the one to go back to. Smaller classes may vanish: at
large scales most of them are mistakes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .record import Record

__all__ = ["Collapse", "class_shares", "describe_collapse", "find_collapse", "find_eaten"]

LEAST_SHARE = 0.05
EATEN, INTACT = 0.5, 0.9
"""The fractions of its first share below which a class is eaten, and above which it is intact."""


@dataclass(frozen=True)
class Collapse:
    """A class that loses its pixels to another.

    Arguments:
        eaten: The class that loses its pixels.
        eater: The class that takes most of them.
        since: The first step of the fall.
        step: The first step with less than half of the pixels left, where the alarm fires.
        back: The step to go back to, before the fall.
        before: The share of the photo that the class had, 0..1.
        after: The share that it has at the last step, 0..1.
    """

    eaten: int
    eater: int
    since: int
    step: int
    back: int
    before: float
    after: float


def class_shares(record: Record) -> np.ndarray:
    """Return the share of the photo's pixels that each step gives each class, (T + 1, K), 0..1."""
    count = len(record.classes)
    return np.stack(
        [np.bincount(labels.ravel(), minlength=count) / labels.size for labels in record.labels]
    )


def find_eaten(shares: np.ndarray, entropy: np.ndarray, first: int = 0) -> tuple[int, int] | None:
    """Return the class that is eaten and the step at which the alarm fires, or None.

    Where several are eaten, the one that loses the most.

    Arguments:
        shares: The share of the pixels of each class at each step, (T + 1, K), 0..1.
        entropy: The mean entropy at each step, (T + 1,).
        first: The step that shares are compared with.
    """
    found = [
        (shares[first, eaten] - shares[-1, eaten], int(eaten), step)
        for eaten in np.flatnonzero(shares[first] >= LEAST_SHARE)
        if (step := _begin(shares[:, eaten] < EATEN * shares[first, eaten], first)) is not None
        and entropy[step] < entropy[first]
    ]
    return max(found)[1:] if found else None


def find_collapse(record: Record) -> Collapse | None:
    """Return the collapse of a run, of the class that loses the most; None if there is none.

    Where several views join before the updates, shares are compared with those of all views.
    """
    settings = record.settings
    first = min(settings.joins, record.last) if settings.info.combination else 0
    shares = class_shares(record)
    entropy = np.array([np.nan if h is None else h for h in record.numbers("entropy")])
    found = find_eaten(shares, entropy, first)
    if found is None:
        return None
    eaten, step = found
    lost = record.labels[-1][record.labels[first] == eaten]
    takers = np.bincount(lost, minlength=len(record.classes))
    takers[eaten] = 0
    since = _begin(shares[:, eaten] < INTACT * shares[first, eaten], first)
    assert since is not None, "half a share is less than nine tenths"
    return Collapse(
        eaten=eaten,
        eater=int(takers.argmax()),
        since=since,
        step=step,
        back=since - 1,
        before=float(shares[first, eaten]),
        after=float(shares[-1, eaten]),
    )


def describe_collapse(record: Record) -> str | None:
    """Return the alarm in words, or None if there is none."""
    found = find_collapse(record)
    if found is None:
        return None
    eaten, eater = record.classes[found.eaten], record.classes[found.eater]
    return (
        f"Collapse: since step {found.since}, {eater} takes the pixels of {eaten}, whose share of"
        f" the photo falls from {100 * found.before:.0f} % to {100 * found.after:.0f} % (half of"
        f" it is gone at step {found.step}) while entropy falls; go back to step {found.back}."
    )


def _begin(holds: Any, first: int) -> int | None:  # noqa: ANN401
    """Return the first step after `first` from which on all of `holds` is true, or None."""
    fails = np.flatnonzero(~np.asarray(holds)[first:])
    begin = first + (int(fails[-1]) + 1 if len(fails) else 0)
    return begin if begin < len(holds) else None

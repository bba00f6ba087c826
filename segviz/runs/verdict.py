"""Say in one sentence what a run did, by the measure that it is judged by."""

from collections.abc import Sequence

from .record import Record

__all__ = ["best_step", "score", "verdict"]

STILL = 5e-4
"""The largest change of a number that is reported as none."""

DECIMALS = 3
"""Decimals that scores are shown with, everywhere."""


def score(record: Record) -> tuple[str, str] | None:
    """Return what predictions are judged by: its key in `NUMBERS`, and its name.

    Returns:
        IoU where there is truth; agreement where the 1x prediction stands in; None without both.
    """
    return {
        "truth": ("iou", "IoU"),
        "1x prediction": ("agreement", "agreement vs. 1x prediction"),
    }.get(record.reference or "")


def best_step(values: Sequence[float]) -> int:
    """Return the first step whose score, rounded to 3 decimals, is the highest.

    Rounded, since scores are shown with 3 decimals: of steps that look equal none is called better
    than the others, and the earliest, which costs least, stands for them.

    Arguments:
        values: The score at steps 0..T, in 0..1; not empty.
    """
    rounded = [round(value, DECIMALS) for value in values]
    return rounded.index(max(rounded))


def verdict(record: Record) -> str:
    """Return what the run did to entropy and score, as one plain sentence."""
    if record.last == 0:
        return "Step 0 is the feedforward prediction; nothing was adapted."
    entropy = record.numbers("entropy")
    if entropy[0] is None or entropy[-1] is None:
        return "The run diverged: at its last step the entropy is not a number."
    sentence = f"Entropy {_change(entropy)} nats"
    judged = score(record)
    values = record.numbers(judged[0]) if judged else []
    if judged is None or None in values:
        return sentence + "; there is nothing to compare the prediction with."
    link = "while" if _direction(entropy) == _direction(values) != 0 else "and"
    sentence += f" {link} {judged[1]} {_change(values)}"
    if record.reference != "truth":
        return sentence + "; without truth, nobody knows which step is best."
    best = best_step(values)
    return (
        f"{sentence}: the best step was {best} ({values[best]:.{DECIMALS}f}),"
        " known only because there is truth."
    )


def _direction(values: Sequence[float]) -> int:
    """Return the sign of the change from first to last, 0 where there is none to speak of."""
    change = values[-1] - values[0]
    return (change > STILL) - (change < -STILL)


def _change(values: Sequence[float]) -> str:
    before, after = values[0], values[-1]
    verb = {-1: "fell", 1: "rose"}.get(_direction(values))
    if verb is None:
        return f"stayed at {after:z.{DECIMALS}f}"
    return f"{verb} from {before:z.{DECIMALS}f} to {after:z.{DECIMALS}f}"

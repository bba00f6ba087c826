"""What a run is judged by, and what it did, as a sentence."""

from .record import Record

__all__ = ["score", "verdict"]

STILL = 5e-4
"""A smaller change of a number is called none."""


def score(record: Record) -> tuple[str, str] | None:
    """What predictions are judged by: its key in `NUMBERS`, and what to call it.

    Returns:
        IoU where there is truth; agreement where the 1x prediction stands in; None without both.
    """
    return {
        "truth": ("iou", "IoU"),
        "1x prediction": ("agreement", "agreement vs. 1x prediction"),
    }.get(record.reference or "")


def verdict(record: Record) -> str:
    """What the run did to entropy and to accuracy, in one plain sentence."""
    if record.last == 0:
        return "Step 0 is the feedforward prediction; nothing was adapted."
    entropy = record.numbers("entropy")
    if entropy[0] is None or entropy[-1] is None:
        return "The run diverged: at its last step the entropy is no number."
    sentence = f"Entropy {_change(entropy[0], entropy[-1])} nats"
    judged = score(record)
    values = record.numbers(judged[0]) if judged else []
    if judged is None or None in values:
        return sentence + "; there is nothing to compare the prediction with."
    name = judged[1]
    falls = [after - before < -STILL for before, after in (_ends(entropy), _ends(values))]
    rises = [after - before > STILL for before, after in (_ends(entropy), _ends(values))]
    link = "while" if (falls[0] and falls[1]) or (rises[0] and rises[1]) else "and"
    sentence += f" {link} {name} {_change(values[0], values[-1])}"
    if record.reference != "truth":
        return sentence + "; without truth, nobody knows which step is best."
    best = max(range(len(values)), key=lambda step: (round(values[step], 3), -step))
    return (
        f"{sentence}: the best step was {best} ({values[best]:.3f}),"
        " known only because there is truth."
    )


def _ends(values: list[float]) -> tuple[float, float]:
    return values[0], values[-1]


def _change(before: float, after: float) -> str:
    if abs(after - before) <= STILL:
        return f"stayed at {after:.3f}"
    return f"{'fell' if after < before else 'rose'} from {before:.3f} to {after:.3f}"

"""How long the parts of an episode take on this machine."""

import statistics
from typing import Any

from . import images, samples
from .adapt.episode import optimise, prepare
from .adapt.run import environment
from .adapt.settings import Settings
from .errors import InputError
from .network.checkpoint import Checkpoint

__all__ = ["benchmark"]

STEPS = 8


def benchmark(checkpoint: Checkpoint, scale: float = 3.0, repeats: int = 5) -> dict[str, Any]:
    """Forward pass and adaptation step, interleaved, on the cat that ships.

    Arguments:
        checkpoint: The network to time.
        scale: The resize factor.
        repeats: Rounds; each times one forward pass and `STEPS` steps after a warm-up round.

    Returns:
        Medians in milliseconds with the smallest and largest, their ratio, and the environment.

    Raises:
        InputError: If there are no rounds, or the scale is out of its range.
    """
    if repeats < 1:
        raise InputError(f"repeats is {repeats}, but must be at least 1.")
    photo, _, _ = images.fit(*samples.load("cat"))
    settings = Settings(scale=scale, steps=STEPS)
    forward: list[float] = []
    step: list[float] = []
    for round_ in range(repeats + 1):
        prepared = prepare(checkpoint.network, photo, scale)
        states = list(optimise(checkpoint.network, prepared, settings))
        if round_ > 0:
            forward.append(prepared.forward_ms)
            step.append(statistics.median(state.ms for state in states[1:]))
    return {
        "scale": scale,
        "photo": f"{photo.shape[1]} x {photo.shape[0]}",
        "forward_ms": statistics.median(forward),
        "forward_ms_range": [min(forward), max(forward)],
        "step_ms": statistics.median(step),
        "step_ms_range": [min(step), max(step)],
        "step_over_forward": statistics.median(s / f for s, f in zip(step, forward, strict=True)),
        "environment": environment(checkpoint),
    }

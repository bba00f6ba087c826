"""Where the time of a run goes on this machine, beside what else a user could run."""

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import torch
from PIL import Image

from ..adapt.episode import MAX_INPUT, Prepared, episode, optimise, prepare
from ..adapt.memory import MemoryBudget
from ..adapt.objectives import thresholded_entropy
from ..adapt.parameters import Filters
from ..adapt.pixelwise import Differentiable
from ..adapt.settings import Settings
from ..data import samples
from ..network.architecture import Architecture
from ..network.backbone import BACKBONES
from ..network.checkpoint import Checkpoint, load
from ..network.dynamic import Segmenter
from ..validation import check_range
from . import baselines

__all__ = ["RATIOS", "STEPS", "costs", "named", "photo"]

STEPS = 32
"""The length of the episodes (the paper's)."""

RATIOS: dict[str, tuple[str, str]] = {
    "step / forward": ("step", "forward"),
    "episode / feedforward": ("episode", "feedforward"),
    "whole network, all gradients / episode": ("whole", "episode"),
    "whole network, theta's gradients / episode": ("whole frozen", "episode"),
    "whole network, batch norms / episode": ("whole norm", "episode"),
    "autograd from the features, a step / step": ("partial step", "step"),
    "six sizes, mirrored / episode": ("multi-scale", "episode"),
    "forward / backbone and classifier": ("forward", "backbone and classifier"),
}
"""What is compared: names of times, both of one round."""

Times = dict[str, float]  # milliseconds by name
Clock = Callable[[str], AbstractContextManager[None]]


def photo() -> np.ndarray:
    """The cat that ships at VOC's usual size, shape (375, 500, 3), uint8."""
    cat, _ = samples.load("cat")
    height, width = cat.shape[:2]
    spare = (width - height * 4 // 3) // 2
    return np.asarray(Image.fromarray(cat[:, spare : width - spare]).resize((500, 375)))


def named(name: str, device: torch.device | str = "cpu") -> Checkpoint:
    """A shipped checkpoint, one by its path, or an untrained network on the timm backbone `name`.

    Times and memory do not depend on the weights; only how many pixels S has does.

    Raises:
        InputError: If it is none of these.
    """
    if name in BACKBONES:
        torch.manual_seed(0)
        network = Segmenter(Architecture.of(name)).to(device).to(memory_format=torch.channels_last)
        return Checkpoint(f"{name}, untrained", "", {}, network.freeze())
    return load(name, device)


def costs(
    network: Segmenter,
    image: np.ndarray,
    scale: float,
    repeats: int = 3,
    against: bool = True,
    on_round: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Times of the parts of a run, and of the rivals, round by round one after the other.

    The first round warms up and is not counted.

    Arguments:
        network: A frozen network.
        image: Shape (H, W, 3), uint8.
        scale: The resize factor.
        repeats: The rounds that count, at least 1.
        against: Whether the rivals run, too (they take most of the time).
        on_round: Called after each round.

    Returns:
        `times`: of each part the median, smallest and largest, in milliseconds; `ratios`: those of
        `RATIOS`, the median over rounds; `selected`: the part of the pixels in S at step 1.

    Raises:
        InputError: If there are no rounds, the scale is out of its range, or a run at it does not
            fit into the memory that is free.
    """
    check_range("repeats", repeats, 1)
    MemoryBudget(network, *image.shape[:2]).check(Settings(scale=scale, steps=STEPS))
    rounds: list[Times] = []
    selected = math.nan
    for _ in range(repeats + 1):
        times, selected = _ours(network, image, scale)
        if against:
            times |= _rivals(network, image, scale)
        rounds.append(times)
        on_round()
    counted = rounds[1:]
    return {
        "times": {name: _spread([one[name] for one in counted]) for name in counted[0]},
        "ratios": {
            name: statistics.median(one[above] / one[below] for one in counted)
            for name, (above, below) in RATIOS.items()
            if {above, below} <= counted[0].keys()
        },
        "selected": selected,
    }


def _ours(network: Segmenter, image: np.ndarray, scale: float) -> tuple[Times, float]:
    settings = Settings(scale=scale, steps=STEPS)
    times: Times = {}
    timed = _clock(network, times)
    with timed("episode"):
        prepared = prepare(network, image, scale)
        for _ in episode(network, prepared, settings):
            pass
    times["forward"] = prepared.forward_ms
    with timed("feedforward"):
        for _ in episode(network, prepare(network, image, scale), Settings(scale=scale, steps=0)):
            pass
    states = optimise(network, prepared, settings)
    steps = [(state.ms, state.selected.float().mean().item()) for state in states]
    times["step"] = statistics.median(ms for ms, _ in steps[1:])
    with timed("maps"):
        next(episode(network, prepared, Settings(scale=scale, steps=0)))
    times["maps"] -= steps[0][0]
    with torch.no_grad():
        with timed("backbone"):
            maps = network.pyramid(prepared.x, network.fast_backbone)
        with timed("aggregation"):
            F = network.feature_norm(network.cropped(network.aggregation(maps), prepared.x))
        del maps
        with timed("scale space"):
            network.scale_space(F)
    _step(network, prepared, timed)
    # What is not named apart: the levels are read within one function.
    times["step: read"] = times.pop("step: levels and read") - times["step: levels"]
    times = {name: ms for name, ms in times.items() if not name.startswith("warm-up")}
    return times, steps[1][1]


def _step(network: Segmenter, prepared: Prepared, timed: Clock) -> None:
    """The parts of one adaptation step."""
    F, R = prepared.encoding
    adapted = Filters(network, prepared.encoding, "both")
    optimiser = torch.optim.Adam(adapted.parameters())
    theta = network.theta
    for name in ("warm-up: ", "step: "):
        with torch.no_grad(), timed(name + "levels"):
            network.level(theta, F)
        with torch.no_grad(), timed(name + "levels and read"):
            network.activate(theta, F, R)
        prediction = adapted.predict()
        with torch.no_grad(), timed(name + "score"):
            network.score(theta, adapted.activation, prediction.sigma)
        pixels = Differentiable(prediction.logits.flatten(1).T)
        with timed(name + "objective"):
            loss = thresholded_entropy(pixels)
        with timed(name + "gradient at the logits"):
            gradient = pixels.gradient(loss)
        with timed(name + "backward"):
            adapted.backward(gradient)
        with timed(name + "Adam"):
            optimiser.step()


def _rivals(network: Segmenter, image: np.ndarray, scale: float) -> Times:
    """Whole episodes of `STEPS` steps, from two steps of each; the answer of several sizes."""
    times: Times = {}
    timed = _clock(network, times)
    prepared = prepare(network, image, scale)
    x, F = prepared.x, prepared.encoding.F
    ways = {
        "whole": lambda: baselines.whole(network, x, "theta"),
        "whole frozen": lambda: baselines.whole(network, x, "theta", frozen=True),
        "whole norm": lambda: baselines.whole(network, x, "norm", frozen=True),
        "partial": lambda: baselines.partial(network, F),
    }
    for name, way in ways.items():
        steps = way()  # copies the network
        with timed(f"{name} feedforward"):
            next(steps)
        with timed(f"{name} step"):  # the update, and the prediction after it
            next(steps)
        times[name] = times.pop(f"{name} feedforward") + STEPS * times[f"{name} step"]
    times["partial"] += prepared.forward_ms
    if (max(baselines.RATIOS) * scale) ** 2 * image.shape[0] * image.shape[1] <= MAX_INPUT:
        with timed("multi-scale"):
            baselines.multi_scale(network, image, scale)
    with timed("backbone and classifier"):
        baselines.backbone_and_classifier(network, x)
    return times


def _clock(network: Segmenter, times: Times) -> Clock:
    """Writes milliseconds into `times`."""
    device = network.score_weight.device

    def now() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        start = now()
        yield
        times[name] = 1e3 * (now() - start)

    return timed


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}

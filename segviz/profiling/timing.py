"""Time the parts of a run and the baselines on this machine."""

import copy
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any, cast

import numpy as np
import torch

from ..adapt.episode import run_episode
from ..adapt.fast_gradient import DifferentiablePixels
from ..adapt.losses import thresholded_entropy
from ..adapt.memory import MemoryBudget
from ..adapt.optimisation import optimise
from ..adapt.parameters import HeadParameters
from ..adapt.photo_views import EncodedView, PhotoViews
from ..adapt.settings import Settings
from ..errors import InputError
from ..network.dynamic import Segmenter
from ..network.engines.encoders import PLAIN, PhotoEncoder
from ..network.interface import Network
from ..validation import check_range
from . import baselines

__all__ = ["RATIOS", "STEPS", "measure_times"]

STEPS = 32
"""The updates of a timed episode, as in the paper."""

RATIOS: dict[str, tuple[str, str]] = {
    "step / forward": ("step", "forward"),
    "episode / feedforward": ("episode", "feedforward"),
    "whole network, all gradients / episode": ("whole", "episode"),
    "whole network, theta's gradients / episode": ("whole frozen", "episode"),
    "whole network, batch norms / episode": ("whole norm", "episode"),
    "autograd from the features, a step / step": ("partial step", "step"),
    "six sizes, mirrored / episode": ("multi-scale", "episode"),
    "forward / backbone and classifier": ("forward", "backbone and classifier"),
    "eager, default layout / eager": ("eager, default layout", "eager"),
    "forward / eager": ("forward", "eager"),
    "episode / eager": ("episode", "eager"),
    "step / eager": ("step", "eager"),
    "pyramid / eager": ("pyramid", "eager"),
    "engine forward / eager": ("engine forward", "eager"),
    "engine episode / eager": ("engine episode", "eager"),
    "engine pyramid / eager": ("engine pyramid", "eager"),
    "whole network, batch norms / engine episode": ("whole norm", "engine episode"),
    "step / reading at copy bandwidth": ("step", "step at copy bandwidth"),
}
"""The ratios reported, as (numerator, denominator) of times of the same round.

Eager is the forward pass up to the features by PyTorch, with channels last and norms not folded;
forward is that of segviz to the end of the scale space; the engine is that of --engine.
"""

PYRAMID = "pyramid:rule"
"""The method without updates that is compared with a forward pass."""

Times = dict[str, float]  # milliseconds by name
Timer = Callable[[str], AbstractContextManager[None]]


def measure_times(
    network: Network,
    photo: np.ndarray,
    scale: float,
    repeats: int = 3,
    with_baselines: bool = True,
    on_round: Callable[[], None] = lambda: None,
    encoder: PhotoEncoder = PLAIN,
) -> dict[str, Any]:
    """Time the parts of a run and the baselines, one after the other in every round.

    A first round warms up and is not counted.

    Arguments:
        network: A frozen network. The parts of forward pass and step are timed of dynamic networks.
        photo: (H, W, 3), uint8.
        scale: The resize factor.
        repeats: The number of rounds counted, at least 1.
        with_baselines: Whether to time the baselines, which take most of the time.
        on_round: Called after each round.
        encoder: An engine to time beside PyTorch.

    Returns:
        A JSON-compatible dict of `times`: the median, least and most milliseconds of each part;
        `ratios`: the medians over rounds of `RATIOS`, and `ratio_spreads`: the least and the most
        of each; and `selected`: the fraction of pixels in S at step 1.

    Raises:
        InputError: If there are no rounds, the scale is out of range, a run at it does not fit
            into free memory, or baselines are asked for of a network without dynamic receptive
            field.
    """
    check_range("repeats", repeats, 1)
    if with_baselines and not isinstance(network, Segmenter):
        raise InputError(
            "the baselines adapt a dynamic receptive field, which this network does not have; time"
            " it without baselines."
        )
    MemoryBudget(network, *photo.shape[:2]).check(_settings(network, scale))
    rounds: list[Times] = []
    selected = math.nan
    contiguous: Segmenter | None = None
    if with_baselines:
        contiguous = copy.deepcopy(cast(Segmenter, network)).to(
            memory_format=torch.contiguous_format
        )
    for _ in range(repeats + 1):
        times, selected = _time_episode(network, photo, scale)
        if encoder.name != PLAIN.name:
            times |= _time_engine(network, photo, scale, encoder)
        if contiguous is not None:
            assert isinstance(network, Segmenter)
            times |= _time_eager(network, contiguous, photo, scale)
            times |= _time_baselines(network, photo, scale)
        rounds.append(times)
        on_round()
    counted = rounds[1:]
    ratios = {
        name: [times[above] / times[below] for times in counted]
        for name, (above, below) in RATIOS.items()
        if {above, below} <= counted[0].keys()
    }
    return {
        "times": {name: _spread([times[name] for times in counted]) for name in counted[0]},
        "ratios": {name: statistics.median(values) for name, values in ratios.items()},
        "ratio_spreads": {name: [min(values), max(values)] for name, values in ratios.items()},
        "selected": selected,
    }


def _settings(network: Network, scale: float) -> Settings:
    """Return the settings of a timed episode: on both filters, if the network has them."""
    return Settings.parse("entropy", groups=network.groups, scale=scale, steps=STEPS)


def _time_episode(network: Network, photo: np.ndarray, scale: float) -> tuple[Times, float]:
    """Return the times of an episode and its parts, and the fraction of pixels selected."""
    settings = _settings(network, scale)
    feedforward = replace(settings, steps=0)
    times: Times = {}
    timed = _timer(network, times)
    with timed("episode"):
        views = PhotoViews(network, photo, encoder=PLAIN)
        steps = [(step.ms, step.selected) for step in run_episode(views, settings)]
    prepared = views.encoded(scale)
    times["forward"] = prepared.forward_ms
    with timed("feedforward"):
        for _ in run_episode(PhotoViews(network, photo, encoder=PLAIN), feedforward):
            pass
    times["step"] = statistics.median(ms for ms, _ in steps[1:])
    with timed("maps"):
        next(run_episode(views, feedforward))
    times["maps"] -= steps[0][0]
    if isinstance(network, Segmenter):
        _time_parts(network, prepared, timed)
        # One function computes the levels and reads them: the difference is the reading.
        times["step: read"] = times.pop("step: levels and read") - times["step: levels"]
    times = {name: ms for name, ms in times.items() if not name.startswith("warm-up")}
    return times, steps[1][1]


def _time_engine(network: Network, photo: np.ndarray, scale: float, encoder: PhotoEncoder) -> Times:
    """Return the times of an episode and of a pyramid whose inputs an engine encodes."""
    times: Times = {}
    timed = _timer(network, times)
    with timed("engine episode"):
        views = PhotoViews(network, photo, encoder=encoder)
        for _ in run_episode(views, _settings(network, scale)):
            pass
    times["engine forward"] = views.encoded(scale).forward_ms
    with timed("engine pyramid"):
        for _ in optimise(PhotoViews(network, photo, encoder=encoder), _pyramid(scale)):
            pass
    return times


def _time_eager(
    network: Segmenter, contiguous: Segmenter, photo: np.ndarray, scale: float
) -> Times:
    """Return the times of the forward pass as PyTorch runs it, and of reading as fast as a copy."""
    times: Times = {}
    timed = _timer(network, times)
    prepared = PhotoViews(network, photo, encoder=PLAIN).encoded(scale)
    with torch.no_grad():
        with timed("eager"):
            network.features(prepared.x)
        with timed("eager, default layout"):
            contiguous.features(prepared.x.contiguous())
        with timed("copy of the scale space"):
            prepared.encoding.R.clone()
    # A step reads the features and two levels of each pixel; a copy reads and writes.
    F, R = prepared.encoding
    share = (F.numel() + 2 * F.numel()) / (2 * R.numel())
    times["step at copy bandwidth"] = share * times["copy of the scale space"]
    with timed("pyramid"):
        for _ in optimise(PhotoViews(network, photo, encoder=PLAIN), _pyramid(scale)):
            pass
    return times


def _pyramid(scale: float) -> Settings:
    return Settings(method=PYRAMID, scale=scale)


def _time_parts(network: Segmenter, prepared: EncodedView, timed: Timer) -> None:
    """Time the parts of the forward pass and of a step."""
    with torch.no_grad():
        with timed("backbone"):
            maps = network.pyramid(prepared.x, network.fast_backbone)
        with timed("aggregation"):
            F = network.feature_norm(network.cropped(network.aggregation(maps), prepared.x))
        del maps
        with timed("scale space"):
            network.scale_space(F)
    _time_step(network, prepared, timed)


def _time_step(network: Segmenter, prepared: EncodedView, timed: Timer) -> None:
    """Time the parts of one adaptation step."""
    F, R = prepared.encoding
    adapted = HeadParameters(network, prepared.encoding, "both")
    optimiser = torch.optim.Adam(adapted.parameters())
    theta = network.theta
    for name in ("warm-up: ", "step: "):
        with torch.no_grad(), timed(name + "levels"):
            network.level(theta, F)
        with torch.no_grad(), timed(name + "levels and read"):
            network.activate(theta, F, R)
        prediction = adapted.predict()
        assert prediction.sigma is not None
        with torch.no_grad(), timed(name + "score"):
            network.score(theta, adapted.activation, prediction.sigma)
        pixels = DifferentiablePixels(prediction.logits.flatten(1).T)
        with timed(name + "objective"):
            loss = thresholded_entropy(pixels)
        with timed(name + "gradient at the logits"):
            gradient = pixels.gradient(loss)
        with timed(name + "backward"):
            adapted.backward(gradient)
        with timed(name + "Adam"):
            optimiser.step()


def _time_baselines(network: Segmenter, photo: np.ndarray, scale: float) -> Times:
    """Return the times of the baselines; episodes are extrapolated from one step to `STEPS`."""
    times: Times = {}
    timed = _timer(network, times)
    prepared = PhotoViews(network, photo, encoder=PLAIN).encoded(scale)
    x, F = prepared.x, prepared.encoding.F
    episodes = {
        "whole": lambda: baselines.full_backpropagation(network, x, "theta"),
        "whole frozen": lambda: baselines.full_backpropagation(network, x, "theta", frozen=True),
        "whole norm": lambda: baselines.full_backpropagation(network, x, "norm", frozen=True),
        "partial": lambda: baselines.head_backpropagation(network, F),
    }
    for name, start in episodes.items():
        steps = start()  # copies the network, which is not timed
        with timed(f"{name} feedforward"):
            next(steps)
        with timed(f"{name} step"):  # the update and the prediction after it
            next(steps)
        times[name] = times.pop(f"{name} feedforward") + STEPS * times[f"{name} step"]
    times["partial"] += prepared.forward_ms
    multi_scale = Settings(method="multi-scale", scale=scale)
    if not any(need.lacks for need in MemoryBudget(network, *photo.shape[:2]).needs(multi_scale)):
        with timed("multi-scale"):
            for _ in optimise(PhotoViews(network, photo, encoder=PLAIN), multi_scale):
                pass
    with timed("backbone and classifier"):
        baselines.backbone_and_classifier(network, x)
    return times


def _timer(network: Network, times: Times) -> Timer:
    """Return a context manager that writes the milliseconds spent within it to `times`."""
    device = network.device

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

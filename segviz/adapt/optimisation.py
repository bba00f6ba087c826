"""Iterate a method on the views of a photo: the paper's section 2.3, as a generator of states."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from ..errors import InputError
from ..network.interface import Network, Prediction
from . import losses, parameters
from .corrections import correct
from .fast_gradient import DifferentiablePixels
from .method import FEEDFORWARD
from .mixture import Mixture, ViewHeads, WeightBiases, combine, on_grid
from .objectives import OBJECTIVES
from .photo_views import Axis, PhotoViews, synchronise
from .pixelwise import Pixels
from .settings import Settings
from .sharpness_aware import ResetRule, ascended
from .stop import StopRule
from .view_agreement import ViewAgreement

__all__ = [
    "OPTIMISER_CLASSES",
    "OptimisationState",
    "check_method",
    "half_size_logits",
    "make_optimiser",
    "optimise",
]

OPTIMISER_CLASSES: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
}


class OptimisationState(NamedTuple):
    """An episode at one step, on the grid of its finest view."""

    step: int
    logits: Tensor  # (K, h, w); those of step 0 lie on the grid of the single view at s
    logit_axes: tuple[Axis, Axis]  # of the grid of the logits
    axes: tuple[Axis, Axis]  # of the grid of the maps that follow
    sigma: Tensor | None  # (h, w), feature pixels
    log_probabilities: Tensor  # (K, h, w), nats
    entropy: Tensor  # (h, w), nats
    selected: Tensor  # (h, w), bool: S
    mean_entropy: float  # over the pixels of the logits
    loss: float  # the objective's value before the next update; NaN without updates
    distance: float  # of the adapted parameters from the trained ones
    ms: float  # of this step: the update and its forward pass; at step 0 of the head alone
    weights: Tensor | None = None  # (L,) mean weight of each view; None for a single view
    sizes: Tensor | None = None  # (h, w) the scale read; None for a single view


def optimise(views: PhotoViews, settings: Settings) -> Iterator[OptimisationState]:
    """Yield the state after each step: feedforward, then views join, then updates follow.

    Arguments:
        views: The views of the photo; those that the method reads are encoded once.
        settings: The episode's settings.

    Raises:
        InputError: If the objective needs truth and there is none, a view is too large, or the
            network lacks what the method needs.

    Source:
        Paper section 2.3 and, for Adam, section 3 (testing).
    """
    check_method(views, settings)
    if settings.info.combination:
        yield from _combine(views, settings)
        return
    if settings.joins:
        yield _plain(views, settings)
    yield from _update(SingleView(views, settings), views, settings)


def check_method(views: PhotoViews, settings: Settings) -> None:
    """Refuse a method that needs truth or variables which are absent.

    Raises:
        InputError: If one of them is.
    """
    if settings.needs_truth and views.reference is None:
        raise InputError(
            f"the method {settings.method!r} needs the truth, but there is none;"
            " give a mask of the photo or let the 1x prediction stand in."
        )
    if settings.steps:
        parameters.check_variables(views.network, settings.variables)


class Reading(NamedTuple):
    """Where a prediction is read."""

    weights: Tensor | None  # (L,)
    sizes: Tensor | None  # (h, w)


class SingleView:
    """What an episode on the single view at s adapts, and where its predictions lie.

    Arguments:
        views: The views of the photo.
        settings: The episode's settings.
    """

    def __init__(self, views: PhotoViews, settings: Settings) -> None:
        self.adapted: parameters.AdaptedParameters
        info, scale = settings.info, settings.scale
        if settings.steps:
            self.view = views.encoded(scale)
            self.axes = self.view.axes
            if info.views != "single":
                self.adapted = ViewAgreement(views.network, views, settings)
            else:
                self.adapted = parameters.copy_parameters(views.network, self.view, settings)
        elif info.correction:
            view = views.encoded(scale)
            self.axes = view.axes
            corrected = correct(views.network, view.encoding, info.correction)
            self.adapted = parameters.NoParameters(corrected)
        else:
            predicted = views.predicted(scale, keep=True, alpha=settings.alpha)
            self.axes = predicted.axes
            self.adapted = parameters.NoParameters(predicted.prediction)

    def reading(self) -> Reading:
        """Return nothing: every pixel is read at s."""
        return Reading(None, None)


class MixedViews:
    """What an episode on several views adapts, and where its predictions lie.

    Arguments:
        views: The views of the photo.
        mixture: What they say of it before any update.
        settings: The episode's settings.
    """

    def __init__(self, views: PhotoViews, mixture: Mixture, settings: Settings) -> None:
        self.axes = mixture.axes
        self.scale = settings.scale
        self.adapted: WeightBiases | ViewHeads = (
            WeightBiases(mixture)
            if settings.variables == "gate"
            else ViewHeads(views.network, views, mixture, settings)
        )

    def reading(self) -> Reading:
        """Return the weights of the last prediction, and the scale that each pixel is read at."""
        return _reading(self.adapted.mixture, self.adapted.weights, self.scale)


def _reading(mixture: Mixture, weights: Tensor, scale: float) -> Reading:
    return Reading(weights.mean(1), mixture.sizes(weights, scale))


def _plain(views: PhotoViews, settings: Settings) -> OptimisationState:
    """Return the feedforward state, with the loss of an objective that compares no views."""
    feedforward = Settings(method=FEEDFORWARD, scale=settings.scale, precision=settings.precision)
    source = SingleView(views, feedforward)
    (plain,) = _update(source, views, feedforward)
    objective = OBJECTIVES.get(settings.objective or "", OBJECTIVES["entropy"])
    target = views.target(source.axes, plain.entropy.shape)
    if objective.needs_truth and target is None:
        return plain
    loss = objective.loss(Pixels(plain.logits.flatten(1).T, target)).item()
    return plain._replace(loss=loss)


def _combine(views: PhotoViews, settings: Settings) -> Iterator[OptimisationState]:
    """Yield the feedforward prediction, then the mixture as views join, then its updates."""
    plain = _plain(views, settings)
    mixture = combine(views, settings)
    target = views.target(mixture.axes, mixture.predictions.shape)
    objective = OBJECTIVES.get(settings.objective or "")
    adapts = settings.steps > 0
    for step in range(settings.joins + (not adapts)):
        start = time.perf_counter()
        weights = mixture.weights(joined=mixture.joined(step))
        if step == 0:  # on the grid of the mixture, for maps of one size at all steps
            logits = mixture.on_grid(plain.logits, plain.axes)
            prediction = Prediction(logits, mixture.sigma)
        else:
            prediction = mixture.prediction(weights)
        pixels = Pixels(prediction.logits.flatten(1).T, target)
        loss = float("nan")
        if objective is not None and (target is not None or not objective.needs_truth):
            loss = objective.loss(pixels).item()
        ms = 1e3 * (time.perf_counter() - start)
        state = _state(step, mixture.axes, prediction, pixels, loss, 0.0, ms)
        reading = _reading(mixture, weights, settings.scale)
        state = state._replace(weights=reading.weights, sizes=reading.sizes)
        if step == 0:
            state = state._replace(
                logits=plain.logits,
                logit_axes=plain.axes,
                mean_entropy=plain.mean_entropy,
                ms=plain.ms,
            )
        yield state
    if adapts:
        yield from _update(MixedViews(views, mixture, settings), views, settings)


def _state(
    step: int,
    axes: tuple[Axis, Axis],
    prediction: Prediction,
    pixels: Pixels,
    loss: float,
    distance: float,
    ms: float,
) -> OptimisationState:
    plain = pixels.plain if isinstance(pixels, DifferentiablePixels) else pixels
    shape = prediction.logits.shape[-2:]
    return OptimisationState(
        step,
        prediction.logits,
        axes,
        axes,
        prediction.sigma,
        plain.log_probabilities.T.unflatten(1, shape),
        plain.entropy.view(shape),
        plain.selected().view(shape),
        plain.entropy.mean().item(),
        loss,
        distance,
        ms,
    )


def _update(
    source: "SingleView | MixedViews", views: PhotoViews, settings: Settings
) -> Iterator[OptimisationState]:
    """Run the optimiser; yield the states after 0, 1, ... T updates."""
    adapted, first, info = source.adapted, settings.joins, settings.info
    objective = OBJECTIVES.get(settings.objective or "", OBJECTIVES["entropy"])

    def fresh() -> torch.optim.Optimizer:
        s, maximise = settings, objective.direction == -1
        return make_optimiser(
            adapted.parameters(), s.optimiser, s.learning_rate, s.momentum, maximise
        )

    optimiser = fresh()

    def half() -> Tensor:
        view = views.predicted(settings.scale / 2)
        probabilities = view.prediction.logits.softmax(0)
        return on_grid(probabilities, view.axes, source.axes, shape).argmax(1)

    rule = StopRule(settings.stop, half)
    reset = ResetRule(adapted.parameters(), info.reset, views.network.classes)
    # Without truth, T = 0 runs under any objective: there is a loss to report, but not that one.
    if objective.needs_truth and views.reference is None:
        objective = OBJECTIVES["entropy"]
    class_prior: Tensor | None = None
    target: Tensor | None = None
    previous = float("nan")

    synchronise(views.network.device)
    start = time.perf_counter()
    for step in range(settings.steps + 1):
        with torch.set_grad_enabled(step < settings.steps):
            prediction = adapted.predict()
            shape = prediction.logits.shape[-2:]
            if step == 0:
                target = views.target(source.axes, shape)
            rows = prediction.logits.flatten(1).T  # pixel-major, as they lie in memory
            others = adapted.others if isinstance(adapted, ViewAgreement) else None
            pixels = DifferentiablePixels(rows, target, class_prior, others)
            if step == 0 and objective.two_scales:
                view = views.encoded(settings.scale)
                cache = view.cache
                if "half" not in cache:
                    cache["half"] = half_size_logits(views.network, view.x)
                pixels.class_prior = losses.two_scale_prior(pixels, Pixels(cache["half"]))
            class_prior = pixels.class_prior
            loss = objective.loss(pixels)
        if settings.stop and rule.is_broken(pixels.plain):
            return
        value = loss.item()  # waits for the device, so that the time is right
        ms = 1e3 * (time.perf_counter() - start)
        reading = source.reading()
        state = _state(first + step, source.axes, prediction, pixels, value, adapted.distance(), ms)
        yield state._replace(weights=reading.weights, sizes=reading.sizes)
        if step == settings.steps or abs(value - previous) < settings.tolerance * abs(previous):
            return
        previous = value
        start = time.perf_counter()
        adapted.backward(pixels.gradient(loss))
        if info.radius > 0:
            with ascended(adapted.parameters(), info.radius):
                rows = adapted.predict().logits.flatten(1).T
                pixels = DifferentiablePixels(rows, target, class_prior)
                loss = objective.loss(pixels)
                adapted.backward(pixels.gradient(loss))
        optimiser.step()
        if info.reset > 0 and reset.apply(loss.item()):
            optimiser = fresh()


@torch.no_grad()
def half_size_logits(network: Network, x: Tensor) -> Tensor:
    """Return the feedforward prediction at half the size of an input.

    Arguments:
        network: The network, in eval mode.
        x: Normalised input, shape (1, 3, H, W).

    Returns:
        Logits, shape (N, K), N the feature pixels of the smaller input.
    """
    size = [max(1, round(length / 2)) for length in x.shape[-2:]]
    small = functional.interpolate(x, size, mode="bilinear", antialias=True)
    small = small.contiguous(memory_format=torch.channels_last)
    logits = network.predict(network.encode(small)).logits
    return logits.flatten(1).T.contiguous()


def make_optimiser(
    parameters: Sequence[Tensor],
    name: str,
    rate: float,
    momentum: float,
    maximise: bool,
    **options: bool,
) -> torch.optim.Optimizer:
    """Return an optimiser without weight decay.

    Arguments:
        parameters: What it changes; nothing at all is allowed.
        name: A name in `OPTIMISER_CLASSES`.
        rate: The learning rate.
        momentum: Of `sgd`; others have none.
        maximise: Whether the loss is to grow.
        options: Of the implementation, such as `fused`.
    """
    extra = {"momentum": momentum} if name == "sgd" else {}
    given = list(parameters) or [torch.zeros(0)]
    return OPTIMISER_CLASSES[name](given, lr=rate, maximize=maximise, **extra, **options)

"""What an episode adapts: its own copies of parameters, and the prediction that they give."""

from collections.abc import Iterable
from typing import Protocol

import torch
from torch import Tensor

from ..errors import InputError
from ..network.classifier_graph import ClassifierCall, ClassifierWeights, calls_of
from ..network.dynamic import Encoding, Segmenter, Theta
from ..network.interface import Network, Prediction
from ..network.norm_layers import norm_layers
from ..network.receptive_field import sigma_from_level
from ..network.tiled import TiledEncoding, TiledNetwork
from ..network.wrapped import WrappedEncoding, WrappedModule
from .fast_gradient import LogitGradient, scale_and_score_gradients
from .method import END_TO_END, groups_of
from .normalisation import affine_parameters, copy_network, predict_normalised
from .photo_views import EncodedView
from .settings import Settings
from .shared_parameters import TiledParameters

__all__ = [
    "ADAPTED",
    "AdaptedParameters",
    "ClassifierParameters",
    "EndToEndParameters",
    "HeadParameters",
    "NoParameters",
    "copy_parameters",
    "count_parameters",
    "distance",
    "squared_distance",
]

ADAPTED = {
    "score": ("score_weight", "score_bias"),
    "scale": ("scale_weight", "scale_bias"),
    "both": ("score_weight", "score_bias", "scale_weight", "scale_bias"),
}


class AdaptedParameters(Protocol):
    """Copies of parameters that an episode changes, and the prediction that they give."""

    def parameters(self) -> list[Tensor]:
        """Return the copies that an optimiser may change."""

    def predict(self) -> Prediction:
        """Return the prediction with the parameters as they are, detached."""

    def backward(self, gradient: LogitGradient) -> None:
        """Set the gradients of the parameters from that at the logits of the last prediction."""

    def distance(self) -> float:
        """Return the Euclidean distance of the parameters from the trained ones."""


class NoParameters:
    """A prediction without anything to adapt.

    Arguments:
        prediction: The prediction.
    """

    def __init__(self, prediction: Prediction) -> None:
        self.prediction = prediction

    def parameters(self) -> list[Tensor]:
        """Return nothing."""
        return []

    def predict(self) -> Prediction:
        """Return the prediction."""
        return self.prediction

    def backward(self, gradient: LogitGradient) -> None:
        """Do nothing: there is nothing to adapt."""

    def distance(self) -> float:
        """Return 0."""
        return 0.0


class HeadParameters:
    r"""theta_score and theta_scale, or one of them, over a frozen encoding.

    Centred updates of a weight leave the image's mean output of its filter where it was: with
    :math:`\mu` the mean over the image of what the filter multiplies at step 0, the bias in use is

    .. math:: b - (w - w_0) \cdot \mu.

    This is the same class of functions in other coordinates, and the same function at step 0.

    Arguments:
        network: The trained network, in eval mode; never written to.
        encoding: Features and scale space of the image.
        variables: score, scale or both.
        centred: Whether updates are centred.
        theta: The copies of another view of the photo, to share; None = copies of its own.
    """

    def __init__(
        self,
        network: Segmenter,
        encoding: Encoding,
        variables: str,
        centred: bool = False,
        theta: Theta | None = None,
    ) -> None:
        self.network = network
        self.encoding = encoding
        self.initial = network.theta
        self.theta = theta or Theta(
            *(
                value.clone().requires_grad_(name in ADAPTED[variables])
                for name, value in zip(Theta._fields, self.initial, strict=True)
            )
        )
        self.means: tuple[Tensor, Tensor] | None = None
        self.activation: Tensor  # (h w, C), of the last prediction
        self.u: Tensor  # (h w,), its levels
        self.adapts_scale = variables != "score"  # while theta_scale stays, so do the activations
        if centred or not self.adapts_scale:
            self.activation, self.u = network.activate(self.initial, *encoding)
        if centred:
            self.means = (self.activation.mean(0), _mean_patch(encoding.F))

    def parameters(self) -> list[Tensor]:
        """Return the copies that an optimiser may change."""
        return [value for value in self.theta if value.requires_grad]

    @torch.no_grad()
    def predict(self) -> Prediction:
        """Return the prediction with the parameters as they are."""
        theta = self.theta_in_use()
        if self.adapts_scale:
            self.activation, self.u = self.network.activate(theta, *self.encoding)
        sigma = sigma_from_level(self.u).view(self.encoding.F.shape[-2:])
        return self.network.score(theta, self.activation, sigma)

    @torch.no_grad()
    def backward(self, gradient: LogitGradient) -> None:
        """Set the gradients of the parameters from that at the logits of the last prediction."""
        theta = self.theta_in_use()
        adapts_score = self.theta.score_weight.requires_grad
        by_scale, by_score = scale_and_score_gradients(
            gradient,
            theta.score_weight,
            self.encoding,
            self.activation,
            self.u,
            adapts_score,
            self.adapts_scale,
        )
        if by_score is not None:
            weight, bias = by_score
            if self.means is not None:
                weight -= torch.outer(bias, self.means[0])
            self.theta.score_weight.grad, self.theta.score_bias.grad = weight, bias
        if by_scale is not None:
            weight, bias = by_scale
            if self.means is not None:
                weight -= bias * self.means[1]
            self.theta.scale_weight.grad, self.theta.scale_bias.grad = weight, bias

    def distance(self) -> float:
        """Return the Euclidean distance of the parameters from the trained ones."""
        return float(self.squared_distance()) ** 0.5

    def squared_distance(self) -> Tensor:
        """Return the square of `distance` as a scalar on the device."""
        pairs = zip(self.theta, self.initial, strict=True)
        trained = [initial for value, initial in pairs if value.requires_grad]
        return squared_distance(self.parameters(), trained)

    def theta_in_use(self) -> Theta:
        """Return theta with the biases that centring gives."""
        if self.means is None:
            return self.theta
        activation, patch = self.means
        now, start = self.theta, self.initial
        score_shift = (now.score_weight - start.score_weight) @ activation
        scale_shift = ((now.scale_weight - start.scale_weight) * patch).sum()
        return now._replace(
            score_bias=now.score_bias - score_shift, scale_bias=now.scale_bias - scale_shift
        )


class EndToEndParameters:
    """Parameters anywhere in the network, with the whole network as the forward pass and autograd.

    Arguments:
        network: The trained network, in eval mode; never written to.
        x: The network input, shape (1, 3, H, W).
        variables: all, or norm for the weights and biases of the norms.
        alpha: The weight of the image's own statistics in batch norms, 0..1.
        shared: The parameters of another view of the photo, whose copies to use; None = copies of
            its own.
    """

    def __init__(
        self,
        network: Network,
        x: Tensor,
        variables: str = "all",
        alpha: float = 0.0,
        shared: "EndToEndParameters | None" = None,
    ) -> None:
        self.network = network
        self.alpha = alpha
        self.only_norms = variables == "norm"
        self.x = x
        self.logits: Tensor | None = None
        self.adapted: Network
        self.names: list[str]
        if shared is not None:
            self.adapted, self.names = shared.adapted, shared.names
            return
        # A copy: swapping parameters in and out would be visible to other threads.
        self.adapted = copy_network(network, alpha)
        root = self.adapted.parts()[0]
        every = [name for name, _ in root.named_parameters()]
        self.names = affine_parameters(self.adapted) if self.only_norms else every
        root.requires_grad_(False)
        for parameter in self.parameters():
            parameter.requires_grad_()

    def parameters(self) -> list[Tensor]:
        """Return the copies that an optimiser may change."""
        return _named(self.adapted, self.names)

    def predict(self) -> Prediction:
        """Return the prediction with the parameters as they are."""
        if self.alpha > 0:
            prediction = predict_normalised(self.adapted, self.x)
        else:
            prediction = self.adapted.predict_end_to_end(self.x)
        self.logits = prediction.logits if torch.is_grad_enabled() else None
        sigma = prediction.sigma
        return Prediction(prediction.logits.detach(), None if sigma is None else sigma.detach())

    def backward(self, gradient: LogitGradient) -> None:
        """Set the gradients of the parameters from that at the logits of the last prediction."""
        backpropagate(self.logits, self.parameters(), gradient)
        self.logits = None

    def distance(self) -> float:
        """Return the Euclidean distance of the parameters from the trained ones."""
        return distance(self.parameters(), _named(self.network, self.names))


class ClassifierParameters:
    r"""The weights of a wrapped module's classifiers over a frozen encoding, with autograd.

    Centred updates are as those of `HeadParameters`: with :math:`\mu` the mean over the image of
    what a filter multiplies at step 0, shape of w, the output is shifted by
    :math:`- (w - w_0) \cdot \mu`.

    Arguments:
        network: The wrapped module; never written to.
        encoding: What its classifiers get.
        centred: Whether updates are centred.
        classifiers: The copies of another view of the photo, to share; None = copies of its own.
    """

    def __init__(
        self,
        network: WrappedModule,
        encoding: WrappedEncoding,
        centred: bool = False,
        classifiers: tuple[ClassifierWeights, ...] | None = None,
    ) -> None:
        self.network = network
        self.encoding = encoding
        self.initial = network.classifiers
        self.classifiers = classifiers or tuple(
            ClassifierWeights(_copy(weight), None if bias is None else _copy(bias))
            for weight, bias in self.initial
        )
        self.means: dict[ClassifierCall, Tensor] = {}
        if centred:
            calls = dict.fromkeys(calls_of(encoding.node))
            self.means = {call: _mean_inputs(call, self.initial[call.index]) for call in calls}
        self.logits: Tensor | None = None

    def parameters(self) -> list[Tensor]:
        """Return the copies that an optimiser may change."""
        return [value for pair in self.classifiers for value in pair if value is not None]

    def predict(self) -> Prediction:
        """Return the prediction with the parameters as they are."""
        logits = self.network.logits(self.encoding, self._apply).logits
        logits = logits[None].contiguous(memory_format=torch.channels_last)[0]  # pixel-major
        self.logits = logits if torch.is_grad_enabled() else None
        return Prediction(logits.detach(), None)

    def backward(self, gradient: LogitGradient) -> None:
        """Set the gradients of the parameters from that at the logits of the last prediction."""
        backpropagate(self.logits, self.parameters(), gradient)
        self.logits = None

    def distance(self) -> float:
        """Return the Euclidean distance of the parameters from the trained ones."""
        trained = [value for pair in self.initial for value in pair if value is not None]
        return distance(self.parameters(), trained)

    def _apply(self, call: ClassifierCall) -> Tensor:
        weight, bias = self.classifiers[call.index]
        if call in self.means:
            change = (weight - self.initial[call.index].weight) * self.means[call]
            shift = change.sum(call.input_axes)
            bias = -shift if bias is None else bias - shift
        return call.apply(ClassifierWeights(weight, bias))


def copy_parameters(
    network: Network,
    view: EncodedView,
    settings: Settings,
    shared: AdaptedParameters | None = None,
) -> AdaptedParameters:
    """Return copies of the parameters that a choice of variables adapts on one view.

    Arguments:
        network: The network, in eval mode; never written to.
        view: The view.
        settings: The episode's settings: variables, centring and statistics.
        shared: The parameters of another view, whose copies to share; None = copies of its own.

    Raises:
        InputError: If the network does not have them.
    """
    variables, centred = settings.variables, settings.centred
    check_variables(network, variables)
    if isinstance(shared, TiledParameters):
        shared = shared.heads[0]
    if isinstance(network, TiledNetwork):
        return _copy_tiled(network, view, settings, shared)
    if variables in END_TO_END:
        whole = shared if isinstance(shared, EndToEndParameters) else None
        return EndToEndParameters(network, view.x, variables, settings.alpha, whole)
    if isinstance(network, Segmenter):
        theta = shared.theta if isinstance(shared, HeadParameters) else None
        return HeadParameters(network, view.encoding, variables, centred, theta)
    assert isinstance(network, WrappedModule)
    own = shared.classifiers if isinstance(shared, ClassifierParameters) else None
    return ClassifierParameters(network, view.encoding, centred, own)


def _copy_tiled(
    network: TiledNetwork, view: EncodedView, settings: Settings, shared: AdaptedParameters | None
) -> AdaptedParameters:
    """Return copies of parameters of a network that reads large views in tiles."""
    encoding = view.encoding
    if not isinstance(encoding, TiledEncoding):
        return copy_parameters(network.network, view, settings, shared)
    heads: list[AdaptedParameters] = []
    for tile, own in zip(encoding.tiles, encoding.encodings, strict=True):
        part = view._replace(x=tile.crop(view.x), encoding=own)
        first = heads[0] if heads else shared
        heads.append(copy_parameters(network.network, part, settings, first))
    return TiledParameters(encoding, heads, repeats=settings.variables in END_TO_END)


def check_variables(network: Network, variables: str) -> None:
    """Refuse variables that a network does not have.

    Raises:
        InputError: With the reason, and the variables that it has.
    """
    for group in groups_of(variables):
        if group not in network.groups:
            raise InputError(
                f"the variables {variables!r} need the group {group!r}, but this network has only"
                f" {', '.join(network.groups)}; choose one of them."
            )


def count_parameters(network: Network) -> dict[str, int]:
    """Return how many parameters each choice of variables adapts, by its name."""
    if isinstance(network, Segmenter):
        sizes = {name: value.numel() for name, value in network.theta._asdict().items()}
        adapted = {name: sum(sizes[part] for part in parts) for name, parts in ADAPTED.items()}
    else:
        assert isinstance(network, WrappedModule)
        weights = (value for pair in network.classifiers for value in pair if value is not None)
        adapted = {"score": sum(value.numel() for value in weights)}
    root = network.parts()[0]
    if "norm" in network.groups:
        norms = (value for _, layer in norm_layers(root) for value in layer.parameters(False))
        adapted["norm"] = sum(value.numel() for value in norms)
    return adapted | {"all": sum(value.numel() for value in root.parameters())}


def _named(network: Network, names: Iterable[str]) -> list[Tensor]:
    root = network.parts()[0]
    return [root.get_parameter(name) for name in names]


def _copy(value: Tensor) -> Tensor:
    return value.detach().clone().requires_grad_()


@torch.enable_grad()
def _mean_inputs(call: ClassifierCall, trained: ClassifierWeights) -> Tensor:
    """Return the mean over the pixels of what each weight multiplies, of the weight's shape."""
    weight = _copy(trained.weight)
    output = call.apply(ClassifierWeights(weight, None))
    pixels = output.numel() / call.outputs(weight)
    return torch.autograd.grad(output.sum() / pixels, weight)[0]


def _mean_patch(F: Tensor) -> Tensor:
    """Return the mean over the pixels of what a padded 3x3 filter multiplies, shape (C, 3, 3)."""
    sides = (slice(0, -1), slice(None), slice(1, None))  # the rows or columns that a tap meets
    sums = [F[0, :, rows, columns].sum((1, 2)) for rows in sides for columns in sides]
    return torch.stack(sums, 1).view(-1, 3, 3) / F[0, 0].numel()


def backpropagate(
    logits: Tensor | None, parameters: Iterable[Tensor], gradient: LogitGradient
) -> None:
    """Set the gradients of parameters by autograd from that at logits (K, h, w) with a graph."""
    assert logits is not None, "the last prediction was made without gradients"
    for parameter in parameters:
        parameter.grad = None
    rows = logits.flatten(1).T
    rows.backward(gradient.dense(len(rows)))


def distance(now: Iterable[Tensor], start: Iterable[Tensor]) -> float:
    """Return the Euclidean distance between two sequences of tensors."""
    return float(squared_distance(now, start)) ** 0.5


@torch.no_grad()
def squared_distance(now: Iterable[Tensor], start: Iterable[Tensor]) -> Tensor:
    """Return the square of `distance` as a scalar on the device of the tensors."""
    squares = torch.stack([((a - b) ** 2).sum() for a, b in zip(now, start, strict=True)])
    return squares.sum()  # in float32: Apple's GPUs have no float64

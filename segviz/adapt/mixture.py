r"""The prediction from several views of a photo, and what an episode adapts of it.

With :math:`w_l` the weights of a combination, and one bias :math:`b_l` for each size (theta_gate):

.. math::
    w_{l,i}(b) = \frac{w_{l,i} e^{b_l}}{\sum_m w_{m,i} e^{b_m}}, \qquad
    p_i = \sum_l w_{l,i}(b) \, p_{l,i}

The logits of the mixture are :math:`\log p_i`, whose softmax it is.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ..errors import InputError
from ..network.interface import Network, Prediction
from ..network.resampling import resample
from .combinations import ViewPredictions, log_weights
from .fast_gradient import LogitGradient
from .parameters import ADAPTED, copy_parameters, distance
from .photo_views import Axis, PhotoViews
from .settings import Settings
from .shared_parameters import sum_of_gradients
from .views import View, views_of

__all__ = ["Mixture", "ViewHeads", "WeightBiases", "combine", "on_grid"]


class Mixture(NamedTuple):
    """What several views say of a photo, on the grid of the finest."""

    views: tuple[View, ...]  # in the order of the weights, the largest size first
    plain: int  # which of them is the single view at s
    axes: tuple[Axis, Axis]  # of the grid
    predictions: ViewPredictions
    sigma: Tensor | None  # (h, w) of the plain view, in feature pixels
    log_weights: Tensor  # (L, N) or (L, 1)

    def joined(self, count: int) -> Tensor:
        """Return which views take part after `count` have joined, the plain one first: (L,)."""
        order = [self.plain, *(i for i in range(len(self.views)) if i != self.plain)]
        taking_part = self.log_weights.new_zeros(len(self.views), dtype=torch.bool)
        taking_part[order[: count + 1]] = True
        return taking_part

    def weights(self, bias: Tensor | None = None, joined: Tensor | None = None) -> Tensor:
        """Return the weights of the views, shape (L, N) or (L, 1), which sum to 1 over them."""
        values = self.log_weights if bias is None else self.log_weights + bias[:, None]
        if joined is not None:
            values = values.masked_fill(~joined[:, None], -torch.inf)
        return values.softmax(0)

    def sizes(self, weights: Tensor, scale: float) -> Tensor:
        r"""Return the scale that each pixel's prediction is read at, shape (h, w).

        .. math::
            2^{\sum_l r_{l,i} \log_2 (f_l s)}, \qquad r_{l,i} = w_{l,i} p_{l,i,y_i} / p_{i,y_i}

        with y the class predicted, and f the factors of the views.

        Arguments:
            weights: The weights of the views, shape (L, N) or (L, 1).
            scale: The scale s.
        """
        p = self.predictions.probabilities
        label = self.mixed(weights).argmax(1)
        own = p.gather(2, label.expand(len(p), -1)[..., None])[..., 0] * weights
        factors = p.new_tensor([view.factor for view in self.views])
        sizes = (own * (scale * factors).log2()[:, None]).sum(0) / own.sum(0)
        return sizes.exp2().view(self.predictions.shape)

    def mixed(self, weights: Tensor) -> Tensor:
        """Return the mixture, shape (N, K)."""
        p = self.predictions.probabilities
        mixed = p[0] * weights[0][:, None]
        for own, weight in zip(p[1:], weights[1:], strict=True):
            mixed.addcmul_(own, weight[:, None])
        return mixed

    def on_grid(self, maps: Tensor, axes: tuple[Axis, Axis]) -> Tensor:
        """Return maps (K, h', w') of a view, such as logits, on the grid, shape (K, h, w)."""
        rows = on_grid(maps, axes, self.axes, self.predictions.shape)
        return rows.T.unflatten(1, self.predictions.shape)

    def prediction(self, weights: Tensor) -> Prediction:
        """Return the mixture as a prediction, with the sigma of the plain view."""
        mixed = self.mixed(weights)
        logits = mixed.clamp_(min=torch.finfo(mixed.dtype).tiny).log_()
        return Prediction(logits.T.unflatten(1, self.predictions.shape), self.sigma)


@torch.no_grad()
def combine(views: PhotoViews, settings: Settings) -> Mixture:
    """Read the views of a method, and return what they say of the photo.

    Raises:
        InputError: If a view is too large, or the method needs a gate that the network lacks.
    """
    info, scale = settings.info, settings.scale
    if info.combination == "gate" and views.gate is None:
        raise InputError(
            f"the method {settings.method!r} needs a gate, but this network has none; make one with"
            f" segviz gate, or choose {settings.method.replace(':gate', ':rule')}."
        )
    chosen = views_of(info.views, scale * max(views.photo.shape[:2]))
    keep = settings.variables in ADAPTED  # those of the head need the encodings
    read = [
        views.predicted(scale * view.factor, view.mirrored, keep, view.alpha) for view in chosen
    ]
    finest = read[max(range(len(chosen)), key=lambda i: (chosen[i].factor, -i))]
    axes, shape = finest.axes, tuple(finest.prediction.logits.shape[-2:])
    probabilities = torch.stack(
        [on_grid(each.prediction.logits.softmax(0), each.axes, axes, shape) for each in read]
    )
    plain = chosen.index(View(1.0))
    sigma = read[plain].prediction.sigma
    if sigma is not None and read[plain] is not finest:
        sigma = resample(sigma, *_positions(read[plain].axes, axes, shape, sigma.device))
    predictions = ViewPredictions(probabilities, (shape[0], shape[1]))
    weights = log_weights(info.combination, predictions, views.gate)
    return Mixture(chosen, plain, axes, predictions, sigma, weights)


def on_grid(
    maps: Tensor, axes: tuple[Axis, Axis], grid: tuple[Axis, Axis], shape: tuple[int, ...]
) -> Tensor:
    """Return maps (K, h', w') of a view at the features of another, shape (N, K)."""
    if axes != grid:
        maps = resample(maps, *_positions(axes, grid, shape, maps.device))
    return maps.flatten(1).T


def _positions(
    axes: tuple[Axis, Axis],
    grid: tuple[Axis, Axis],
    shape: tuple[int, ...],
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    rows, columns = (
        axis.of_features(other, count, device)
        for axis, other, count in zip(axes, grid, shape, strict=True)
    )
    return rows, columns


class WeightBiases:
    """theta_gate: one bias for each size, over frozen predictions.

    Arguments:
        mixture: What the views say of the photo.
    """

    def __init__(self, mixture: Mixture) -> None:
        self.mixture = mixture
        self.bias = mixture.log_weights.new_zeros(len(mixture.views)).requires_grad_()
        self.weights: Tensor  # (L, N) or (L, 1), of the last prediction
        self.mixed: Tensor  # (N, K), of the last prediction

    def parameters(self) -> list[Tensor]:
        """Return the copies that an optimiser may change."""
        return [self.bias]

    @torch.no_grad()
    def predict(self) -> Prediction:
        """Return the prediction with the biases as they are."""
        self.weights = self.mixture.weights(self.bias)
        prediction = self.mixture.prediction(self.weights)
        self.mixed = prediction.logits.flatten(1).T.exp()
        return prediction

    @torch.no_grad()
    def backward(self, gradient: LogitGradient) -> None:
        r"""Set the gradient of the biases from that g at the logits log p.

        .. math::
            \frac{\partial \ell}{\partial b_l} = \sum_i w_{l,i} (v_{l,i} - \sum_m w_{m,i} v_{m,i}),
            \qquad v_{l,i} = \sum_k g_{ik} \, p_{l,ik} / p_{ik}
        """
        g, pixels = gradient.values, gradient.pixels
        p, mixed, weights = self.mixture.predictions.probabilities, self.mixed, self.weights
        if pixels is not None:
            p, mixed = p.index_select(1, pixels), mixed.index_select(0, pixels)
            if weights.shape[1] > 1:
                weights = weights.index_select(1, pixels)
        v = torch.einsum("lnk,nk->ln", p, g / mixed)
        self.bias.grad = (weights * (v - (weights * v).sum(0))).sum(1)

    def distance(self) -> float:
        """Return the Euclidean distance of the biases from 0."""
        return distance([self.bias], [torch.zeros_like(self.bias)])


class ViewHeads:
    """The head's parameters, shared by all views, under the fixed weights of a combination.

    Arguments:
        network: The network, in eval mode; never written to.
        views: The views of the photo.
        mixture: What they say of it before any update.
        settings: The episode's settings.
    """

    def __init__(
        self, network: Network, views: PhotoViews, mixture: Mixture, settings: Settings
    ) -> None:
        s = settings
        encoded = [views.encoded(s.scale * view.factor, view.mirrored) for view in mixture.views]
        first = copy_parameters(network, encoded[0], s)
        others = [copy_parameters(network, view, s, shared=first) for view in encoded[1:]]
        self.heads = [first, *others]
        self.mixture = mixture
        self.axes = [view.axes for view in encoded]
        self.weights = mixture.weights()
        self.logits: list[Tensor] = []  # of each view, of the last prediction

    def parameters(self) -> list[Tensor]:
        """Return the copies that an optimiser may change."""
        return self.heads[0].parameters()

    def predict(self) -> Prediction:
        """Return the prediction with the parameters as they are."""
        self.logits = [head.predict().logits for head in self.heads]
        self.mixture = self.mixture._replace(predictions=self._predictions())
        return self.mixture.prediction(self.weights)

    def backward(self, gradient: LogitGradient) -> None:
        """Set the gradients of the parameters from that at the logits of the last prediction."""
        leaves = self.logits = [logits.detach().requires_grad_() for logits in self.logits]
        with torch.enable_grad():
            mixed = (self._predictions().probabilities * self.weights[..., None]).sum(0)
            log = mixed.clamp(min=torch.finfo(mixed.dtype).tiny).log()
        by_view = torch.autograd.grad(log, leaves, gradient.dense(len(log)))
        sum_of_gradients(
            self.heads, [LogitGradient(found.flatten(1).T.contiguous(), None) for found in by_view]
        )

    def distance(self) -> float:
        """Return the Euclidean distance of the parameters from the trained ones."""
        return self.heads[0].distance()

    def _predictions(self) -> ViewPredictions:
        shape = self.mixture.predictions.shape
        return ViewPredictions(
            torch.stack(
                [
                    on_grid(logits.softmax(0), axes, self.mixture.axes, shape)
                    for logits, axes in zip(self.logits, self.axes, strict=True)
                ]
            ),
            shape,
        )

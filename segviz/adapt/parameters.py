"""What an episode adapts: its own copies of parameters, and the prediction they give."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

from ..network.dynamic import Encoding, Prediction, Segmenter, Theta
from ..network.receptive_field import sigma_from_level, slope
from .pixelwise import Gradient

__all__ = ["EndToEnd", "Filters", "counts", "make"]

ADAPTED = {
    "score": ("score_weight", "score_bias"),
    "scale": ("scale_weight", "scale_bias"),
    "both": ("score_weight", "score_bias", "scale_weight", "scale_bias"),
}


class Filters:
    r"""theta_score and theta_scale, or one of them, over a frozen encoding.

    Centred updates of a weight leave the image's mean output of its filter where it was: with
    :math:`\mu` the mean over the image of what the filter multiplies at step 0, its bias in use is

    .. math:: b - (w - w_0) \cdot \mu.

    This is the same class of functions in other coordinates, and the same function at step 0.

    Arguments:
        network: The trained network, in eval mode; never written to.
        encoding: Features and scale space of the image.
        variables: score, scale or both.
        centred: Whether updates are centred.
    """

    def __init__(
        self, network: Segmenter, encoding: Encoding, variables: str, centred: bool = False
    ) -> None:
        self.network = network
        self.encoding = encoding
        self.initial = network.theta
        self.theta = Theta(
            *(
                value.clone().requires_grad_(name in ADAPTED[variables])
                for name, value in zip(Theta._fields, self.initial, strict=True)
            )
        )
        self.means: tuple[Tensor, Tensor] | None = None
        self.activation: Tensor  # (h w, C), of the last prediction
        self.u: Tensor  # (h w,), its levels
        self.reads = variables != "score"  # while theta_scale stays, so do the activations
        if centred or not self.reads:
            self.activation, self.u = network.activate(self.initial, *encoding)
        if centred:
            self.means = (self.activation.mean(0), _mean_patch(encoding.F))

    def parameters(self) -> list[Tensor]:
        """The copies that an optimiser may change."""
        return [value for value in self.theta if value.requires_grad]

    @torch.no_grad()
    def predict(self) -> Prediction:
        """The prediction with the parameters as they are."""
        theta = self._in_use()
        if self.reads:
            self.activation, self.u = self.network.activate(theta, *self.encoding)
        sigma = sigma_from_level(self.u).view(self.encoding.F.shape[-2:])
        return self.network.score(theta, self.activation, sigma)

    @torch.no_grad()
    def backward(self, gradient: Gradient) -> None:
        r"""Set the gradients of the parameters after `predict`.

        With g the gradient at a pixel's logits, a its activation and r the read response,

        .. math::
            \frac{\partial \ell}{\partial \theta_{score}} = \sum_i g_i a_i^T, \qquad
            \frac{\partial \ell}{\partial z_i} = \langle \theta_{score}^T g_i,\;
            [a_i > 0] \, (R_{i,l+1} - R_{i,l}) \rangle \; u_i (1 - u_i / (L - 1)),

        and theta_scale is a convolution away from z. Pixels without gradient (those outside S) are
        left out, which automatic differentiation could not know.

        Arguments:
            gradient: Of the loss at the logits.
        """
        theta, (F, R) = self._in_use(), self.encoding
        (g, pixels), a, u = gradient, self.activation, self.u
        if pixels is not None:
            a, u = a.index_select(0, pixels), u.index_select(0, pixels)
        if self.theta.score_weight.requires_grad:
            weight, bias = g.T @ a, g.sum(0)
            if self.means is not None:
                weight -= torch.outer(bias, self.means[0])
            self.theta.score_weight.grad, self.theta.score_bias.grad = weight, bias
        if self.reads:
            levels = R.shape[1]
            by_response = torch.ops.aten.threshold_backward(g @ theta.score_weight, a, 0)
            z = torch.linalg.vecdot(by_response, slope(R, u, pixels)) * u * (1 - u / (levels - 1))
            if pixels is not None:
                z = torch.zeros_like(self.u).index_copy_(0, pixels, z)
            weight, bias = _filter_gradient(z.view(F.shape[-2:]), F), z.sum()[None]
            if self.means is not None:
                weight -= bias * self.means[1]
            self.theta.scale_weight.grad, self.theta.scale_bias.grad = weight, bias

    def distance(self) -> float:
        """The Euclidean distance of the parameters from the trained ones."""
        return _distance(self.parameters(), self._trained())

    def _trained(self) -> list[Tensor]:
        pairs = zip(self.theta, self.initial, strict=True)
        return [initial for value, initial in pairs if value.requires_grad]

    def _in_use(self) -> Theta:
        if self.means is None:
            return self.theta
        activation, patch = self.means
        now, start = self.theta, self.initial
        score_shift = (now.score_weight - start.score_weight) @ activation
        scale_shift = ((now.scale_weight - start.scale_weight) * patch).sum()
        return now._replace(
            score_bias=now.score_bias - score_shift, scale_bias=now.scale_bias - scale_shift
        )


class EndToEnd:
    """Every parameter of the network, with the whole network as the forward pass.

    Arguments:
        network: The trained network, in eval mode; never written to.
        x: The network input, shape (1, 3, H, W).
    """

    def __init__(self, network: Segmenter, x: Tensor) -> None:
        self.network = network
        # A copy of its own: swapping parameters in and out would show in other threads.
        self.adapted = copy.deepcopy(network).requires_grad_()
        self.x = x
        self.logits: Tensor | None = None

    def parameters(self) -> list[Tensor]:
        """The copies that an optimiser may change."""
        return list(self.adapted.parameters())

    def predict(self) -> Prediction:
        """The prediction with the parameters as they are."""
        net = self.adapted
        F = net.features(self.x)  # not by the fused backbone, whose weights are other ones
        prediction = net.head(net.trainable_theta(), F, net.scale_space(F))
        self.logits = prediction.logits if torch.is_grad_enabled() else None
        return Prediction(*(part.detach() for part in prediction))

    def backward(self, gradient: Gradient) -> None:
        """Set the gradients of the parameters after `predict`; gradient: at the logits."""
        assert self.logits is not None, "predict without gradients"
        for parameter in self.adapted.parameters():
            parameter.grad = None
        rows = self.logits.flatten(1).T
        rows.backward(gradient.dense(len(rows)))
        self.logits = None

    def distance(self) -> float:
        """The Euclidean distance of the parameters from the trained ones."""
        return _distance(self.adapted.parameters(), self.network.parameters())


def _filter_gradient(z: Tensor, F: Tensor) -> Tensor:
    """The gradient of a padded 3x3 filter, shape (1, C, 3, 3), from that at its output (h, w)."""
    height, width = z.shape
    padded = functional.pad(z, (1, 1, 1, 1))
    shifted = [
        padded[i : i + height, j : j + width].flatten() for i in (2, 1, 0) for j in (2, 1, 0)
    ]
    return (torch.stack(shifted) @ F[0].flatten(1).T).T.reshape(1, -1, 3, 3)


def _mean_patch(F: Tensor) -> Tensor:
    """The mean over the pixels of what a padded 3x3 filter multiplies there, shape (C, 3, 3)."""
    sides = (slice(0, -1), slice(None), slice(1, None))  # the rows or columns that a tap meets
    sums = [F[0, :, rows, columns].sum((1, 2)) for rows in sides for columns in sides]
    return torch.stack(sums, 1).view(-1, 3, 3) / F[0, 0].numel()


@torch.no_grad()
def _distance(now: Iterable[Tensor], start: Iterable[Tensor]) -> float:
    squares = torch.stack([((a - b) ** 2).sum() for a, b in zip(now, start, strict=True)])
    return float(squares.sum()) ** 0.5  # in float32: Apple's GPUs have no float64


def make(
    network: Segmenter, x: Tensor, encoding: Encoding, variables: str, centred: bool
) -> Filters | EndToEnd:
    """The variables of that name for one image."""
    if variables == "all":
        return EndToEnd(network, x)
    return Filters(network, encoding, variables, centred)


def counts(network: Segmenter) -> dict[str, int]:
    """How many parameters each choice of variables adapts, by its name."""
    sizes = {name: value.numel() for name, value in network.theta._asdict().items()}
    adapted = {name: sum(sizes[part] for part in parts) for name, parts in ADAPTED.items()}
    return adapted | {"all": sum(value.numel() for value in network.parameters())}

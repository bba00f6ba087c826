"""What an episode adapts: its own copies of parameters, and the prediction they give."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor

from ..network.segmenter import Encoding, Prediction, Segmenter, Theta

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
        self.fixed: tuple[Tensor, Tensor] | None = None
        if centred or variables == "score":
            activation, sigma = network.activate(self.initial, *encoding)
            if centred:
                self.means = (activation.mean(0), _mean_patch(encoding.F))
            if variables == "score":  # while theta_scale stays, so do the activations
                self.fixed = activation, sigma

    def parameters(self) -> list[Tensor]:
        """The copies that an optimiser may change."""
        return [value for value in self.theta if value.requires_grad]

    def predict(self) -> Prediction:
        """The prediction with the parameters as they are, differentiable in them."""
        theta = self._in_use()
        if self.fixed is not None:
            return self.network.score(theta, *self.fixed)
        return self.network.head(theta, *self.encoding)

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

    def parameters(self) -> list[Tensor]:
        """The copies that an optimiser may change."""
        return list(self.adapted.parameters())

    def predict(self) -> Prediction:
        """The prediction with the parameters as they are, differentiable in them."""
        net = self.adapted
        F = net.features(self.x)  # not by the fused backbone, whose weights are other ones
        return net.head(net.trainable_theta(), F, net.scale_space(F))

    def distance(self) -> float:
        """The Euclidean distance of the parameters from the trained ones."""
        return _distance(self.adapted.parameters(), self.network.parameters())


def _mean_patch(F: Tensor) -> Tensor:
    """The mean over the pixels of what a padded 3x3 filter multiplies there, shape (C, 3, 3)."""
    sides = (slice(0, -1), slice(None), slice(1, None))  # the rows or columns that a tap meets
    sums = [F[0, :, rows, columns].sum((1, 2)) for rows in sides for columns in sides]
    return torch.stack(sums, 1).view(-1, 3, 3) / F[0, 0].numel()


@torch.no_grad()
def _distance(now: Iterable[Tensor], start: Iterable[Tensor]) -> float:
    total = sum(((a - b) ** 2).sum().double() for a, b in zip(now, start, strict=True))
    return float(total) ** 0.5


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

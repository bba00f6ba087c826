"""A prediction with those of the photo's other views beside it, under shared parameters."""

import torch
from torch import Tensor

from ..network.interface import Network, Prediction
from .fast_gradient import LogitGradient
from .mixture import on_grid
from .parameters import copy_parameters
from .photo_views import PhotoViews
from .settings import Settings
from .shared_parameters import sum_of_gradients
from .views import views_of

__all__ = ["ViewAgreement"]


class ViewAgreement:
    """The parameters of an objective that compares the single view at s with other views.

    The prediction is that of the single view. The others' probabilities are brought to its grid,
    so that sizes and mirror images are undone.

    Arguments:
        network: The network, in eval mode; never written to.
        views: The views of the photo.
        settings: The episode's settings.
    """

    def __init__(self, network: Network, views: PhotoViews, settings: Settings) -> None:
        s = settings
        chosen = views_of(s.info.views, s.scale * max(views.photo.shape[:2]))
        encoded = [views.encoded(s.scale * view.factor, view.mirrored) for view in chosen]
        first = copy_parameters(network, encoded[0], s)
        self.heads = [first, *(copy_parameters(network, view, s, first) for view in encoded[1:])]
        self.axes = [view.axes for view in encoded]
        self.logits: list[Tensor] = []  # of each other view, of the last prediction
        self.shape: tuple[int, ...] = ()

    def parameters(self) -> list[Tensor]:
        """Return the copies that an optimiser may change."""
        return self.heads[0].parameters()

    def predict(self) -> Prediction:
        """Return the prediction of the single view with the parameters as they are."""
        plain, *others = [head.predict() for head in self.heads]
        self.shape = tuple(plain.logits.shape[-2:])
        self.logits = [prediction.logits for prediction in others]
        return plain

    @property
    def others(self) -> Tensor:
        """The probabilities of the other views at the last prediction's pixels, (V, N, K)."""
        return torch.stack(
            [
                on_grid(logits.softmax(0), axes, self.axes[0], self.shape)
                for logits, axes in zip(self.logits, self.axes[1:], strict=True)
            ]
        )

    def backward(self, gradient: LogitGradient) -> None:
        """Set the gradients of the parameters from those at the last predictions."""
        gradients = [gradient._replace(others=None)]
        if gradient.others is not None:
            leaves = self.logits = [logits.detach().requires_grad_() for logits in self.logits]
            with torch.enable_grad():
                others = self.others
            by_view = torch.autograd.grad(others, leaves, gradient.others)
            gradients += [LogitGradient(found.flatten(1).T.contiguous(), None) for found in by_view]
        sum_of_gradients(self.heads, gradients)

    def distance(self) -> float:
        """Return the Euclidean distance of the parameters from the trained ones."""
        return self.heads[0].distance()

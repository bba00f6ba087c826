r"""Combine the predictions of several views of a photo into one.

With :math:`p_l` the softmax of view l on the grid of the finest view, and weights :math:`w_l`:

.. math:: p_i = \sum_l w_{l,i} \, p_{l,i}, \qquad \sum_l w_{l,i} = 1
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from .gate import Gate

__all__ = ["COMBINATIONS", "ViewPredictions", "log_weights"]

FIXED = (2.0, 0.0, -2.0)
"""The logits of fixed weights, the largest size first."""

BETWEEN = 1.5
"""The weight of s/sqrt(8), in the lesser of the weights of s/2 and s/4."""

CONFIDENCE_RATIO = 0.7
SHARPNESS = 8
WINDOW = 4
"""The local entropy is a mean over a window whose sides are the photo's divided by this."""


class ViewPredictions(NamedTuple):
    """The predictions of the views of a photo, on the grid of the finest view."""

    probabilities: Tensor  # (L, N, K), the largest size first
    shape: tuple[int, int]  # (h, w) of the grid, N = h w

    def entropy(self) -> Tensor:
        """Return the entropy of each view, shape (L, N), nats."""
        return -torch.special.xlogy(self.probabilities, self.probabilities).sum(2)


def mean(views: ViewPredictions) -> Tensor:
    """Return equal log-weights, shape (L, 1)."""
    return views.probabilities.new_zeros(len(views.probabilities), 1)


def fixed(views: ViewPredictions) -> Tensor:
    """Return the log-weights `FIXED`, shape (L, 1)."""
    return views.probabilities.new_tensor(FIXED)[:, None]


def rule(views: ViewPredictions) -> Tensor:
    r"""Return log-weights by local entropy, shape (L, N): smaller sizes where they are far surer.

    .. math::
        a_l = \frac{1}{1 + (\bar H_{l+1} / (c \bar H_l))^p}, \quad c = 0.7, \; p = 8, \qquad
        w_0 = 1 - a_0, \; w_1 = a_0 (1 - a_1), \; \dots

    with :math:`\bar H` the entropy averaged over a window of a quarter of the photo's sides.
    """
    entropy = views.entropy().unflatten(1, views.shape)
    window = [max(1, side // WINDOW) | 1 for side in views.shape]  # odd, so that it is centred
    local = functional.avg_pool2d(
        entropy, window, 1, [side // 2 for side in window], count_include_pad=False
    ).flatten(1)
    # log a = -softplus(t), log(1 - a) = t - softplus(t), with t = p log(H_{l+1} / (c H_l)).
    log = local.clamp(min=torch.finfo(local.dtype).tiny).log()
    t = SHARPNESS * (log[1:] - log[:-1] - math.log(CONFIDENCE_RATIO))
    stay, leave = t - functional.softplus(t), -functional.softplus(t)
    before = functional.pad(leave.cumsum(0), (0, 0, 1, 0))  # of having left all larger sizes
    return before + functional.pad(stay, (0, 0, 0, 1))


def class_entropy(views: ViewPredictions) -> Tensor:
    r"""Return log-weights by the entropy of each predicted class, shape (L, 1).

    .. math::
        h_l = \frac{1}{|C_l|} \sum_{c \in C_l} \frac{1}{N_{lc}} \sum_{i : y_{l,i} = c} H_{l,i},
        \qquad \log w_l = - \frac{h_l - \min h}{\max h - \min h}

    with :math:`C_l` the classes that view l predicts: of two classes, foreground and background,
    this is InTEnt's rule.

    Source:
        Dong et al. 2024, https://arxiv.org/abs/2402.09604.
    """
    entropy, labels = views.entropy(), views.probabilities.argmax(2)
    sums = entropy.new_zeros(len(entropy), views.probabilities.shape[2])
    counts = sums.scatter_add(1, labels, torch.ones_like(entropy))
    means = sums.scatter_add(1, labels, entropy) / counts.clamp(min=1)
    h = means.sum(1) / (counts > 0).sum(1)
    spread = (h.max() - h.min()).clamp(min=torch.finfo(h.dtype).tiny)
    return -((h - h.min()) / spread)[:, None]


def gate_weights(views: ViewPredictions, gate: Gate) -> Tensor:
    """Return the log-weights that a trained gate gives, shape (L, 1)."""
    return gate.log_weights(views.probabilities)[:, None]


def spread(octaves: Tensor) -> Tensor:
    r"""Return the log-weights of five views from those of octaves.

    .. math::
        t = \frac{3}{2} \frac{\min(w_1, w_2)}{w_1 + w_2}, \qquad
        w' = (w_0, \; (1 - t) w_1, \; t (w_1 + w_2), \; (1 - t) w_2 / 2, \; (1 - t) w_2 / 2)

    The size between the last two octaves takes weight from both where both have some, and the last
    shares its weight with its mirror image.

    Arguments:
        octaves: The log-weights of s, s/2 and s/4, shape (3, N) or (3, 1).

    Returns:
        Those of s, s/2, s/sqrt(8), s/4 and the mirror image of s/4, shape (5, N) or (5, 1).
    """
    first, second, third = octaves.softmax(0)
    moved = BETWEEN * torch.minimum(second, third)
    tiny = torch.finfo(moved.dtype).tiny
    rest = 1 - moved / (second + third).clamp(min=tiny)
    half = rest * third / 2
    return torch.stack([first, rest * second, moved, half, half]).clamp(min=tiny).log()


COMBINATIONS: dict[str, Callable[[ViewPredictions], Tensor]] = {
    "mean": mean,
    "fixed": fixed,
    "rule": rule,
    "class-entropy": class_entropy,
}
"""The combinations that need no training."""


def log_weights(name: str, views: ViewPredictions, gate: Gate | None) -> Tensor:
    """Return the log-weights of a combination, up to a constant: shape (L, N) or (L, 1).

    Arguments:
        name: A name in `COMBINATIONS`, `gate`, `gate-or-rule` for the gate where there is one, or
            `gate-or-rule-five` for these weights of octaves spread over five views.
        views: The predictions of the views.
        gate: The network's gate, needed by `gate`.
    """
    if name == "gate-or-rule-five":
        p = views.probabilities
        octaves = ViewPredictions(torch.cat([p[:2], p[3:4]]), views.shape)
        return spread(log_weights("gate-or-rule", octaves, gate))
    if name == "gate-or-rule":
        name = "rule" if gate is None else "gate"
    if name == "gate":
        assert gate is not None, "the network has no gate"
        return gate_weights(views, gate)
    return COMBINATIONS[name](views)

r"""Losses of a pixel-wise prediction: functions of `Pixels` that return a scalar.

With N pixels, K classes, probabilities :math:`p_{ic}` and truth :math:`y_i`:

.. math:: H_i = - \sum_c p_{ic} \log p_{ic}, \qquad m_c = \frac{1}{N} \sum_i p_{ic}

Which of them an episode minimises or maximises, and under which name: `objectives`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # objectives are listed before torch is imported
    from torch import Tensor

    from .pixelwise import Pixels

__all__ = [
    "AGREEMENT",
    "BACKGROUND_WEIGHT",
    "CONFIDENT",
    "FEW_CLASSES_WEIGHT",
    "LARGEST_PROBABILITY",
    "MARGINAL_WEIGHT",
    "REDUNDANT",
    "RELIABLE",
    "balanced_squares",
    "cross_entropy",
    "disagreement",
    "entropy_of_views",
    "few_classes_entropy",
    "information",
    "likelihood_ratio",
    "marginal_entropy",
    "maximum_squares",
    "mean_entropy",
    "pseudo_labels",
    "reliable_entropy",
    "soft_iou",
    "thresholded_entropy",
    "total_entropy",
    "two_scale_prior",
    "weighted_entropy",
]

MARGINAL_WEIGHT = 3.0
FEW_CLASSES_WEIGHT = 0.3
BACKGROUND_WEIGHT = 10.0
CONFIDENCE_RATIO = 0.7
SHARPNESS = 8
BALANCE = 0.2
CONFIDENT = 0.9
SMOOTH = 1.0
LARGEST_PROBABILITY = 0.99
RELIABLE = 0.4
REDUNDANT = 0.05
AGREEMENT = 3.0


def thresholded_entropy(pixels: Pixels) -> Tensor:
    """Return the sum over S of H, in nats."""
    return (pixels.entropy * pixels.selected()).sum()


def total_entropy(pixels: Pixels) -> Tensor:
    """Return the sum over all pixels of H, in nats."""
    return pixels.entropy.sum()


def marginal_entropy(pixels: Pixels) -> Tensor:
    """Return the thresholded entropy per pixel plus the weighted KL from the class prior."""
    drift = _divergence(pixels.class_prior, pixels.marginal)
    return thresholded_entropy(pixels) / len(pixels) + MARGINAL_WEIGHT * drift


def few_classes_entropy(pixels: Pixels) -> Tensor:
    """Return the thresholded entropy per pixel plus the weighted entropy of the foreground classes.

    One photo shows few classes, so the marginal of all but class 0 (the background) may sharpen; a
    weighted KL holds the share of the background where step 0 had it.
    """
    before, now = pixels.class_prior, pixels.marginal
    foreground = now[1:] / now[1:].sum().clamp(min=1e-12)
    few = -(foreground * foreground.clamp(min=_tiny(now)).log()).sum()
    drift = _divergence(_split(before), _split(now))
    sharp = thresholded_entropy(pixels) / len(pixels)
    return sharp + FEW_CLASSES_WEIGHT * few + BACKGROUND_WEIGHT * drift


def _split(marginal: Tensor) -> Tensor:
    """Return the shares of background and foreground, shape (2,)."""
    import torch

    return torch.stack((marginal[0], marginal[1:].sum()))


def _divergence(before: Tensor, now: Tensor) -> Tensor:
    """Return KL(before || now) in nats, finite where a class has vanished."""
    tiny = _tiny(now)
    return (before * (before.clamp(min=tiny).log() - now.clamp(min=tiny).log())).sum()


def _tiny(values: Tensor) -> float:
    import torch

    return torch.finfo(values.dtype).tiny


def two_scale_prior(pixels: Pixels, half: Pixels) -> Tensor:
    r"""Return the class prior from the input and from the input at half its size.

    .. math::
        (1 - a) \, m + a \, m_{1/2}, \qquad
        a = \frac{1}{1 + (\bar H_{1/2} / (c \bar H))^p}, \quad c = 0.7, \; p = 8

    The smaller view counts only where it is much more confident: at the training scale it is less
    confident as a rule, at three times that scale far more confident.

    Arguments:
        pixels: The feedforward prediction.
        half: That of the same input at half its size.

    Returns:
        Shape (K,).
    """
    limit = (CONFIDENCE_RATIO * pixels.entropy.mean()).clamp(min=_tiny(half.logits))
    ratio = half.entropy.mean() / limit
    weight = 1 / (1 + ratio**SHARPNESS)
    return pixels.marginal.lerp(half.marginal, weight).detach()


def cross_entropy(pixels: Pixels) -> Tensor:
    """Return the mean cross-entropy to the truth over the pixels that have one, in nats."""
    total = -pixels.truth_log_probabilities.sum()
    return total / pixels.known.sum().clamp(min=1)


def mean_entropy(pixels: Pixels) -> Tensor:
    """Return the mean of H, in nats."""
    return pixels.entropy.mean()


def information(pixels: Pixels) -> Tensor:
    """Return the mean of H minus the entropy of the class marginal, in nats."""
    m = pixels.marginal
    return pixels.entropy.mean() + (m * m.clamp(min=_tiny(m)).log()).sum()


def maximum_squares(pixels: Pixels) -> Tensor:
    """Return minus the sum of squared probabilities over 2 N K."""
    p = pixels.probabilities
    return -(p * p).sum() / (2 * p.numel())


def balanced_squares(pixels: Pixels) -> Tensor:
    """Return minus the weighted sum of squared probabilities over K: rare classes weigh more."""
    p = pixels.probabilities
    labels = p.detach().argmax(1)
    counts = p.new_zeros(p.shape[1]).index_add_(0, labels, p.new_ones(len(p)))
    weight = 1 / (counts**BALANCE * len(p) ** (1 - BALANCE)).clamp(min=1)
    return -((p * p).sum(1) * weight[labels]).sum() / p.shape[1]


def pseudo_labels(pixels: Pixels) -> Tensor:
    """Return the mean cross-entropy to the predicted class over confident pixels, in nats."""
    log_p = pixels.log_probabilities.amax(1)
    kept = log_p.detach() > math.log(CONFIDENT)
    return -(log_p * kept).sum() / kept.sum().clamp(min=1)


def soft_iou(pixels: Pixels) -> Tensor:
    """Return 1 minus the mean over all classes of the IoU of p with its own argmax."""
    p = pixels.probabilities
    labels = p.detach().argmax(1)
    own = p.gather(1, labels[:, None])[:, 0]
    zeros = p.new_zeros(p.shape[1])
    intersection = zeros.index_add(0, labels, own)
    counts = zeros.index_add(0, labels, p.new_ones(len(p)))
    iou = (intersection + SMOOTH) / (p.sum(0) + counts - intersection + SMOOTH)
    return 1 - iou.mean()


def likelihood_ratio(pixels: Pixels) -> Tensor:
    """Return the mean over the pixels of the soft likelihood ratio."""
    q = pixels.probabilities.clamp(max=LARGEST_PROBABILITY)
    return -(q * (q / (1 - q) + 1e-5).log()).sum(1).mean()


def reliable_entropy(pixels: Pixels) -> Tensor:
    """Return the mean of H over the pixels with H below a fraction of ln K, in nats."""
    entropy = pixels.entropy
    kept = entropy.detach() < _reliable(pixels)
    return (entropy * kept).sum() / kept.sum().clamp(min=1)


def weighted_entropy(pixels: Pixels) -> Tensor:
    """Return the mean of weighted H over reliable pixels unlike the mean prediction, in nats.

    As in the source, the first update takes all reliable pixels: no mean prediction is held yet.
    """
    entropy, limit = pixels.entropy, _reliable(pixels)
    constant, p = entropy.detach(), pixels.probabilities.detach()
    prior = pixels.class_prior
    cosine = p @ prior / (p.norm(dim=1) * prior.norm()).clamp(min=_tiny(p))
    kept = constant < limit
    if not pixels.is_first:
        kept = kept & (cosine < REDUNDANT)
    weight = (limit - constant).exp() * kept
    return (entropy * weight).sum() / kept.sum().clamp(min=1)


def _reliable(pixels: Pixels) -> float:
    return RELIABLE * math.log(pixels.logits.shape[1])


def entropy_of_views(pixels: Pixels) -> Tensor:
    """Return the mean over the pixels of the entropy of the mean over the views, in nats."""
    p = _views(pixels).mean(0)
    return -(p * p.clamp(min=_tiny(p)).log()).sum(1).mean()


def disagreement(pixels: Pixels) -> Tensor:
    r"""Return how much the views differ, and how narrow the mean prediction is.

    .. math:: -3 \, \overline{\langle q_i, q'_i \rangle} + \| \bar q \|^2,
        \qquad q = p / \| p \|

    with q' the mean over the other views.
    """
    p = _views(pixels)
    q = p / p.norm(dim=2, keepdim=True)
    others = q[1:].mean(0) if len(q) > 1 else q[0]
    return -AGREEMENT * (q[0] * others).sum(1).mean() + q.mean((0, 1)).square().sum()


def _views(pixels: Pixels) -> Tensor:
    """Return the probabilities of all views, the plain one first, shape (1 + V, N, K)."""
    import torch

    own = pixels.probabilities[None]
    return own if pixels.others is None else torch.cat((own, pixels.others))

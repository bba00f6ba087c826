r"""Objectives: losses of the pixel-wise prediction that an episode minimises or maximises.

With N pixels, K classes, probabilities :math:`p_{ic}` and truth :math:`y_i`:

.. math:: H_i = - \sum_c p_{ic} \log p_{ic}, \qquad m_c = \frac{1}{N} \sum_i p_{ic}
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import InputError

if TYPE_CHECKING:  # pages show the titles before torch is imported
    from torch import Tensor

    from .pixelwise import Pixels

__all__ = ["OBJECTIVES", "Objective", "find", "two_scale_prior"]

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


@dataclass(frozen=True)
class Objective:
    """A loss, and what the app and the papers call it.

    Arguments:
        title: Its name in the app.
        loss: Maps the prediction to a scalar.
        direction: Whether the optimiser minimises (+1) or maximises (-1) the loss.
        needs_truth: Whether it compares with true labels.
        formula: The loss, in TeX.
        source: The paper and equation it comes from.
        two_scales: Whether its class prior is that of `two_scale_prior` instead of the class
            marginal of step 0.
        views: The views that it compares, a name in `views.VIEWS`.
        failure: How it fails on dense prediction, in one sentence.
    """

    title: str
    loss: Callable[[Pixels], Tensor]
    direction: Literal[1, -1]
    needs_truth: bool
    formula: str
    source: str
    two_scales: bool = False
    views: str = "single"
    failure: str = ""


OBJECTIVES: dict[str, Objective] = {
    "entropy": Objective(
        "Entropy",
        thresholded_entropy,
        1,
        False,
        r"\min \sum_{i \in S} H_i, \quad S = \{i : H_i > \bar H\}",
        "paper, eq. 2",
        failure="Descent drifts along the mean of the features, and the commonest class spreads.",
    ),
    "entropy-all": Objective(
        "Entropy of all pixels",
        total_entropy,
        1,
        False,
        r"\min \sum_i H_i",
        "paper, section 2.1, before the threshold",
        failure="As entropy, and the many sure pixels drown the doubtful ones.",
    ),
    "entropy-marginal": Objective(
        "Entropy, marginal kept",
        marginal_entropy,
        1,
        False,
        rf"\min \frac{{1}}{{N}} \sum_{{i \in S}} H_i + {MARGINAL_WEIGHT:g} \, "
        r"\mathrm{KL}(m^{(0)} \| m^{(t)})",
        "eq. 2 with the class marginal of step 0 held",
        failure="It keeps a class marginal that is itself wrong at other scales.",
    ),
    "entropy-two-scales": Objective(
        "Entropy, marginal of two scales",
        marginal_entropy,
        1,
        False,
        rf"\min \frac{{1}}{{N}} \sum_{{i \in S}} H_i + {MARGINAL_WEIGHT:g} \, "
        r"\mathrm{KL}((1 - a) \, m^{(0)} + a \, m^{(0)}_{1/2} \| m^{(t)})",
        "eq. 2 with the class marginal drawn to that at half the size, where that is surer",
        two_scales=True,
        failure="The smaller size is surer where it merely misses small objects.",
    ),
    "entropy-few": Objective(
        "Entropy, few classes",
        few_classes_entropy,
        1,
        False,
        rf"\min \frac{{1}}{{N}} \sum_{{i \in S}} H_i + {FEW_CLASSES_WEIGHT:g} \, H(f), \quad "
        rf"{{}} + {BACKGROUND_WEIGHT:g} \, \mathrm{{KL}}(b^{{(0)}} \| b^{{(t)}})",
        "eq. 2, few foreground classes f wanted, the share of background b held",
        failure="It merges objects of several classes into one.",
    ),
    "oracle": Objective(
        "Oracle",
        cross_entropy,
        1,
        True,
        r"\min \frac{1}{N} \sum_i -\log p_{i y_i}",
        "paper, section 3.1",
    ),
    "adversary": Objective(
        "Adversary",
        cross_entropy,
        -1,
        True,
        r"\max \frac{1}{N} \sum_i -\log p_{i y_i}",
        "paper, section 3.1",
    ),
    "adversary-entropy": Objective(
        "Adversary (entropy)",
        total_entropy,
        -1,
        False,
        r"\max \sum_i H_i",
        "paper, section 3.3",
    ),
    "tent": Objective(
        "Tent",
        mean_entropy,
        1,
        False,
        r"\min \frac{1}{N} \sum_i H_i",
        "Wang et al. 2021, arXiv 2006.10726",
        failure="One photo gives poor statistics, and more steps let the commonest class spread.",
    ),
    "infomax": Objective(
        "InfoMax",
        information,
        1,
        False,
        r"\min \frac{1}{N} \sum_i H_i - H(m)",
        "Liang et al. 2020 (SHOT), arXiv 2002.08546",
        failure="It wants all classes in every photo, and invents those that are not there.",
    ),
    "max-squares": Objective(
        "Maximum squares",
        maximum_squares,
        1,
        False,
        r"\min -\frac{1}{2 N K} \sum_{i c} p_{ic}^2",
        "Chen et al. 2019, arXiv 1909.13589",
        failure="Its optimum is that of entropy, only flatter: the commonest class spreads.",
    ),
    "max-squares-balanced": Objective(
        "Maximum squares, balanced",
        balanced_squares,
        1,
        False,
        r"\min -\frac{1}{K} \sum_i \frac{1}{n_{y_i}^{0.2} N^{0.8}} \sum_c p_{ic}^2",
        "Chen et al. 2019, arXiv 1909.13589, image-wise weights",
        failure="It raises rare predictions, of which many are mistakes.",
    ),
    "pseudo-label": Objective(
        "Pseudo-labels",
        pseudo_labels,
        1,
        False,
        rf"\min \frac{{1}}{{|P|}} \sum_{{i \in P}} -\log p_{{i y_i}}, \quad"
        rf" P = \{{i : \max_c p_{{ic}} > {CONFIDENT:g}\}}",
        "Lee 2013; threshold as in the segmentation literature",
        failure="It confirms confident errors, and learns nothing where the network doubts.",
    ),
    "soft-iou": Objective(
        "Soft IoU",
        soft_iou,
        1,
        False,
        r"\min 1 - \frac{1}{K} \sum_c \frac{I_c + 1}{U_c + 1}, \quad"
        r" I_c = \sum_{i : y_i = c} p_{ic}",
        "Janouskova et al. 2024 (SITTA), arXiv 2309.14052, eps 1",
        failure="Absent classes count as much as those present, and small ones are wiped out.",
    ),
    "slr": Objective(
        "Soft likelihood ratio",
        likelihood_ratio,
        1,
        False,
        r"\min -\frac{1}{N} \sum_{i c} q_{ic} \log \left( \frac{q_{ic}}{1 - q_{ic}}"
        rf" + 10^{{-5}} \right), \quad q = \min(p, {LARGEST_PROBABILITY:g})",
        "Mummadi et al. 2021, arXiv 2106.14999",
        failure="Its gradient survives at high confidence, so that the prediction drifts further.",
    ),
    "eta": Objective(
        "ETA",
        weighted_entropy,
        1,
        False,
        r"\min \frac{1}{|P|} \sum_{i \in P} e^{E - H_i} H_i, \quad"
        rf" P = \{{i : H_i < E, \cos(p_i, m^{{(0)}}) < {REDUNDANT:g}\}}, \quad"
        rf" E = {RELIABLE:g} \ln K",
        "Niu et al. 2022 (EATA without its anchor), arXiv 2204.02610",
        failure="After the first update, pixels like the mean prediction are discarded: most are.",
    ),
    "sar": Objective(
        "SAR",
        reliable_entropy,
        1,
        False,
        r"\min \max_{\|e\| \le 0.05} \frac{1}{|P|} \sum_{i \in P} H_i(\theta + e), \quad"
        rf" P = \{{i : H_i < {RELIABLE:g} \ln K\}}",
        "Niu et al. 2023, arXiv 2302.12400",
        failure="Dense entropies are low from the start: most pixels pass, and it resets often.",
    ),
    "memo": Objective(
        "MEMO",
        entropy_of_views,
        1,
        False,
        r"\min \frac{1}{N} \sum_i H(\frac{1}{4} \sum_v p_{v,i}), \quad"
        r" v: \{1, 0.75\} \, s, \text{ mirrored or not}",
        "Zhang et al. 2022, arXiv 2110.09506, for each pixel",
        views="augmented",
        failure="A view that is wrong with confidence pulls the others along.",
    ),
    "consistency": Objective(
        "Flip consistency",
        disagreement,
        1,
        False,
        rf"\min -{AGREEMENT:g} \, \overline{{\langle q_i, q'_i \rangle}} + \| \bar q \|^2,"
        r" \quad q = p / \| p \|",
        "Zhang et al. 2023 (Output Contrastive Loss), with the mirror image",
        views="flip",
        failure="Mirror images make the same mistakes, so that agreement says little.",
    ),
    "consistency-scale": Objective(
        "Scale consistency",
        disagreement,
        1,
        False,
        rf"\min -{AGREEMENT:g} \, \overline{{\langle q_i, q'_i \rangle}} + \| \bar q \|^2,"
        r" \quad q' \text{ at } s/2",
        "Zhang et al. 2023 (Output Contrastive Loss), with half the size",
        views="halved",
        failure="At the scale of training the smaller view is the worse one, and pulls as hard.",
    ),
}


def find(name: str) -> Objective:
    """Return the objective of a name in `OBJECTIVES`.

    Raises:
        InputError: If there is none.
    """
    try:
        return OBJECTIVES[name]
    except KeyError:
        raise InputError(
            f"there is no objective {name!r}; choose one of {', '.join(OBJECTIVES)}."
        ) from None

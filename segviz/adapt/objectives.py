r"""Objectives: losses of the pixel-wise prediction that an episode minimises or maximises.

With N pixels, K classes, probabilities :math:`p_{ic}` and truth :math:`y_i`:

.. math:: H_i = - \sum_c p_{ic} \log p_{ic}, \qquad m_c = \frac{1}{N} \sum_i p_{ic}
"""

from __future__ import annotations

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
    """

    title: str
    loss: Callable[[Pixels], Tensor]
    direction: Literal[1, -1]
    needs_truth: bool
    formula: str
    source: str
    two_scales: bool = False


OBJECTIVES: dict[str, Objective] = {
    "entropy": Objective(
        "Entropy",
        thresholded_entropy,
        1,
        False,
        r"\min \sum_{i \in S} H_i, \quad S = \{i : H_i > \bar H\}",
        "paper, eq. 2",
    ),
    "entropy-all": Objective(
        "Entropy of all pixels",
        total_entropy,
        1,
        False,
        r"\min \sum_i H_i",
        "paper, section 2.1, before the threshold",
    ),
    "entropy-marginal": Objective(
        "Entropy, marginal kept",
        marginal_entropy,
        1,
        False,
        rf"\min \frac{{1}}{{N}} \sum_{{i \in S}} H_i + {MARGINAL_WEIGHT:g} \, "
        r"\mathrm{KL}(m^{(0)} \| m^{(t)})",
        "eq. 2 with the class marginal of step 0 held",
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
    ),
    "entropy-few": Objective(
        "Entropy, few classes",
        few_classes_entropy,
        1,
        False,
        rf"\min \frac{{1}}{{N}} \sum_{{i \in S}} H_i + {FEW_CLASSES_WEIGHT:g} \, H(f), \quad "
        rf"{{}} + {BACKGROUND_WEIGHT:g} \, \mathrm{{KL}}(b^{{(0)}} \| b^{{(t)}})",
        "eq. 2, few foreground classes f wanted, the share of background b held",
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

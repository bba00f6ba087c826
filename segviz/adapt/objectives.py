"""Objectives: the losses that an episode minimises or maximises, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import InputError
from . import losses
from .losses import (
    AGREEMENT,
    BACKGROUND_WEIGHT,
    CONFIDENT,
    FEW_CLASSES_WEIGHT,
    LARGEST_PROBABILITY,
    MARGINAL_WEIGHT,
    REDUNDANT,
    RELIABLE,
)

if TYPE_CHECKING:  # pages show the titles before torch is imported
    from torch import Tensor

    from .pixelwise import Pixels

__all__ = ["OBJECTIVES", "Objective", "find"]


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
        losses.thresholded_entropy,
        1,
        False,
        r"\min \sum_{i \in S} H_i, \quad S = \{i : H_i > \bar H\}",
        "paper, eq. 2",
        failure="Descent drifts along the mean of the features, and the commonest class spreads.",
    ),
    "entropy-all": Objective(
        "Entropy of all pixels",
        losses.total_entropy,
        1,
        False,
        r"\min \sum_i H_i",
        "paper, section 2.1, before the threshold",
        failure="As entropy, and the many sure pixels drown the doubtful ones.",
    ),
    "entropy-marginal": Objective(
        "Entropy, marginal kept",
        losses.marginal_entropy,
        1,
        False,
        rf"\min \frac{{1}}{{N}} \sum_{{i \in S}} H_i + {MARGINAL_WEIGHT:g} \, "
        r"\mathrm{KL}(m^{(0)} \| m^{(t)})",
        "eq. 2 with the class marginal of step 0 held",
        failure="It keeps a class marginal that is itself wrong at other scales.",
    ),
    "entropy-two-scales": Objective(
        "Entropy, marginal of two scales",
        losses.marginal_entropy,
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
        losses.few_classes_entropy,
        1,
        False,
        rf"\min \frac{{1}}{{N}} \sum_{{i \in S}} H_i + {FEW_CLASSES_WEIGHT:g} \, H(f), \quad "
        rf"{{}} + {BACKGROUND_WEIGHT:g} \, \mathrm{{KL}}(b^{{(0)}} \| b^{{(t)}})",
        "eq. 2, few foreground classes f wanted, the share of background b held",
        failure="It merges objects of several classes into one.",
    ),
    "oracle": Objective(
        "Oracle",
        losses.cross_entropy,
        1,
        True,
        r"\min \frac{1}{N} \sum_i -\log p_{i y_i}",
        "paper, section 3.1",
    ),
    "adversary": Objective(
        "Adversary",
        losses.cross_entropy,
        -1,
        True,
        r"\max \frac{1}{N} \sum_i -\log p_{i y_i}",
        "paper, section 3.1",
    ),
    "adversary-entropy": Objective(
        "Adversary (entropy)",
        losses.total_entropy,
        -1,
        False,
        r"\max \sum_i H_i",
        "paper, section 3.3",
    ),
    "tent": Objective(
        "Tent",
        losses.mean_entropy,
        1,
        False,
        r"\min \frac{1}{N} \sum_i H_i",
        "Wang et al. 2021, arXiv 2006.10726",
        failure="One photo gives poor statistics, and more steps let the commonest class spread.",
    ),
    "infomax": Objective(
        "InfoMax",
        losses.information,
        1,
        False,
        r"\min \frac{1}{N} \sum_i H_i - H(m)",
        "Liang et al. 2020 (SHOT), arXiv 2002.08546",
        failure="It wants all classes in every photo, and invents those that are not there.",
    ),
    "max-squares": Objective(
        "Maximum squares",
        losses.maximum_squares,
        1,
        False,
        r"\min -\frac{1}{2 N K} \sum_{i c} p_{ic}^2",
        "Chen et al. 2019, arXiv 1909.13589",
        failure="Its optimum is that of entropy, only flatter: the commonest class spreads.",
    ),
    "max-squares-balanced": Objective(
        "Maximum squares, balanced",
        losses.balanced_squares,
        1,
        False,
        r"\min -\frac{1}{K} \sum_i \frac{1}{n_{y_i}^{0.2} N^{0.8}} \sum_c p_{ic}^2",
        "Chen et al. 2019, arXiv 1909.13589, image-wise weights",
        failure="It raises rare predictions, of which many are mistakes.",
    ),
    "pseudo-label": Objective(
        "Pseudo-labels",
        losses.pseudo_labels,
        1,
        False,
        rf"\min \frac{{1}}{{|P|}} \sum_{{i \in P}} -\log p_{{i y_i}}, \quad"
        rf" P = \{{i : \max_c p_{{ic}} > {CONFIDENT:g}\}}",
        "Lee 2013; threshold as in the segmentation literature",
        failure="It confirms confident errors, and learns nothing where the network doubts.",
    ),
    "soft-iou": Objective(
        "Soft IoU",
        losses.soft_iou,
        1,
        False,
        r"\min 1 - \frac{1}{K} \sum_c \frac{I_c + 1}{U_c + 1}, \quad"
        r" I_c = \sum_{i : y_i = c} p_{ic}",
        "Janouskova et al. 2024 (SITTA), arXiv 2309.14052, eps 1",
        failure="Absent classes count as much as those present, and small ones are wiped out.",
    ),
    "slr": Objective(
        "Soft likelihood ratio",
        losses.likelihood_ratio,
        1,
        False,
        r"\min -\frac{1}{N} \sum_{i c} q_{ic} \log \left( \frac{q_{ic}}{1 - q_{ic}}"
        rf" + 10^{{-5}} \right), \quad q = \min(p, {LARGEST_PROBABILITY:g})",
        "Mummadi et al. 2021, arXiv 2106.14999",
        failure="Its gradient survives at high confidence, so that the prediction drifts further.",
    ),
    "eta": Objective(
        "ETA",
        losses.weighted_entropy,
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
        losses.reliable_entropy,
        1,
        False,
        r"\min \max_{\|e\| \le 0.05} \frac{1}{|P|} \sum_{i \in P} H_i(\theta + e), \quad"
        rf" P = \{{i : H_i < {RELIABLE:g} \ln K\}}",
        "Niu et al. 2023, arXiv 2302.12400",
        failure="Dense entropies are low from the start: most pixels pass, and it resets often.",
    ),
    "memo": Objective(
        "MEMO",
        losses.entropy_of_views,
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
        losses.disagreement,
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
        losses.disagreement,
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

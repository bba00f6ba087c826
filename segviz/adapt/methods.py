"""The registry of methods: what each reads, optimises and costs, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..errors import InputError
from . import objectives
from .objectives import OBJECTIVES
from .views import VIEWS

__all__ = [
    "END_TO_END",
    "FEEDFORWARD",
    "HEAD",
    "METHODS",
    "MethodInfo",
    "find",
    "names_of",
    "of_objective",
]

FEEDFORWARD = "feedforward"
"""The prediction without adaptation."""

STEP = 1 / 50
"""The cost of an update of the head, in forward passes (results/benchmark.json, 3x)."""

END_TO_END_STEP = 3.0
"""The cost of an update of the whole network: forwards, and backwards twice that."""

HEAD = ("both", "score", "scale")
"""The groups of parameters of the head that steps may adapt, the default first."""

END_TO_END = ("norm", "all")
"""The groups of parameters whose updates run the whole network, forwards and backwards."""


@dataclass(frozen=True)
class MethodInfo:
    r"""What a name in `METHODS` stands for.

    Arguments:
        title: Its name in the app.
        formula: What it predicts or optimises, in TeX.
        source: Where it comes from.
        adapted: Whether it is adapted for one image, rather than as published.
        objective: The name in `OBJECTIVES` that its updates follow; None = no updates.
        views: Which sizes of the photo it reads, a name in `views.VIEWS`.
        combination: How the predictions of several views become one, a name in
            `combinations.COMBINATIONS`; "" for a single view.
        variables: The groups of parameters that its updates may adapt, the default first.
        learning_rate: The default learning rate.
        steps: The default number of updates.
        base: The method that it is without updates.
        alpha: The default weight of the image's own statistics in batch norms, where the whole
            network runs.
        correction: What is done to the finished prediction, a name in `corrections.CORRECTIONS`;
            "" = nothing.
        optimiser: The default optimiser, a name in `OPTIMISERS`.
        radius: How far parameters ascend before their gradient is taken; 0 = not at all.
        reset: The fraction of ln K below which the running mean of the loss resets the parameters;
            0 = never.
        failure: How it fails on dense prediction, in one sentence.
        published_rate: The learning rates, with their optimisers, of the authors' own code; "" if
            not looked up.
    """

    title: str
    formula: str
    source: str
    adapted: bool = False
    objective: str | None = None
    views: str = "single"
    combination: str = ""
    variables: tuple[str, ...] = ()
    learning_rate: float = 1e-3
    steps: int = 0
    base: str = FEEDFORWARD
    alpha: float = 0.0
    correction: str = ""
    optimiser: str = "adam"
    radius: float = 0.0
    reset: float = 0.0
    failure: str = ""
    published_rate: str = ""

    @property
    def passes(self) -> float:
        r"""The cost of its views in forward passes at s: the sum of their areas.

        .. math:: \sum_v f_v^2

        Counted, not timed; a step on the head or the weights adds about a fiftieth, one on norms or
        on all parameters three.
        """
        return sum(view.factor**2 for view in VIEWS[self.views])

    def cost(self, steps: int, variables: str) -> float:
        """Return the cost of an episode in forward passes at s: its views, and its updates.

        Arguments:
            steps: The number of updates.
            variables: The parameters adapted.
        """
        step = END_TO_END_STEP if variables in END_TO_END else STEP
        if not self.combination:  # each step runs all views that the objective compares
            step *= self.passes
        return self.passes + steps * step * (2 if self.radius else 1)

    @property
    def needs_truth(self) -> bool:
        """Whether its updates compare with true labels."""
        return self.objective is not None and OBJECTIVES[self.objective].needs_truth


def of_objective(name: str) -> MethodInfo:
    """Return the method that follows an objective, a name in `OBJECTIVES`, with usual defaults.

    Raises:
        InputError: If there is no such objective.
    """
    objective = objectives.find(name)
    return MethodInfo(
        title=objective.title,
        formula=objective.formula,
        source=objective.source,
        adapted=not objective.source.startswith("paper"),
        objective=name,
        views=objective.views,
        variables=(*HEAD, *END_TO_END),
        steps=32,
        failure=objective.failure,
    )


def _octaves(title: str, formula: str, source: str, combination: str) -> MethodInfo:
    """Return the method that reads octaves of the photo and combines their predictions."""
    return MethodInfo(title, formula, source, views="octaves", combination=combination)


_PYRAMIDS = {
    "pyramid": _octaves(
        "Pyramid",
        r"p_i = \sum_l w_l \, p_{l,i}, \quad l: s, s/2, s/4",
        "segviz: the gate where the network has one, otherwise the rule",
        "gate-or-rule",
    ),
    "pyramid:gate": _octaves(
        "Pyramid, gate",
        r"p_i = \sum_l w_l \, p_{l,i}, \quad w = \mathrm{softmax}(g(\phi))",
        "segviz: a gate trained by the likelihood of the mixture",
        "gate",
    ),
    "pyramid:five": MethodInfo(
        "Pyramid, five views",
        r"p_i = w_0 p_{0,i} + (1 - t) (w_1 p_{1,i} + \frac{w_2}{2} (p_{2,i} + p'_{2,i}))"
        r" + t (w_1 + w_2) \, p_{3/2,i}, \quad"
        r" t = \frac{3}{2} \min(w_1, w_2) / (w_1 + w_2), \quad l: s / 2^l",
        "segviz: the weights of `pyramid`, spread over five views",
        views="five",
        combination="gate-or-rule-five",
    ),
    "pyramid:rule": _octaves(
        "Pyramid, rule",
        r"w_0 = 1 - a_0, \; w_1 = a_0 (1 - a_1), \dots \quad"
        r" a_l = 1 / (1 + (\bar H_{l+1} / (c \bar H_l))^p)",
        "segviz: untrained, by local entropy; c = 0.7, p = 8",
        "rule",
    ),
    "pyramid:fixed": _octaves(
        "Pyramid, fixed weights",
        r"w = \mathrm{softmax}(2, 0, -2)",
        "segviz: a baseline",
        "fixed",
    ),
    "pyramid:mean": _octaves(
        "Pyramid, mean",
        r"p_i = \frac{1}{3} \sum_l p_{l,i}",
        "baseline: the plain mean of three octaves",
        "mean",
    ),
}

_DESCENTS = {
    "entropy": (
        r"\min_b \sum_{i \in S} H(\sum_l w_l(b) \, p_{l,i})",
        "the paper's eq. 2 on one bias for each size",
    ),
    "oracle": (r"\min_b \frac{1}{N} \sum_i -\log p_{i y_i}", "bound, with truth"),
    "adversary": (r"\max_b \frac{1}{N} \sum_i -\log p_{i y_i}", "bound, with truth"),
}


def _descended() -> dict[str, MethodInfo]:
    """Return every pyramid with the weights of its sizes adapted by an objective."""
    return {
        f"{name}:{objective}": replace(
            info,
            title=f"{info.title}, {objective}",
            formula=formula,
            source=source,
            adapted=True,
            objective=objective,
            variables=("gate", *HEAD),
            # Chosen on training images: from a trained gate every larger rate loses more.
            learning_rate=0.01 if "gate" in info.combination else 0.05,
            steps=32,
            base=name,
        )
        for name, info in _PYRAMIDS.items()
        if name not in ("pyramid:mean", "pyramid:five")
        for objective, (formula, source) in _DESCENTS.items()
    }


def _published(name: str) -> MethodInfo:
    """Return the method of an objective, with the defaults that `DEFAULTS` has of it."""
    return replace(of_objective(name), **DEFAULTS.get(name, {}))


ON_NORMS: dict[str, Any] = {"variables": ("norm", *HEAD, "all"), "steps": 8}

DEFAULTS: dict[str, dict[str, Any]] = {
    # Rates: cfgs/tent.yaml of the authors; main.py of EATA for ImageNet-C.
    "tent": {
        "variables": END_TO_END,
        "steps": 8,
        "alpha": 1.0,
        "base": "norm",
        "published_rate": "1e-3 (Adam), 2.5e-4 (SGD)",
    },
    "slr": ON_NORMS,
    "eta": {**ON_NORMS, "published_rate": "2.5e-4 (SGD)"},
    # 0.2 of ln 1000, where the method was published. Rates: main.py of the authors.
    "sar": {
        **ON_NORMS,
        "radius": 0.05,
        "reset": 0.029,
        "published_rate": "7.8e-6 to 1.6e-5 for one image, 2.5e-4 to 1e-3 for 64 (SGD)",
    },
    "memo": {"published_rate": "2.5e-4 (SGD), 1e-5 (AdamW)"},
    "max-squares": {"published_rate": "2.5e-4 (SGD)"},
    "max-squares-balanced": {"published_rate": "2.5e-4 (SGD)"},
}
"""Where a published method differs from the defaults of an objective, and its published rates."""

METHODS: dict[str, MethodInfo] = {
    FEEDFORWARD: MethodInfo(
        title="Feedforward",
        formula=r"p_i = \mathrm{softmax}(z_i)",
        source="the prediction without adaptation",
    ),
    **{name: _published(name) for name in OBJECTIVES},
    "norm": MethodInfo(
        title="Statistics of the image",
        formula=r"\mu = \alpha \mu_x + (1 - \alpha) \mu_0, \quad"
        r" v = \alpha v_x + (1 - \alpha) v_0",
        source="Nado et al. 2020, arXiv 2006.10963; Schneider et al. 2020, arXiv 2006.16971",
        adapted=True,
        alpha=1.0,
        failure="The statistics of one photo depend on what is on it, and unbalance its classes.",
    ),
    "intent": MethodInfo(
        title="InTEnt",
        formula=r"p_i = \sum_\alpha w_\alpha \, p_{\alpha,i}, \quad"
        r" \alpha: 0, 0.2, \dots, 1, \quad"
        r" w = \mathrm{softmax}(-\mathrm{minmax}(\overline{H}_{\text{by class}}))",
        source="Dong et al. 2024, arXiv 2402.09604, H averaged over the classes predicted",
        adapted=True,
        views="statistics",
        combination="class-entropy",
        failure="Members that are sure of one class everywhere get the largest weight.",
    ),
    "lame": MethodInfo(
        title="LAME",
        formula=r"z_i \leftarrow \mathrm{softmax}(\log p_i + \sum_j w_{ij} z_j)",
        source="Boudiaf et al. 2022, arXiv 2201.05718, 5 neighbours in feature space",
        adapted=True,
        correction="lame",
        failure="Small objects take the labels of the pixels around them.",
    ),
    "t3a": MethodInfo(
        title="T3A",
        formula=r"p_i = \mathrm{softmax}(f_i \cdot w_c), \quad"
        r" w_c = \mathrm{normalise} \sum_{s \in S_c} s / \| s \|",
        source="Iwasawa and Matsuo 2021, 100 supports a class",
        adapted=True,
        correction="t3a",
        failure="Classes with few sure pixels keep bad prototypes, and background overtakes.",
    ),
    **_PYRAMIDS,
    **_descended(),
    "multi-scale": MethodInfo(
        title="Multi-scale and flip",
        formula=r"p_i = \frac{1}{12} \sum_v p_{v,i}, \quad"
        r" v: \{0.5, 0.75, 1, 1.25, 1.5, 1.75\} \, s, \text{ mirrored or not}",
        source="the segmentation toolboxes' test-time augmentation",
        views="multi-scale",
        combination="mean",
    ),
    "flip": MethodInfo(
        title="Flip",
        formula=r"p_i = \frac{1}{2} (p_i + p'_i)",
        source="the segmentation toolboxes' test-time augmentation",
        views="flip",
        combination="mean",
    ),
}
"""Every method by the name that spellings begin with."""


def find(name: str) -> MethodInfo:
    """Return the method of a name in `METHODS`.

    Raises:
        InputError: If there is none.
    """
    try:
        return METHODS[name]
    except KeyError:
        raise InputError(f"there is no method {name!r}; choose one of {names_of()}.") from None


def names_of() -> str:
    """Return the names of all methods in one line; the options of pyramids in brackets."""
    plain = [name for name in METHODS if not name.startswith("pyramid")]
    return ", ".join([*plain, "pyramid[:rule|fixed|mean|gate|five][:entropy|oracle|adversary]"])

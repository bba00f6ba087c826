"""The registry of methods: what each reads, optimises and costs, and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import InputError
from . import objectives
from .objectives import OBJECTIVES
from .views import VIEWS

__all__ = ["FEEDFORWARD", "METHODS", "MethodInfo", "find", "names_of", "of_objective"]

FEEDFORWARD = "feedforward"
"""The prediction without adaptation."""

STEP = 1 / 50
"""The cost of an update of the head, in forward passes (results/benchmark.json, 3x)."""

END_TO_END_STEP = 3.0
"""The cost of an update of the whole network: forwards, and backwards twice that."""

HEAD = ("both", "score", "scale")
"""The groups of parameters of the head that steps may adapt, the default first."""


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

    @property
    def passes(self) -> float:
        r"""The cost of its views in forward passes at s: the sum of their areas.

        .. math:: \sum_v f_v^2

        Counted, not timed; a step on the head or the weights adds about a fiftieth.
        """
        return sum(view.factor**2 for view in VIEWS[self.views])

    def cost(self, steps: int, variables: str) -> float:
        """Return the cost of an episode in forward passes at s: its views, and its updates.

        Arguments:
            steps: The number of updates.
            variables: The parameters adapted.
        """
        return self.passes + steps * (END_TO_END_STEP if variables == "all" else STEP)

    @property
    def needs_truth(self) -> bool:
        """Whether its updates compare with true labels."""
        return self.objective is not None and OBJECTIVES[self.objective].needs_truth


def of_objective(name: str) -> MethodInfo:
    """Return the method that follows an objective, a name in `OBJECTIVES`, on the view at s.

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
        variables=(*HEAD, "all"),
        steps=32,
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
        if name != "pyramid:mean"
        for objective, (formula, source) in _DESCENTS.items()
    }


METHODS: dict[str, MethodInfo] = {
    FEEDFORWARD: MethodInfo(
        title="Feedforward",
        formula=r"p_i = \mathrm{softmax}(z_i)",
        source="the prediction without adaptation",
    ),
    **{name: of_objective(name) for name in OBJECTIVES},
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
    return ", ".join([*plain, "pyramid[:rule|fixed|mean|gate][:entropy|oracle|adversary]"])

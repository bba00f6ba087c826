"""The registry of explanations: every number, map, symbol and control in one sentence.

App, reports and `docs/glossary.md` show these texts. Panels are explained in
`segviz.pictures.panels`, methods in `segviz.adapt.methods`.
"""

from dataclasses import dataclass

__all__ = [
    "CALIBRATION",
    "CONTROLS",
    "DATA_SET",
    "MAPS",
    "NUMBERS",
    "PROBABILITY",
    "SYMBOLS",
    "Term",
    "symbols_of",
]


@dataclass(frozen=True)
class Term:
    """One explanation.

    Arguments:
        title: What it is called.
        meaning: What it is, one sentence.
        unit: Its unit; "" = none.
        direction: What a larger or smaller value means, one sentence.
        paper: The paper's value or choice, one sentence.
        decimals: The decimals that it is shown with.
    """

    title: str
    meaning: str
    unit: str = ""
    direction: str = ""
    paper: str = ""
    decimals: int = 3

    @property
    def help(self) -> str:
        """The whole explanation."""
        unit = f"Unit: {self.unit}." if self.unit else ""
        return " ".join(filter(None, (self.meaning, unit, self.direction, self.paper)))


NUMBERS: dict[str, Term] = {
    "iou": Term(
        "IoU",
        "Intersection over union of prediction and truth, 0 to 1, the mean over the classes in"
        " either.",
        direction="Higher is better.",
        paper="The paper's mIoU is over a data set, not over one photo.",
    ),
    "accuracy": Term(
        "Pixel accuracy",
        "The share of pixels whose class is right, 0 to 1, without ignored ones.",
        direction="Higher is better.",
    ),
    "agreement": Term(
        "Agreement vs. 1x",
        "IoU with the prediction at scale 1, which stands in where there is no truth, 0 to 1.",
        direction="Higher means closer to that prediction, not better.",
    ),
    "entropy": Term(
        "Mean entropy",
        "How unsure the prediction is, the mean over all pixels, from 0 to ln K for K classes.",
        "nats",
        "Lower means surer, not better.",
        "The paper's eq. 1.",
    ),
    "sigma": Term(
        "Mean sigma",
        "The standard deviation of each pixel's dynamic Gaussian, the mean over all pixels.",
        "input px",
        "Larger means that pixels see more of the photo around them.",
        decimals=1,
    ),
    "loss": Term(
        "Loss",
        "What the updates make smaller; for entropy, the sum of the entropies over S.",
        "nats",
        "Lower means that the objective is met better, not that the prediction is.",
        "The paper's eq. 2.",
    ),
    "changed": Term(
        "Pixels changed",
        "The share of pixels whose class differs from that at step 0, 0 to 1.",
        direction="Neither high nor low is better.",
    ),
}
"""The numbers of a step that are shown, by the key in the record."""

MAPS: dict[str, Term] = {
    "entropy": Term(
        "Entropy",
        "How unsure the prediction of each pixel is.",
        "nats",
        "0 = sure; ln K = all K classes alike; lower means surer, not better.",
        "The paper's eq. 1.",
    ),
    "sigma": Term(
        "Sigma",
        "The standard deviation of each pixel's dynamic Gaussian: how far it sees.",
        "input px",
        "Larger means a larger receptive field.",
        decimals=1,
    ),
    "sizes": Term(
        "Scale read",
        "The size of the photo, in times its own, that each pixel's prediction is read from; the"
        " geometric mean where sizes are mixed.",
        "x",
        decimals=2,
    ),
}
"""The maps of numbers, by their name in the record."""

PROBABILITY = Term(
    "Probability",
    "The softmax probability of a class at each pixel, of the predicted one where none is chosen in"
    " the legend.",
    direction="0 to 1; high means sure, not right.",
    decimals=2,
)
"""The map that is computed from the record's log-probabilities."""

CALIBRATION: dict[str, Term] = {
    "ece": Term(
        "ECE",
        "Expected calibration error: how far confidences are from how often they are right.",
        direction="0 = confidences are frequencies.",
    ),
    "nll": Term(
        "NLL",
        "Negative log-likelihood of the truth, the mean over pixels.",
        "nats",
        "Lower is better.",
    ),
    "brier": Term(
        "Brier",
        "The squared distance of the probabilities from the truth, 0 to 2, the mean over pixels.",
        direction="Lower is better.",
    ),
    "auroc": Term(
        "AUROC of entropy",
        "The probability that a wrong pixel has more entropy than a right one.",
        direction="1 = entropy finds every error, 0.5 = it says nothing.",
    ),
    "aurc": Term(
        "AURC of entropy",
        "The share of errors among the surest pixels, the mean over how many are kept.",
        direction="Lower is better.",
    ),
}
"""How far confidences can be trusted."""

SYMBOLS: dict[str, tuple[tuple[str, ...], Term]] = {
    "H": (("H_i", r"\bar H", "H("), Term("H", "entropy of the prediction of a pixel i, in nats")),
    "S": ((r"\in S}",), Term("S", "pixels with more entropy than the photo's mean, picked anew")),
    "p": (("p_", "p'", "p,", "p /"), Term("p", "probability of a class c at a pixel i")),
    "y": (("y_i",), Term("y", "class of the truth, or of the prediction where there is no truth")),
    "N": (("{N}", "N K", "N^"), Term("N", "number of pixels")),
    "K": (("{K}", "N K", r"\ln K"), Term("K", "number of classes")),
    "m": (("m^", "H(m)"), Term("m", "mean prediction over the photo, at the step in brackets")),
    "f": (("H(f)",), Term("f", "mean prediction of the classes that are no background")),
    "b": (("b^", "_b"), Term("b", "share of background, or one bias for each size of a pyramid")),
    "P": ((r"\in P",), Term("P", "pixels that are sure enough to learn from")),
    "I": (("I_c",), Term("I, U", "soft intersection and union of a class")),
    "q": (("q_", "q'"), Term("q", "p at unit length, or kept below 1")),
    "w": (("w_", "w ="), Term("w", "weight of a size, a neighbour or a class")),
    "z": (("z_i",), Term("z", "logits, or the corrected prediction")),
    "s": (("s/2", r"\, s"), Term("s", "scale of the photo")),
    "KL": ((r"\mathrm{KL}",), Term("KL", "Kullback-Leibler divergence, in nats")),
    "mu": (
        (r"\mu",),
        Term(
            "\N{GREEK SMALL LETTER MU}, v",
            "mean and variance of features in norms: of the photo (x) and of training (0)",
        ),
    ),
}
"""The symbols of formulas: what a formula with them holds, in LaTeX, and what they are."""

CONTROLS: dict[str, Term] = {
    "checkpoint": Term(
        "Checkpoint",
        "The trained network; the page Model shows its card, and `segviz app --checkpoint` offers"
        " others.",
    ),
    "long_side": Term(
        "Long side",
        "Larger photos are reduced to this long side before all else; the scale is relative to it.",
        unit="pixels",
        paper="The shipped networks and the paper's were trained on photos of 500.",
    ),
    "method": Term(
        "Method",
        "How the photo is read, and what each update makes smaller (min) or larger (max), in nats.",
        paper="The paper minimises entropy over S, the pixels above the mean entropy.",
    ),
    "methods": Term(
        "Methods",
        "Feedforward is the prediction without adaptation; oracle and adversary minimise and"
        " maximise the cross-entropy to the truth: the best and the worst that updates could do.",
        paper="The paper compares entropy with feedforward, oracle and adversary.",
    ),
    "variables": Term("Variables", "What the updates change.", paper="The paper's choice: both."),
    "scale": Term(
        "Scale",
        "Resize factor of the photo before the network; 1 = the scale of training.",
        direction="Cost grows with the square.",
        paper="The paper tests 1 to 4; 3 is its main case.",
    ),
    "steps": Term(
        "Steps T",
        "Number of updates: step 0 is the feedforward prediction, step t the one after t updates.",
        paper="The paper's value: 32.",
    ),
    "learning_rate": Term(
        "Learning rate",
        "The optimiser's step size, without unit; choose one or type another.",
        direction="What is large depends on the network's features.",
        paper="The paper's value: 0.001.",
    ),
    "optimiser": Term(
        "Optimiser",
        "Adam divides each gradient by its running size; SGD follows the gradient, so that"
        " objectives that sum over pixels need far smaller rates.",
        paper="The paper's choice: Adam.",
    ),
    "momentum": Term("Momentum", "How much of the last update SGD repeats, 0 to 1."),
    "stop": Term(
        "Stop rule",
        "Ends a run before the first prediction that breaks a rule, without labels.",
        paper="The paper runs a fixed number of steps.",
    ),
    "alpha": Term(
        "Alpha",
        "The weight of the image's own statistics in batch norms, for Statistics of the image and"
        " the variables `norm` and `all`, 0 to 1.",
        direction="0 = those of training alone.",
    ),
    "tolerance": Term(
        "Tolerance",
        "Stops early once a step changes the loss by less than this fraction.",
        direction="0 = never.",
        paper="The paper runs a fixed number of steps.",
    ),
    "centred": Term(
        "Centred updates",
        "Compensate every change of a weight in the bias, so that it acts on features centred on"
        " the image's mean: without it, the commonest class tends to grow everywhere.",
        paper="Not in the paper.",
    ),
}
"""The controls of a run, by the name of their setting."""

DATA_SET: dict[str, Term] = {
    "miou": Term(
        "mIoU",
        "IoU of each class over all images of a data set, from one confusion matrix, the mean over"
        " the classes.",
        "%",
        "Higher is better.",
    ),
    "gain": Term(
        "Gain",
        "The mIoU of a method minus that of feedforward on the same images at the same scale.",
        "points",
        "Above 0 the method helps; ± is its standard error over resampled images.",
    ),
    "cost": Term(
        "Cost",
        "Forward passes at the scale given, counted: the views by their area, and the updates.",
        "passes",
        "Lower is cheaper.",
    ),
}
"""What is measured over a data set."""


def symbols_of(formula: str) -> list[Term]:
    """Return the symbols that a formula has, in the order of `SYMBOLS`.

    Arguments:
        formula: LaTeX, as in `segviz.adapt.methods`.
    """
    return [term for parts, term in SYMBOLS.values() if any(part in formula for part in parts)]

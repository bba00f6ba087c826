"""The tables: what each measures, and the values that the paper prints."""

from dataclasses import dataclass

from ..adapt.methods import FEEDFORWARD
from ..adapt.stop import STOP_RULES
from .measured_method import MeasuredMethod

__all__ = ["LARGE_SCALE", "MODELS", "OURS", "PAPER", "SCALES", "TABLES", "Table", "paper_miou"]

MODELS = {"w/o aug": "mobilenetv2_100-voc-noaug", "w/ aug": "mobilenetv2_100-voc"}
"""The checkpoints for the paper's two models: trained without and with augmentation of scale."""

OURS = ("entropy-two-scales:centred", "both")
"""The unsupervised method and variables with the best results on training images."""

ONE_SCALE = ("entropy-marginal:centred", "score")
"""The best among the methods that see the photo at its own scale only."""

LARGE_SCALE = 2.5
"""The smallest of the scales that the mean gain is over."""

SCALES = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
"""The scales of the paper's Table 1."""

BOUNDS = ("oracle", "adversary")


@dataclass(frozen=True)
class Table:
    """The contents of a table.

    Arguments:
        title: The title.
        models: Names in `MODELS`.
        scales: The resize factors.
        methods: Spellings of methods, each with the variables it adapts, None = the method's
            default; feedforward is always measured too.
        steps: The numbers of updates to measure after.
        limit: Measure a fixed random subset of at most this many images; None = all.
    """

    title: str
    models: tuple[str, ...]
    scales: tuple[float, ...]
    methods: tuple[tuple[str, str | None], ...]
    steps: tuple[int, ...] = (32,)
    limit: int | None = None

    def parsed_methods(self) -> list[MeasuredMethod]:
        """Return its methods, feedforward first."""
        return [
            MeasuredMethod.parse(FEEDFORWARD),
            *(
                MeasuredMethod.parse(name, variables, self.steps)
                for name, variables in self.methods
            ),
        ]


def _on_all(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, variables) for name in names for variables in ("score", "scale", "both"))


TABLES = {
    "1": Table(
        "Scales: the paper's Table 1",
        ("w/o aug", "w/ aug"),
        SCALES,
        (("entropy", "both"), ONE_SCALE, OURS, ("oracle", "both")),
    ),
    "2": Table(
        "Steps: the paper's Table 2",
        ("w/o aug",),
        SCALES,
        (("entropy", "both"), ONE_SCALE, OURS, ("oracle", "both")),
        (32, 128),
    ),
    "3": Table(
        "Variables: the paper's Table 3",
        ("w/ aug",),
        (1.0, 3.0),
        _on_all("entropy", OURS[0], *BOUNDS),
    ),
    "methods": Table(
        "Methods: which size of the photo is read",
        ("w/ aug",),
        (1.0, 1.5, 2.0, 3.0, 4.0),
        (
            ("entropy", "both"),
            OURS,
            ("pyramid:fixed", None),
            ("pyramid:mean", None),
            ("pyramid:rule", None),
            ("pyramid:gate", None),
            ("pyramid:five", None),
            ("pyramid:gate:entropy:lr=0.05:steps=20", None),
            ("oracle", "both"),
        ),
        limit=400,
    ),
    "sizes": Table(
        "Sizes: what reads several sizes of the photo, without steps",
        ("w/o aug", "w/ aug"),
        (0.5, *SCALES),
        (("pyramid:rule", None), ("pyramid:gate", None), ("pyramid:five", None)),
    ),
    "objectives": Table(
        "Objectives, statistics and corrections on one photo",
        ("w/ aug",),
        (1.0, 3.0),
        tuple(
            (name, None)
            for name in (
                *("entropy", "entropy-all", "entropy-marginal", "entropy-two-scales"),
                *("entropy-few", "infomax", "max-squares", "max-squares-balanced"),
                *("pseudo-label", "soft-iou", "memo", "consistency", "consistency-scale"),
                *("norm", "intent", "lame", "t3a", "pyramid:gate", "pyramid:gate:entropy"),
                *("adversary-entropy", "adversary", "oracle"),
            )
        ),
        limit=400,
    ),
    "network": Table(
        "Methods that run the whole network at every step, and the toolboxes' views",
        ("w/ aug",),
        (1.0, 3.0),
        (
            *((f"{name}:steps=8", None) for name in ("tent", "slr", "eta", "sar")),
            ("entropy:steps=8", "norm"),
            ("flip", None),
            ("multi-scale", None),
        ),
        limit=60,  # a step is a forward and a backward pass of the whole network
    ),
    "stop": Table(
        "When to stop: each step of entropy, and the stop rules",
        ("w/ aug",),
        (1.0, 3.0),
        (
            ("entropy", "both"),
            *((f"entropy:stop={rule}:steps=32", "both") for rule in STOP_RULES),
        ),
        (1, 2, 3, 4, 6, 8, 12, 16, 20, 24, 28, 32),
        limit=400,
    ),
    "control": Table(
        "End to end: every parameter adapted",
        ("w/ aug",),
        (1.0, 3.0),
        (("entropy", "all"), ("entropy", "both"), OURS),
        limit=20,  # a step is a forward and a backward pass of the whole network
    ),
}

_BY_SCALE = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0)


def _scales(*values: float) -> dict[float, float]:
    return dict(zip(_BY_SCALE, values, strict=True))


PAPER: dict[str, dict[tuple[str, str, str | None, int], dict[float, float]]] = {
    "1": {
        ("w/o aug", "feedforward", None, 0): _scales(68.2, 59.3, 50.2, 41.8, 34.0, 27.5),
        ("w/o aug", "entropy", "both", 32): _scales(69.0, 60.1, 51.9, 43.5, 35.8, 29.2),
        ("w/o aug", "oracle", "both", 32): _scales(72.0, 64.4, 55.8, 47.5, 39.2, 32.1),
        ("w/ aug", "feedforward", None, 0): _scales(74.2, 70.8, 65.8, 59.8, 53.5, 46.8),
        ("w/ aug", "entropy", "both", 32): _scales(74.6, 71.7, 67.7, 61.8, 56.0, 49.0),
        ("w/ aug", "oracle", "both", 32): _scales(78.0, 75.7, 72.3, 67.8, 62.4, 55.6),
    },
    "2": {
        ("w/o aug", "feedforward", None, 0): _scales(68.2, 59.3, 50.2, 41.8, 34.0, 27.5),
        ("w/o aug", "entropy", "both", 32): _scales(69.0, 60.1, 51.9, 43.5, 35.8, 29.2),
        ("w/o aug", "oracle", "both", 32): _scales(72.0, 64.4, 55.8, 47.5, 39.2, 32.1),
        ("w/o aug", "entropy", "both", 128): _scales(69.0, 60.3, 52.1, 43.5, 35.2, 28.5),
        ("w/o aug", "oracle", "both", 128): _scales(73.3, 68.6, 61.8, 54.0, 45.7, 38.5),
    },
    "3": {
        ("w/ aug", "feedforward", None, 0): {1.0: 69.8, 3.0: 59.8},
        ("w/ aug", "entropy", "score", 32): {1.0: 70.2, 3.0: 61.1},
        ("w/ aug", "entropy", "scale", 32): {1.0: 70.7, 3.0: 61.8},
        ("w/ aug", "entropy", "both", 32): {1.0: 70.6, 3.0: 62.3},
        ("w/ aug", "oracle", "score", 32): {1.0: 73.7, 3.0: 63.9},
        ("w/ aug", "oracle", "scale", 32): {1.0: 75.6, 3.0: 67.8},
        ("w/ aug", "oracle", "both", 32): {1.0: 77.7, 3.0: 71.3},
        ("w/ aug", "adversary", "score", 32): {1.0: 67.4, 3.0: 57.4},
        ("w/ aug", "adversary", "scale", 32): {1.0: 55.9, 3.0: 47.4},
        ("w/ aug", "adversary", "both", 32): {1.0: 52.4, 3.0: 44.4},
    },
}
"""mIoU in percent by table, then by model, method, variables and steps, then by scale.

Source: Tables 1 to 3 of the paper. Tables 1 and 3 disagree on entropy and oracle at 3x; both are
given as printed."""


def paper_miou(
    table: str, model: str, variant: tuple[str, str | None, int], scale: float
) -> float | None:
    """Return the paper's mIoU in percent, or None if the paper does not give it.

    Arguments:
        table: A name in `TABLES`, or any other.
        model: A name in `MODELS`.
        variant: Method, variables and steps.
        scale: The resize factor.
    """
    return PAPER.get(table, {}).get((model, *variant), {}).get(scale)

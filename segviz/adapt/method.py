"""A method of adaptation as a value, with one spelling for command line, tables and addresses."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self, cast

from ..errors import InputError
from ..validation import check_range
from . import methods, views
from .methods import END_TO_END, FEEDFORWARD, MethodInfo
from .stop import STOP_RULES

__all__ = [
    "END_TO_END",
    "FEEDFORWARD",
    "LIMITS",
    "OPTIMISERS",
    "VARIABLES",
    "Method",
    "available_variables",
    "default_variables",
    "groups_of",
]

VARIABLES = {
    "score": "theta_score, the classifier",
    "scale": "theta_scale, the regressor of sigma",
    "both": "theta_score and theta_scale",
    "gate": "theta_gate, one bias for each size of the photo",
    "norm": "weights and biases of all norms (slow: the whole network runs)",
    "all": "every parameter, end to end (slow: the paper's negative control)",
}

GROUPS = {"both": ("score", "scale"), "gate": ()}
"""The groups of a network's parameters that variables are made of, where their names differ."""


def groups_of(variables: str) -> tuple[str, ...]:
    """Return the groups of a network's parameters that variables are made of."""
    return GROUPS.get(variables, (variables,))


LIMITS: dict[str, tuple[float, float]] = {
    "scale": (0.25, 8.0),
    "steps": (0, 512),
    "learning_rate": (1e-7, 1.0),
    "alpha": (0.0, 1.0),
    "momentum": (0.0, 0.999),
}

OPTIMISERS = ("adam", "sgd")
MOMENTUM = 0.9
"""The default momentum of sgd."""

NUMBERS = {
    "lr": "learning_rate",
    "tolerance": "tolerance",
    "alpha": "alpha",
    "momentum": "momentum",
}
"""The field of each option that has a number."""

OPTIONS = (
    "centred, sgd, adam, momentum=M, alpha=A, lr=RATE, tolerance=FRACTION, stop=RULE and steps=T"
)


@dataclass(frozen=True, kw_only=True)
class Method:
    """How a prediction is made and adapted, whatever the photo.

    A value that the method does not use is replaced by a neutral one, so that equal methods are
    equal values.

    Arguments:
        method: A name in `METHODS`.
        variables: The parameters that updates adapt, a name in `VARIABLES`; "" without updates.
        steps: The number of updates T, 0 to 512.
        learning_rate: The optimiser's learning rate, 1e-7 to 1.
        centred: Whether the bias compensates a change of the weight, so that the weight acts on
            features centred on the image's mean at step 0.
        tolerance: Stop early once a step changes the loss by less than this fraction; 0 = never.
        alpha: The weight of the image's own statistics in batch norms, 0 to 1; where the variables
            are norm or all, and for the method norm.
        optimiser: adam or sgd.
        momentum: Of sgd, 0 to 0.999; 0 for adam.
        stop: End before the first prediction that breaks this rule, a name in `STOP_RULES`; "" =
            never.

    Of all but `centred`, `tolerance`, `momentum` and `stop`, each method has a default of its own.

    Raises:
        InputError: If a value is out of its range, or the method has no such variables.
    """

    method: str = "entropy"
    # None stands for the method's default until __post_init__ has put it in place.
    variables: str = cast(str, None)
    steps: int = cast(int, None)
    learning_rate: float = cast(float, None)
    centred: bool = False
    tolerance: float = 0.0
    alpha: float = cast(float, None)
    optimiser: str = cast(str, None)
    momentum: float = cast(float, None)
    stop: str = ""

    def __post_init__(self) -> None:
        info = methods.find(self.method)
        self._check_given(info)
        if info.objective is None:
            alpha = info.alpha if self.alpha is None or not info.alpha else self.alpha
            self._set(
                variables="",
                steps=0,
                learning_rate=info.learning_rate,
                centred=False,
                tolerance=0.0,
                alpha=alpha,
                optimiser=info.optimiser,
                momentum=0.0,
                stop="",
            )
            return
        variables = info.variables[0] if self.variables is None else self.variables
        whole = variables in END_TO_END
        optimiser = info.optimiser if self.optimiser is None else self.optimiser
        momentum = MOMENTUM if self.momentum is None else self.momentum
        self._set(
            variables=variables,
            steps=info.steps if self.steps is None else self.steps,
            learning_rate=info.learning_rate if self.learning_rate is None else self.learning_rate,
            alpha=(info.alpha if whole else 0.0) if self.alpha is None else self.alpha,
            optimiser=optimiser,
            momentum=momentum if optimiser == "sgd" else 0.0,
        )
        self._set(steps=int(self.steps))  # 32.0 from JSON or a URL
        if self.variables not in info.variables:
            raise InputError(
                f"the method {self.method!r} has no variables {self.variables!r}; choose one of"
                f" {', '.join(info.variables)}."
            )
        if self.alpha > 0 and self.variables not in END_TO_END:
            raise InputError(
                f"alpha mixes statistics of the image into a network that runs as a whole, but the"
                f" variables are {self.variables!r}; choose norm or all, or leave alpha out."
            )
        if self.centred and self.variables not in methods.HEAD:
            raise InputError(
                "centred updates are defined for theta_score and theta_scale, but the variables are"
                f" {self.variables!r}; choose score, scale or both, or switch centring off."
            )

    def _check_given(self, info: MethodInfo) -> None:
        """Check the values that are given, those too that the method does not use."""
        for name in ("steps", "learning_rate", "alpha", "momentum"):
            value = getattr(self, name)
            if value is not None:
                check_range(name.replace("_", " "), value, *LIMITS[name])
        if self.steps is not None and self.steps != int(self.steps):
            raise InputError(f"steps must be a whole number, got {self.steps}; round it.")
        if self.optimiser is not None and self.optimiser not in OPTIMISERS:
            raise InputError(
                f"there is no optimiser {self.optimiser!r}; choose one of {', '.join(OPTIMISERS)}."
            )
        if not 0 <= self.tolerance < 1:
            raise InputError(
                f"tolerance must be at least 0 and below 1, got {self.tolerance}; choose a fraction"
                " such as 0.01."
            )
        if self.stop and self.stop not in STOP_RULES:
            raise InputError(
                f"there is no stop rule {self.stop!r}; choose one of {', '.join(STOP_RULES)}."
            )
        if info.objective is None and self.variables and self.variables not in VARIABLES:
            raise InputError(
                f"there are no variables {self.variables!r}; choose one of {', '.join(VARIABLES)}."
            )

    def _set(self, **values: Any) -> None:  # noqa: ANN401
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def parse(
        cls,
        spelling: str,
        *,
        groups: Collection[str] | None = None,
        **defaults: Any,  # noqa: ANN401
    ) -> Self:
        """Parse the spelling of a method.

        Arguments:
            spelling: `NAME[:OPTION]...`, NAME in `METHODS`, the options `centred`, `sgd`, `adam`,
                `momentum=M`, `alpha=A`, `lr=RATE`, `tolerance=FRACTION`, `stop=RULE`, `steps=T`.
            groups: The groups of parameters of the network, for variables that are not given;
                None = all that there are.
            defaults: Fields that the spelling does not give; None = the method's default.

        Raises:
            InputError: If the spelling or a value is invalid.
        """
        name, options = split_spelling(spelling)
        values: dict[str, Any] = {**defaults, "method": name}
        if groups is not None and values.get("variables") is None:
            values["variables"] = default_variables(name, groups)
        info = methods.find(name)
        if info.objective is None and not (info.alpha and all(map(_is_alpha, options))) and options:
            takes = "only alpha=A" if info.alpha else "no options"
            raise InputError(
                f"{spelling!r}: {name} makes no updates and takes {takes}; write {name}."
            )
        for option in options:
            try:
                values |= _parse_option(option)
            except ValueError:
                raise InputError(
                    f"{option!r} in {spelling!r} is not an option of a method; choose from"
                    f" {OPTIONS}."
                ) from None
        return cls(**values)

    @property
    def spelling(self) -> str:
        """The canonical spelling, without steps and variables; of no updates that of its base."""
        info, name = self.info, self.method
        adapts = info.objective is not None and self.steps > 0
        if info.objective is not None and not adapts:
            name = "norm" if self.alpha > 0 else info.base if info.combination else FEEDFORWARD
        default = methods.find(name).alpha if self.variables not in methods.HEAD else 0.0
        parts = [name]
        parts += [f"alpha={self.alpha}"] if self.alpha != default else []
        if adapts:
            parts += ["centred"] if self.centred else []
            parts += [self.optimiser] if self.optimiser != info.optimiser else []
            other_momentum = self.optimiser == "sgd" and self.momentum != MOMENTUM
            parts += [f"momentum={self.momentum}"] if other_momentum else []
            other_rate = self.learning_rate != info.learning_rate
            parts += [f"lr={self.learning_rate}"] if other_rate else []
            parts += [f"tolerance={self.tolerance}"] if self.tolerance else []
            parts += [f"stop={self.stop}"] if self.stop else []
        return ":".join(parts)

    @property
    def info(self) -> MethodInfo:
        """What the registry says of the method."""
        return methods.find(self.method)

    @property
    def objective(self) -> str | None:
        """The name of the objective that its updates follow; None if it makes no updates."""
        return self.info.objective

    @property
    def needs_truth(self) -> bool:
        """Whether the episode cannot run without labels."""
        return self.steps > 0 and self.info.needs_truth

    @property
    def joins(self) -> int:
        """The number of steps before the first update: views, statistics or a correction join."""
        if self.info.combination:
            return views.count(self.info.views) - 1
        return int(self.alpha > 0 or bool(self.info.correction))

    @property
    def last_step(self) -> int:
        """The number of the last step: views or statistics join, then updates follow."""
        return self.joins + self.steps


def _is_alpha(option: str) -> bool:
    return option.startswith("alpha=")


def _parse_option(option: str) -> dict[str, Any]:
    """Return the field that an option of a spelling sets; raise ValueError if there is none."""
    key, _, value = option.partition("=")
    if option == "centred":
        return {"centred": True}
    if option in OPTIMISERS:
        return {"optimiser": option}
    if key == "steps":
        return {"steps": int(value)}
    if key == "stop":
        return {"stop": value}
    if key not in NUMBERS:
        raise ValueError(option)
    return {NUMBERS[key]: float(value)}


def available_variables(name: str, groups: Collection[str]) -> tuple[str, ...]:
    """Return the variables of a method that a network has, the method's default first.

    Arguments:
        name: A name in `METHODS`.
        groups: The groups of parameters of the network.
    """
    chosen = methods.find(name).variables
    return tuple(each for each in chosen if set(groups_of(each)) <= set(groups))


def default_variables(name: str, groups: Collection[str]) -> str | None:
    """Return the first of `available_variables`; None if the network has none of them."""
    return next(iter(available_variables(name, groups)), None)


def split_spelling(spelling: str) -> tuple[str, list[str]]:
    """Return the name of a method and the options behind it.

    Raises:
        InputError: If there is no such method.
    """
    parts = spelling.strip().split(":")
    for count in range(len(parts), 0, -1):
        name = ":".join(parts[:count])
        if name in methods.METHODS:
            return name, parts[count:]
    raise InputError(f"there is no method {parts[0]!r}; choose one of {methods.names_of()}.")

"""Methods of adaptation and their spelling on the command line, in tables and in addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from ..errors import InputError
from .settings import Settings

__all__ = ["FEEDFORWARD", "Method", "parse_methods"]

FEEDFORWARD = "feedforward"
"""The spelling of the prediction without adaptation."""

OPTIONS = "centred, lr=RATE, tolerance=FRACTION and steps=T"


@dataclass(frozen=True)
class Method:
    """A method of adaptation and the steps at which it is measured.

    Arguments:
        settings: The settings of its episode, whose last step is the last of `steps`; an evaluation
            replaces the scale.
        steps: The numbers of updates to measure after, ascending.
    """

    settings: Settings
    steps: tuple[int, ...]

    @classmethod
    def parse(
        cls,
        spelling: str,
        variables: str = "both",
        steps: Sequence[int] = (32,),
        **defaults: Any,  # noqa: ANN401
    ) -> Self:
        """Parse the spelling of a method.

        Arguments:
            spelling: `OBJECTIVE[:centred][:lr=RATE][:tolerance=FRACTION][:steps=T]`, or
                `feedforward`.
            variables: The parameters to adapt, a name in `VARIABLES`.
            steps: The steps to measure at, unless the spelling gives one.
            defaults: Values of other `Settings` that the spelling does not give.

        Raises:
            InputError: If the spelling or a value is invalid.
        """
        spelling = spelling.strip()
        name, *options = spelling.split(":")
        if name == FEEDFORWARD:
            if options:
                raise InputError(f"{spelling!r}: feedforward takes no options; write feedforward.")
            return cls(Settings(steps=0), (0,))
        values: dict[str, Any] = {**defaults, "objective": name, "variables": variables}
        for option in options:
            key, _, value = option.partition("=")
            try:
                if option == "centred":
                    values["centred"] = True
                elif key == "lr":
                    values["learning_rate"] = float(value)
                elif key == "tolerance":
                    values["tolerance"] = float(value)
                elif key == "steps":
                    steps = (int(value),)
                else:
                    raise ValueError
            except ValueError:
                raise InputError(
                    f"{option!r} in {spelling!r} is not an option of a method; choose from"
                    f" {OPTIONS}."
                ) from None
        ascending = tuple(sorted({Settings(steps=step).steps for step in steps}))
        if not ascending:
            raise InputError("there are no steps to measure at; give at least one, such as 32.")
        return cls(Settings(**values, steps=ascending[-1]), ascending)

    @property
    def name(self) -> str:
        """The canonical spelling, without steps and variables."""
        s = self.settings
        if self.steps == (0,):
            return FEEDFORWARD
        parts = [s.objective]
        parts += ["centred"] if s.centred else []
        parts += [f"lr={s.learning_rate}"] if s.learning_rate != Settings.learning_rate else []
        parts += [f"tolerance={s.tolerance}"] if s.tolerance else []
        return ":".join(parts)


def parse_methods(
    spellings: Sequence[str],
    variables: Sequence[str] = ("both",),
    steps: Sequence[int] = (32,),
    **defaults: Any,  # noqa: ANN401
) -> list[Method]:
    """Parse several methods, each on every group of variables; feedforward has no variables.

    Arguments:
        spellings: As in `Method.parse`.
        variables: Names in `VARIABLES`.
        steps: The steps to measure at, unless a spelling gives one.
        defaults: Values of other `Settings` that a spelling does not give.

    Raises:
        InputError: If a spelling or a value is invalid.
    """
    return [
        Method.parse(spelling, group, steps, **defaults)
        for spelling in map(str.strip, spellings)
        for group in (variables if spelling != FEEDFORWARD else ("both",))
    ]

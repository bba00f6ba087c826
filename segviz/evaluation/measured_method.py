"""What an evaluation measures: methods, each after some numbers of updates."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from ..adapt.method import VARIABLES, Method, split_spelling
from ..adapt.methods import METHODS
from ..errors import InputError

__all__ = ["MeasuredMethod", "parse_methods"]


@dataclass(frozen=True)
class MeasuredMethod:
    """A method and the numbers of updates that it is measured after.

    Arguments:
        method: The method, whose `steps` are the last of these.
        steps: The numbers of updates, ascending; (0,) for a method without updates.
    """

    method: Method
    steps: tuple[int, ...]

    @classmethod
    def parse(
        cls,
        spelling: str,
        variables: str | None = None,
        steps: Sequence[int] = (32,),
        groups: Collection[str] | None = None,
        **defaults: Any,  # noqa: ANN401
    ) -> Self:
        """Parse the spelling of a method.

        Arguments:
            spelling: As in `Method.parse`.
            variables: The parameters to adapt, a name in `VARIABLES`; None = the method's default.
            steps: The steps to measure at, unless the spelling gives one.
            groups: The groups of parameters of the network, as in `Method.parse`.
            defaults: Values of other fields of `Method` that the spelling does not give.

        Raises:
            InputError: If the spelling or a value is invalid.
        """
        if not steps:
            raise InputError("there are no steps to measure at; give at least one, such as 32.")
        made = [
            Method.parse(
                spelling, groups=groups, **{**defaults, "variables": variables, "steps": step}
            )
            for step in steps
        ]
        found = sorted({method.steps for method in made})
        return cls(replace(made[0], steps=found[-1]), tuple(found))

    def at(self, step: int) -> Method:
        """Return the method after a number of updates."""
        return replace(self.method, steps=step)


def _unknown(variables: Sequence[str] | None) -> set[str]:
    return set(variables or ()) - VARIABLES.keys()


def parse_methods(
    spellings: Sequence[str],
    variables: Sequence[str] | None = None,
    steps: Sequence[int] = (32,),
    groups: Collection[str] | None = None,
    **defaults: Any,  # noqa: ANN401
) -> list[MeasuredMethod]:
    """Parse several methods, each on every group of variables if it makes updates.

    Arguments:
        spellings: As in `Method.parse`.
        variables: Names in `VARIABLES`; a method that has none of them, and None, stand for its
            default.
        steps: The steps to measure at, unless a spelling gives one.
        groups: The groups of parameters of the network, as in `Method.parse`.
        defaults: Values of other fields of `Method` that a spelling does not give; None = the
            method's default.

    Raises:
        InputError: If a spelling or a value is invalid.
    """
    found = []
    for spelling in map(str.strip, spellings):
        own = METHODS[split_spelling(spelling)[0]].variables
        # Those that the method does not have are left out, unless nobody has them.
        fitting = [name for name in variables or () if name in {*own, *_unknown(variables)}]
        for group in fitting or (None,):
            found.append(MeasuredMethod.parse(spelling, group, steps, groups, **defaults))
    return found
